"""The figure: speedup and energy efficiency per layer, side by side, the whole network drawn in."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.numbers import times
from reports.text import shown_name
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import Measures, ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "speedup-energy"
_WIDTH_INCHES = 9.0
_MARGIN_INCHES = 1.5
_LAYER_INCHES = 0.2
_TALL = 40  # layers, from which the scale is repeated at the top
# Dates and versions would make equal figures differ.
_METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}}
Quantity = Callable[[Measures], float]


def save_figure(result: Result, folder: Path) -> None:
    """Write speedup-energy.svg and .png into a folder; equal results give equal files."""
    from matplotlib import style  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415

    with style.context(_style()), warnings.catch_warnings():
        # A layer whose name the font has no letters for gets boxes there.
        warnings.filterwarnings("ignore", message=".*Glyph .* missing from font", category=UserWarning)
        figure = draw(result)
        FigureCanvasAgg(figure)
        for kind, metadata in _METADATA.items():
            figure.savefig(folder / f"{STEM}.{kind}", format=kind, metadata=metadata)


def draw(result: Result) -> Figure:
    """The figure of a result: for every layer a horizontal bar per run that is compared with dense.

    On-chip accounting, Forward, GTA and GTW of a layer together. Lines across all layers: the whole network.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    names = result.layer_names()
    height = _MARGIN_INCHES + _LAYER_INCHES * len(names)
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    layers = {run: result.whole_layers(run) for run in result.runs}
    _panel(left, "speedup over dense", result, layers, lambda m: m.cycles.on_chip)
    _panel(right, "energy efficiency over dense", result, layers, lambda m: m.energy_pj.on_chip.centre)
    left.set_yticks(range(len(names)), [shown_name(name) for name in names])
    left.set_ylim(len(names) - 0.4, -0.6)
    figure.suptitle(_title(result))
    # Of the figure, not of an axes: above them stand the totals, wherever they are.
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _style() -> Path:
    return Path(str(resources.files("reports") / "figures" / "style.mplstyle"))


def _title(result: Result) -> str:
    transferred = " (sparsity transferred)" if result.profile.transferred_from else ""
    workload = f"{shown_name(result.network)}, {shown_name(result.dataset)}{transferred}"
    return f"{workload}: machine {shown_name(result.machine.name)}, on chip, one training step"


def _panel(
    axes: Axes, title: str, result: Result, layers: Mapping[str, Mapping[str, Measures]], quantity: Quantity
) -> None:
    names = result.layer_names()
    thickness = 0.8 / len(result.compared)
    tall = len(names) > _TALL
    for place, run in enumerate(result.compared):
        ratios = [ratio(quantity(layers[DENSE][name]), quantity(layers[run][name])) for name in names]
        offset = (place - (len(result.compared) - 1) / 2) * thickness
        middles = [i + offset for i in range(len(names))]
        axes.barh(middles, ratios, height=thickness, color=f"C{place}", label=run)
        total = ratio(quantity(result.runs[DENSE]), quantity(result.runs[run]))
        if math.isfinite(total):
            _draw_total(axes, run, place, total, tall)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{title} (dashed: whole network)")
    axes.tick_params(axis="y", length=0)
    if tall:
        axes.tick_params(axis="x", top=True, labeltop=True)


def _draw_total(axes: Axes, run: str, place: int, total: float, tall: bool) -> None:
    """A dashed line across all layers, its value above; a white rim keeps it visible on its own bars."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    rim = [withStroke(linewidth=3, foreground="white")]
    axes.axvline(total, color=f"C{place}", linewidth=1.4, linestyle="--", path_effects=rim)
    axes.annotate(
        f"{run} {times(total)}",
        (total, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, (16 if tall else 3) + 10 * place),
        textcoords="offset points",
    )
