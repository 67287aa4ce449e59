"""The figures of one result, in the order they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reports.figures.energy_components import energy_components
from reports.figures.group_heat import group_heat
from reports.figures.layer_causes import layer_causes
from reports.figures.layer_cycles import layer_cycles
from reports.figures.layer_densities import layer_densities
from reports.figures.layer_gains import layer_gains
from reports.figures.overview import overview
from reports.figures.roofline import roofline
from reports.figures.training_density import training_density
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing

Figure = Callable[[Result], "Drawing | None"]


def _overview(result: Result) -> Drawing:
    return overview([result])


# Parts of a report, and what is drawn in them.
PARTS: Mapping[str, Sequence[Figure]] = {
    "What it gains": (_overview, layer_gains),
    "Where the cycles went": (layer_cycles, layer_causes, group_heat, roofline),
    "How sparse it was": (layer_densities, training_density),
    "Where the energy went": (energy_components,),
}


def run_drawings(result: Result) -> dict[str, list[Drawing]]:
    """By part of the report all figures that the result has something to show in; within house_style()."""
    found = {part: [figure(result) for figure in figures] for part, figures in PARTS.items()}
    return {
        part: [drawing for drawing in drawings if drawing is not None]
        for part, drawings in found.items()
        if any(drawings)
    }
