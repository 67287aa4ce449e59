"""Text that others chose (names in traces and machine files), made safe to print."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

LONGEST_NAME = 40  # characters of a name in a table; those of the built-in networks have 21 at most


def plain(text: str) -> str:
    """The text in one line, anything that is no printable character as "?".

    A name out of a file may hold line breaks or the escape sequences that command a terminal.
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def shown_name(name: str) -> str:
    """A name as tables and figures show it: plain, and its middle left out beyond LONGEST_NAME characters."""
    name = plain(name)
    if len(name) <= LONGEST_NAME:
        return name
    half = LONGEST_NAME // 2
    return f"{name[: half - 2]}...{name[-half + 1 :]}"


def shown_names(names: Sequence[str]) -> list[str]:
    """Names as figures show them side by side: as `shown_name`, but different ones stay different.

    Where names are too long, what all begin with (up to a dot) is left out; where that is not enough, of the
    long ones the end is kept, and what is still alike is numbered.
    """
    shown = [plain(name) for name in names]
    if max(map(len, shown), default=0) > LONGEST_NAME:
        common = _common_parts(shown)
        shown = [".".join(["...", *name.split(".")[common:]]) if common else name for name in shown]
    cut = [shown_name(name) for name in shown]
    if len(set(cut)) < len(set(names)):
        cut = [name if len(name) <= LONGEST_NAME else f"...{name[3 - LONGEST_NAME :]}" for name in shown]
    return _numbered(cut, names)


def _common_parts(names: Sequence[str]) -> int:
    """How many parts between dots all names begin with; the last part of a name is never one of them."""
    columns = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return len(list(takewhile(lambda column: len(set(column)) == 1, columns))) if len(names) > 1 else 0


def _numbered(shown: Sequence[str], names: Sequence[str]) -> list[str]:
    """Different names that look alike get numbers."""
    places: dict[str, dict[str, int]] = {}
    for one, name in zip(shown, names, strict=True):
        alike = places.setdefault(one, {})
        alike.setdefault(name, len(alike) + 1)
    return [
        f"{one} ({places[one][name]})" if len(places[one]) > 1 else one
        for one, name in zip(shown, names, strict=True)
    ]
