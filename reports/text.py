"""Text that others chose (names in traces and machine files), made safe to print."""

from __future__ import annotations

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
