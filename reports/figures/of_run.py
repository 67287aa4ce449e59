"""The figures of one result, in the order they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reports.figures.layer_gains import layer_gains
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing

Figure = Callable[[Result], "Drawing | None"]
# Parts of a report, and what is drawn in them.
PARTS: Mapping[str, Sequence[Figure]] = {
    "What it gains": (layer_gains,),
}


def run_drawings(result: Result) -> dict[str, list[Drawing]]:
    """By part of the report all figures that the result has something to show in; within house_style()."""
    found = {part: [figure(result) for figure in figures] for part, figures in PARTS.items()}
    return {
        part: [drawing for drawing in drawings if drawing is not None]
        for part, drawings in found.items()
        if any(drawings)
    }
