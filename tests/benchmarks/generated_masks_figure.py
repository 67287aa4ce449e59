"""Figure of generated_masks.py: the error of every layer's total, generated and independent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.files import picture, settle
from reports.figures.rows import row_figure
from reports.figures.style import house_style
from reports.figures.titles import head
from reports.language import FAINT, GRID, INK, PAPER, RUNS
from tests.benchmarks.imitated_cycles import AIM, GENERATED, INDEPENDENT, Imitated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_WORDS = {GENERATED: "generated", INDEPENDENT: "independent zeros"}


def write_figure(found: Sequence[Imitated], file: Path) -> None:
    """Write the figure as the file's ending says: .svg, .png or .pdf."""
    with house_style():
        names = [f"{one.trace.removeprefix('trace_')} {layer}" for one in found for layer in one.layers()]
        figure, (axes,) = row_figure(names, 1)
        axes.axvspan(-AIM, AIM, color=GRID.light, alpha=0.6, linewidth=0)
        axes.axvline(0.0, color=INK.light, linewidth=0.8)
        errors = {kind: [v for one in found for v in one.layer_errors(kind).values()] for kind in _WORDS}
        rows = np.arange(len(names))
        axes.hlines(rows, errors[GENERATED], errors[INDEPENDENT], color=FAINT.light, linewidth=0.8)
        handles = [_draw(axes, kind, values) for kind, values in errors.items()]
        axes.set_xlabel("error of a layer's total cycles, %; shaded: within 3 %")
        head(figure, "Cycles with drawn masks against recorded ones, on chip", handles)
        settle(figure)
        file.write_bytes(picture(figure, file.suffix.removeprefix(".")))


def _draw(axes: Axes, kind: str, values: Sequence[float]) -> Line2D:
    colour = RUNS["recorded"].light
    fill = colour if kind == GENERATED else PAPER.light
    (line,) = axes.plot(
        values, range(len(values)), "o", color=colour, markerfacecolor=fill, markersize=4, label=_WORDS[kind]
    )
    return line
