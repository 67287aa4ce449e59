"""A comparison: its sides, what differs between them, and where the differences come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.comparison.attribution import Attribution, attribute
from reports.comparison.lineup import Lineup, line_up
from reports.comparison.settings import Settings, differing
from reports.comparison.sides import Side, make_sides
from reports.comparison.totals import Total, totals
from sparsesim.results.reading import SavedRun


@dataclass(frozen=True)
class Comparison:
    """Runs side by side; the first side is the reference, attributions are of all others, in their order."""

    sides: tuple[Side, ...]
    settings: Settings
    totals: Sequence[Total]
    lineup: Lineup
    attributions: Sequence[Attribution]


def compare(saved: Sequence[SavedRun], run: str | None = None) -> Comparison:
    """Compare saved runs with the first of them; `run` as in sides.make_sides, which raises UserError."""
    sides = make_sides(saved, run)
    lineup = line_up(sides)
    return Comparison(
        sides=sides,
        settings=differing(sides),
        totals=totals(sides),
        lineup=lineup,
        attributions=[attribute(sides, place, lineup) for place in range(1, len(sides))],
    )
