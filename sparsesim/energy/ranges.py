"""A number known by its centre and its extremes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

ColumnName = Literal["low", "centre", "high"]
COLUMNS: tuple[ColumnName, ...] = ("low", "centre", "high")


class Range(NamedTuple):
    """low <= centre <= high, in the unit its owner says.

    The three are columns: each is computed with the same column of everything it depends on. Ratios are
    formed column by column, never low over high: the errors of both sides are the same error.
    """

    low: float
    centre: float
    high: float

    def times(self, factor: float) -> Range:
        """Every column multiplied by `factor` >= 0."""
        return Range(self.low * factor, self.centre * factor, self.high * factor)


def sum_of(ranges: Iterable[Range]) -> Range:
    """The sum, column by column; zero for no ranges."""
    low = centre = high = 0.0
    for term in ranges:
        low, centre, high = low + term.low, centre + term.centre, high + term.high
    return Range(low, centre, high)
