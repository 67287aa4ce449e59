"""Densities of the operands per layer: of I, of dO and of the mask of dI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.drawing import Drawing, Rows
from reports.figures.panels import title_panels
from reports.figures.rows import row_figure
from reports.figures.titles import head, run_names, workload
from reports.language import DENSITIES, DENSITY_WORDS, GRID, INK, PAPER
from reports.numbers import density
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

STEM = "layer-densities"
# Where an operand's density is taken from: the first of these stages that a layer has.
_STAGES = {"input": ("forward",), "grad_output": ("gta", "gtw"), "grad_input_mask": ("gta",)}
_AXIS_WORDS = {
    "input": "fraction of non-zeros",
    "grad_output": "fraction of non-zeros",
    "grad_input_mask": "fraction of positions needed",
}
_HOLLOW = "natural"
_HOLLOW_POINTS, _FILLED_POINTS = 6.0, 3.6  # the filled one fits into the hollow one where both are equal
_BETWEEN_PANELS = 0.05  # of a panel: a marker at 1 stands out on its right

Densities = Sequence[float | None]


def layer_densities(result: Result) -> Drawing:
    """For every layer a marker per run that is compared with dense, in a panel per operand.

    Natural sparsity is hollow. Within house_style().
    """
    names = result.layer_names()
    found = {operand: {run: _of_run(result, run, operand) for run in result.compared} for operand in _STAGES}
    figure, panels = row_figure(names, len(found))
    figure.set_layout_engine("constrained", wspace=_BETWEEN_PANELS)
    for axes, (operand, by_run) in zip(panels, found.items(), strict=True):
        _panel(axes, operand, by_run)
    title_panels(panels, [DENSITY_WORDS[operand] for operand in found], len(names))
    shown = run_names(result)
    handles = [_marker(run, INK.light, shown[run]) for run in result.compared]
    head(figure, f"{workload(result)}: densities of the operands", handles)
    return Drawing(
        stem=STEM,
        title="Densities of the operands per layer",
        lead="1: no zeros. I is that of Forward, dO and the mask of dI those of GTA; a layer without GTA has "
        "no mask, and its dO is that of GTW. The dense run, which computes with every zero, is not drawn.",
        alt=_alt(found, len(names), shown),
        figure=figure,
        data={"layer": names}
        | {f"{run}_{operand}_density": found[operand][run] for run in result.compared for operand in found},
        targets=[Rows(panels[0], len(names))],
    )


def _of_run(result: Result, run: str, operand: str) -> list[float | None]:
    """An operand's density by layer; None where no stage of the layer reads it."""
    layers = result.of_run(run)

    def of_layer(name: str) -> float | None:
        stages = (layers[name, stage] for stage in _STAGES[operand] if (name, stage) in layers)
        return next((layer.density[operand] for layer in stages), None)

    return [of_layer(name) for name in result.layer_names()]


def _panel(axes: Axes, operand: str, by_run: Mapping[str, Densities]) -> None:
    colour = DENSITIES[operand].light
    _connect(axes, by_run)
    for run, densities in by_run.items():
        line = _marker(run, colour, run)
        line.set_data(np.asarray(densities, dtype=float), range(len(densities)))
        # 0 and 1 are on the edges of the panel.
        line.set_clip_on(False)
        axes.add_line(line)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.set_xlabel(_AXIS_WORDS[operand])


def _connect(axes: Axes, by_run: Mapping[str, Densities]) -> None:
    """A thread between the markers of a layer, so that a change of density is seen as a length."""
    if len(by_run) < 2:
        return
    values = np.array(list(by_run.values()), dtype=float)
    rows = np.flatnonzero(np.isfinite(values).all(axis=0))
    axes.hlines(
        rows,
        values[:, rows].min(axis=0),
        values[:, rows].max(axis=0),
        color=GRID.light,
        linewidth=1.5,
        zorder=1,
    )


def _marker(run: str, colour: str, label: str) -> Line2D:
    """Markers without a line, and what stands for a run in the legend."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    hollow = run == _HOLLOW
    return Line2D(
        [],
        [],
        linestyle="none",
        marker="o",
        color=colour,
        markerfacecolor=PAPER.light if hollow else colour,
        markersize=_HOLLOW_POINTS if hollow else _FILLED_POINTS,
        markeredgewidth=1.0,
        label=label,
    )


def _alt(found: Mapping[str, Mapping[str, Densities]], layers: int, shown: Mapping[str, str]) -> str:
    ranges = "; ".join(
        f"{DENSITY_WORDS[operand]} {shown[run]} {_extremes(densities)}"
        for operand, by_run in found.items()
        for run, densities in by_run.items()
    )
    return f"Markers of densities from 0 to 1 for {layers} layers. Lowest to highest: {ranges}."


def _extremes(densities: Densities) -> str:
    values = [value for value in densities if value is not None]
    return f"{density(min(values))} to {density(max(values))}" if values else "none"
