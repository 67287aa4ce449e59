"""All figures of a reproduction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reports.figures.overview import overview
from reports.reproduction.figures.beyond import beyond
from reports.reproduction.figures.changes import changes
from reports.reproduction.figures.components import components
from reports.reproduction.figures.ladder import ladder
from reports.reproduction.figures.rates import rates
from sparsesim.reproduction.model import Reproduction

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing

Figure = Callable[[Reproduction], "Drawing | None"]


def gains(reproduction: Reproduction) -> Drawing:
    """Every workload at the headline rate, averages over those of the average. Within house_style()."""
    rate = reproduction.asked.headline_rate
    return overview(reproduction.at(rate), averaged=reproduction.headline())


GAINS, CAUSES, ENERGY, BEYOND = "What it gains", "Why it differs", "Where the energy goes", "Beyond it"
# Parts of a report, and what is drawn in them.
PARTS: Mapping[str, Sequence[Figure]] = {
    GAINS: (gains, rates),
    CAUSES: (ladder, changes),
    ENERGY: (components,),
    BEYOND: (beyond,),
}


def drawings(reproduction: Reproduction) -> dict[str, list[Drawing]]:
    """By part of the report all figures that there is something to show in; within house_style()."""
    found = {part: [figure(reproduction) for figure in figures_] for part, figures_ in PARTS.items()}
    return {part: [one for one in some if one is not None] for part, some in found.items()}


def figures(reproduction: Reproduction) -> list[Drawing]:
    """All of them, in the order of the report; within house_style()."""
    return [drawing for some in drawings(reproduction).values() for drawing in some]
