"""Texts of the command line as values; the sentences name what was given, which typer's own do not."""

from __future__ import annotations

from pathlib import Path

import typer

from workloads.errors import UserError

_SHOWN_CHARACTERS = 40


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"must be a whole number (got {text[:_SHOWN_CHARACTERS]!r}).") from None


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"must be a number (got {text[:_SHOWN_CHARACTERS]!r}).") from None


def shape(text: str) -> tuple[int, int, int]:
    """C,H,W, also written CxHxW; UserError for anything else."""
    parts = [part.strip() for part in text.lower().replace("x", ",").split(",")]
    numbers = [int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0 for part in parts]
    if len(numbers) != 3 or min(numbers) < 1:
        raise UserError(f"--input-shape must be C,H,W, e.g. 3,224,224 (got {text[:_SHOWN_CHARACTERS]!r}).")
    channels, high, wide = numbers
    return channels, high, wide


def folder(text: str) -> Path:
    """A folder; nothing at all is no folder, though to the operating system it is the current one."""
    if not text:
        raise typer.BadParameter("must name a folder (got ''); . is the current one.")
    return Path(text)


def names(text: str) -> list[str]:
    """Names separated by commas; blanks around them and empty ones do not count."""
    return [name.strip() for name in text.split(",") if name.strip()]


def workload_names(option: str, text: str) -> list[str]:
    """Names of networks or data sets, as of `names`; UserError for none. option: that gave them."""
    found = names(text)
    if not found:
        shown = repr(text[:_SHOWN_CHARACTERS])
        raise UserError(
            f"{option} {shown}: must hold at least one name, several separated by commas; "
            f"`workloads` lists them."
        )
    return found
