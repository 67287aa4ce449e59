"""Speedup and energy efficiency per layer, side by side, the whole network drawn in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.figures.bars import draw_bars, legend_handle
from reports.figures.drawing import Drawing, Rows
from reports.figures.files import save
from reports.figures.rows import TALL, row_figure
from reports.figures.style import house_style
from reports.figures.titles import STEP, head, run_names, workload_on_machine
from reports.language import FAINT, INK, PAPER, run_colour
from reports.numbers import times
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import Measures, ratio

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

STEM = "speedup-energy"
Quantity = Callable[[Measures], float]


def _cycles(measures: Measures) -> float:
    return measures.cycles.on_chip


def _energy(measures: Measures) -> float:
    return measures.energy_pj.on_chip.centre


def save_figure(result: Result, folder: Path) -> None:
    """Write speedup-energy.svg, .png and .csv into a folder; equal results give equal files."""
    with house_style():
        save(layer_gains(result), folder, ("svg", "png"))


def layer_gains(result: Result) -> Drawing:
    """For every layer a horizontal bar per run that is compared with dense; dashed: the whole network.

    On-chip accounting, Forward, GTA and GTW of a layer together. Within house_style().
    """
    names = result.layer_names()
    layers = {run: result.whole_layers(run) for run in result.runs}
    figure, (left, right) = row_figure(names, 2)
    _panel(left, "speedup over dense", result, layers, _cycles)
    _panel(right, "energy efficiency over dense", result, layers, _energy)
    head(figure, f"{workload_on_machine(result)}, on chip, {STEP}", _handles(result))
    return Drawing(
        stem=STEM,
        title="Speedup and energy efficiency per layer",
        lead="On chip; Forward, GTA and GTW of a layer together, over the dense baseline. Dashed: the whole "
        "network.",
        alt=_alt(result),
        figure=figure,
        data=_data(result, layers),
        targets=[Rows(left, len(names))],
    )


def _handles(result: Result) -> list[Artist]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    shown = run_names(result)
    whole = Line2D([], [], color=FAINT.light, linewidth=1.4, linestyle="--", label="whole network")
    return [*(legend_handle(shown[run], run_colour(run)) for run in result.compared), whole]


def _alt(result: Result) -> str:
    gains = {
        run: (result.speedup[run].on_chip, result.energy_efficiency[run].on_chip) for run in result.compared
    }
    shown = run_names(result)
    totals = [
        f"{shown[run]} {times(speedup)} faster and {times(efficiency)} more energy-efficient"
        for run, (speedup, efficiency) in gains.items()
    ]
    layers = len(result.layer_names())
    return f"Two bars per layer for {layers} layers. The whole network: {'; '.join(totals)}."


def _data(result: Result, layers: Mapping[str, Mapping[str, Measures]]) -> Mapping[str, Sequence[Any]]:
    names = result.layer_names()
    data: dict[str, Sequence[Any]] = {"layer": names}
    for run in result.compared:
        data[f"{run}_speedup"] = _ratios(names, layers, run, _cycles)
        data[f"{run}_energy_efficiency"] = _ratios(names, layers, run, _energy)
    return data


def _ratios(
    names: Sequence[str], layers: Mapping[str, Mapping[str, Measures]], run: str, quantity: Quantity
) -> list[float]:
    return [ratio(quantity(layers[DENSE][name]), quantity(layers[run][name])) for name in names]


def _panel(
    axes: Axes, title: str, result: Result, layers: Mapping[str, Mapping[str, Measures]], quantity: Quantity
) -> None:
    names, shown = result.layer_names(), run_names(result)
    thickness = 0.8 / len(result.compared)
    for place, run in enumerate(result.compared):
        offset = (place - (len(result.compared) - 1) / 2) * thickness
        middles = [i + offset for i in range(len(names))]
        draw_bars(axes, middles, 0, _ratios(names, layers, run, quantity), thickness, run_colour(run))
        total = ratio(quantity(result.runs[DENSE]), quantity(result.runs[run]))
        if math.isfinite(total):
            points = (19 if len(names) > TALL else 3) + 10 * place
            _draw_total(axes, total, run_colour(run), f"{shown[run]} {times(total)}", points)
    axes.axvline(1, color=INK.light, linewidth=0.8)
    axes.autoscale_view(scaley=False)
    axes.set_xlim(left=0)
    axes.set_xlabel(title)


def _draw_total(axes: Axes, total: float, colour: str, text: str, points: float) -> None:
    """A dashed line across all layers, its text so many points above; a rim shows it on its own bars."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    rim = [withStroke(linewidth=3, foreground=PAPER.light)]
    axes.axvline(total, color=colour, linewidth=1.4, linestyle="--", path_effects=rim)
    axes.annotate(
        text,
        (total, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, points),
        textcoords="offset points",
    )
