"""The way in, and what every error becomes: one sentence and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import typer

from reports.text import plain
from sparsesim.cli.report_app import app
from workloads.errors import UserError, unknown_name

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130
# typer's errors of usage are click's in some versions and its own in others; both have this one in common.
UsageError = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: sys.argv); returns its exit status."""
    try:
        _print_whatever_the_encoding()
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        sentence, status = _explained(error)
        print(_harmless(sentence), file=sys.stderr)
        return status


def _run(arguments: Sequence[str]) -> int:
    status = app(args=arguments or ["--help"], prog_name="python -m sparsesim", standalone_mode=False)
    if status == INTERRUPTED:  # typer answers Ctrl-C with this status and not a word
        raise KeyboardInterrupt
    if not arguments:
        return WRONG_INPUT
    return status if isinstance(status, int) else 0


def _print_whatever_the_encoding() -> None:
    """A name with letters that the output's encoding lacks must not cost the result of a simulation."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _explained(error: BaseException) -> tuple[str, int]:
    """What is printed of an error, and its exit status; one that nobody foresaw is raised again."""
    match error:
        case UserError():
            return f"error: {error}", WRONG_INPUT
        case KeyboardInterrupt() | typer.Abort():
            return "error: interrupted; nothing was saved.", INTERRUPTED
        case MemoryError():
            return "error: out of memory; simulate fewer samples or use fewer --threads.", FAILED
        case OSError():
            return f"error: {error.filename or 'output'}: {error.strerror or error}.", FAILED
    if isinstance(error, UsageError):
        return _usage(error), WRONG_INPUT
    # Imported only now: they are rare, and --help should not wait for the engine.
    from sparsesim.engine.check import WrongResult  # noqa: PLC0415
    from sparsesim.results.bounds import BoundViolation  # noqa: PLC0415

    if isinstance(error, WrongResult | BoundViolation):
        return f"error: {error}", FAILED
    raise error


def _harmless(sentence: str) -> str:
    """What is read from files and options may hold the escape sequences that command a terminal."""
    return "\n".join(plain(line) for line in sentence.split("\n"))


def _usage(error: BaseException) -> str:
    """The sentence of an error of usage, and the usage of the command below it."""
    context = getattr(error, "ctx", None)
    message: str = error.format_message().replace("Value error, ", "")  # type: ignore[attr-defined]
    usage = f"\n{context.get_usage()}" if context else ""
    commands = getattr(context.command, "commands", {}) if context else {}
    if message.startswith("No such command") and len(quoted := message.split("'")) > 2:
        message = str(unknown_name("command", quoted[1], commands))
    return f"error: {message}{usage}"
