"""What differs between runs, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.comparison.settings import Difference, Settings
from reports.terminal.grid import Column, Grid
from reports.text import LONGEST_NAME, plain

_FOLDED = 20  # characters from which on a setting or a value may take another line
_BEFORE = 8  # characters that are shown before the first one that differs
_CUT = "..."


def settings_grids(settings: Settings, letters: Sequence[str]) -> Iterator[Grid]:
    """A grid for machines, inputs and versions each, where something differs in it; a block per side."""
    for words, found in (
        ("machines", settings.machine),
        ("inputs", settings.inputs),
        ("versions", settings.versions),
    ):
        if found:
            yield _grid(f"What differs in the {words}", found, letters)


def _grid(title: str, found: Sequence[Difference], letters: Sequence[str]) -> Grid:
    names = [Column("setting", [plain(row.name) for row in found], numeric=False, folded=_FOLDED)]
    if any(row.unit for row in found):
        names.append(Column("unit", [row.unit for row in found], numeric=False))
    columns = zip(*(shortened(row.texts) for row in found), strict=True)
    blocks = [
        [Column(letter, values, numeric=False, folded=_FOLDED)]
        for letter, values in zip(letters, columns, strict=True)
    ]
    return Grid(title, names, blocks)


def shortened(values: Sequence[str]) -> Sequence[str]:
    """Long values around the first character in which they differ; in full where that would not tell them."""
    at = next((place for place, one in enumerate(zip(*values, strict=False)) if len(set(one)) > 1), None)
    at = min(map(len, values)) if at is None else at
    short = [_around(value, at) for value in values]
    return short if len(set(short)) == len(set(values)) else values


def _around(value: str, at: int) -> str:
    if len(value) <= LONGEST_NAME:
        return value
    begin = 0 if at <= LONGEST_NAME // 2 else at - _BEFORE
    end = begin + LONGEST_NAME
    return (_CUT if begin else "") + value[begin:end].strip() + (_CUT if end < len(value) else "")
