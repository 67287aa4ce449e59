"""`python -m sparsesim`."""

import sys


def _run() -> int:
    try:
        # Ctrl-C may come while these are imported.
        from sparsesim.cli.ending import end_on_signals  # noqa: PLC0415

        end_on_signals()
        from sparsesim.cli.main import main  # noqa: PLC0415

        return main()
    except KeyboardInterrupt:
        print("error: interrupted; nothing was saved.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(_run())
