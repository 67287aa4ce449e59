"""The way in, and what every error becomes: one sentence and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sparsesim.cli.app import app
from workloads.errors import UserError

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: sys.argv); returns its exit status."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="python -m sparsesim")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        sentence, status = _explained(error)
        print(f"error: {sentence}", file=sys.stderr)
        return status
    return 0


def _explained(error: BaseException) -> tuple[str, int]:
    """The sentence and the exit status of an error; one that nobody foresaw is raised again."""
    match error:
        case UserError():
            return str(error), WRONG_INPUT
        case KeyboardInterrupt():
            return "interrupted; nothing was saved.", INTERRUPTED
        case MemoryError():
            return "out of memory; simulate fewer samples or use fewer --threads.", FAILED
        case OSError():
            reason = error.strerror or str(error)
            return f"{error.filename or 'output'}: {reason}; the run is not saved.", FAILED
    # Imported only now: they are rare, and --help should not wait for the engine.
    from sparsesim.engine.check import WrongResult  # noqa: PLC0415
    from sparsesim.results.bounds import BoundViolation  # noqa: PLC0415

    if isinstance(error, WrongResult | BoundViolation):
        return str(error), FAILED
    raise error
