"""`python -m sparsesim`."""

import signal
import sys
from types import FrameType


def _ended(number: int, frame: FrameType | None) -> None:
    """End by raising, so that what is half written is removed; 128 + signal is the shells' exit status."""
    del frame
    raise SystemExit(128 + number)


def _run() -> int:
    try:
        signal.signal(signal.SIGTERM, _ended)
        from sparsesim.cli.main import main  # noqa: PLC0415  (Ctrl-C may come while this is imported)

        return main()
    except KeyboardInterrupt:
        print("error: interrupted; nothing was saved.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(_run())
