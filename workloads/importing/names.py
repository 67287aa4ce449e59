"""Names that can be printed, be part of a file name and tell layers apart, made of whatever a file says."""

from __future__ import annotations

from collections.abc import Container

MOST_CHARACTERS = 120
_BETWEEN = str.maketrans({"/": ".", "\\": ".", ":": "."})


def clean(name: str, otherwise: str) -> str:
    """`name` without blanks, control characters and slashes; `otherwise` where nothing is left."""
    text = "".join(c if c.isprintable() and not c.isspace() else "_" for c in name.translate(_BETWEEN))
    return text.strip("._")[:MOST_CHARACTERS] or otherwise


def unique(name: str, taken: Container[str]) -> str:
    """`name`, with @2, @3 ... behind it if it is taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}@{number}", number + 1
    return found


def quoted(name: str) -> str:
    """A name of a file in a message: short, without characters that a terminal would obey."""
    text = "".join(c if c.isprintable() else "?" for c in name)
    return repr(text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "...")
