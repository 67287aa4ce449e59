"""Markdown tables, and numbers as they stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line for each of `rows`."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(number: float) -> str:
    """Three significant digits with k, M or G: 12345678 as 12.3M."""
    for letter, unit in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        # Below 999.5 of the next smaller unit three digits do.
        if number >= 0.9995 * unit:
            return f"{_three(number / unit)}{letter}"
    return _three(number)


def _three(number: float) -> str:
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"
