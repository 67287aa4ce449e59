"""Rooflines of buffer and off-chip memory: what every layer and stage reaches of what the machine could."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import Drawing, Points
from reports.figures.roofs import Dot, Roof, dots_under, roofs
from reports.figures.rows import WIDTH_INCHES
from reports.figures.titles import in_lines, run_names, workload_on_machine
from reports.language import ACCOUNTING_WORDS, INK, PAPER, STAGE_WORDS, STAGES
from reports.numbers import percent
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import COMPUTING_STAGES, ratio

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

STEM = "roofline"
_HEIGHT_INCHES = 4.6
_MANY = 200  # points of a panel, from which they are small
_AREA, _SMALL_AREA = 22.0, 12.0  # points squared
_BETWEEN = ("v", "s", "D", "P", "X")  # markers of the runs between dense and the last


def roofline(result: Result) -> Drawing:
    """Useful MACs per cycle over bytes per useful MAC, both log, for buffer and off-chip memory.

    Every layer and stage is a point; one without useful MACs is left out. Within house_style().
    """
    both = roofs(result.machine)
    dots = {roof.name: dots_under(roof, result) for roof in both}
    figure, panels = _panels()
    _scale(panels, both, dots)
    for axes, roof in zip(panels, both, strict=True):
        _panel(axes, roof, dots[roof.name], list(result.runs))
    figure.suptitle(in_lines(f"{workload_on_machine(result)}, rooflines of a training step"))
    figure.legend(handles=_handles(run_names(result)), loc="outside lower center", ncols=6)
    return Drawing(
        stem=STEM,
        title="Rooflines",
        lead="No point can be above the roof: on its flat part the PEs are the limit, on its slope the "
        "bandwidth. What is between a point and the roof, imbalance and waiting took. In the dense run every "
        "product counts as useful.",
        alt=_alt(dots, both),
        figure=figure,
        data=_data(result, dots),
        targets=[_points(axes, dots[roof.name]) for axes, roof in zip(panels, both, strict=True)],
    )


def _panels() -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
    return figure, list(figure.subplots(1, 2, sharey=True))


def _panel(axes: Axes, roof: Roof, dots: Sequence[Dot], runs: Sequence[str]) -> None:
    axes.grid(True, axis="both")
    _draw_roof(axes, roof)
    area = _SMALL_AREA if len(dots) > _MANY else _AREA
    for run in runs:
        for stage in COMPUTING_STAGES:
            chosen = [dot for dot in dots if (dot.run, dot.stage) == (run, stage)]
            axes.scatter(
                [dot.bytes_per_mac for dot in chosen],
                [dot.macs_per_cycle for dot in chosen],
                s=area,
                label=f"{run} {stage}",
                zorder=3,
                **_look(run, runs, STAGES[stage].light),
            )
    axes.set_title(f"{roof.name} (cycles {ACCOUNTING_WORDS[roof.accounting]})", loc="left")
    axes.set_xlabel(f"{roof.name} bytes per useful MAC")
    axes.set_ylabel(f"useful MACs per cycle {ACCOUNTING_WORDS[roof.accounting]}")


def _look(run: str, runs: Sequence[str], colour: str) -> dict[str, Any]:
    """Of the points of a run: dense is hollow, the last run a disc, others have markers of their own."""
    if run == DENSE:
        return {"marker": "o", "facecolors": PAPER.light, "edgecolors": colour, "linewidths": 0.9}
    if run == runs[-1]:
        return {"marker": "o", "facecolors": colour, "edgecolors": PAPER.light, "linewidths": 0.4}
    marker = _BETWEEN[(runs.index(run) - 1) % len(_BETWEEN)]
    return {"marker": marker, "facecolors": PAPER.light, "edgecolors": colour, "linewidths": 0.9}


def _scale(panels: Sequence[Axes], both: Sequence[Roof], dots: Mapping[str, Sequence[Dot]]) -> None:
    """Room for all points and the knee of every roof."""
    low = min((dot.macs_per_cycle for found in dots.values() for dot in found), default=1.0)
    peak = both[0].macs_per_cycle
    for axes, roof in zip(panels, both, strict=True):
        axes.set_xscale("log")
        axes.set_yscale("log")
        x = [roof.knee, *(dot.bytes_per_mac for dot in dots[roof.name])]
        axes.set_xlim(min(x) / 3, max(x) * 3)
        axes.set_ylim(min(low, peak / 4) / 1.5, peak * 2)
        _ticks(axes.xaxis, *axes.get_xlim())
        _ticks(axes.yaxis, *axes.get_ylim())


def _ticks(axis: Axis, low: float, high: float) -> None:
    """Plain numbers, more than the powers of ten where these are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 400 else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_roof(axes: Axes, roof: Roof) -> None:
    """The roof, its two limits written along it."""
    left, right = axes.get_xlim()
    corners = [left, roof.knee, right]
    axes.plot(corners, [roof.at(x) for x in corners], color=INK.light, linewidth=1.2, label="roof")
    axes.annotate(
        f"peak: {roof.macs_per_cycle} MACs per cycle",
        (left, roof.macs_per_cycle),
        xytext=(4, 3),
        textcoords="offset points",
    )
    bottom = axes.get_ylim()[0]
    end = min(right, roof.bytes_per_cycle / bottom)
    middle = math.sqrt(roof.knee * end)
    height = roof.at(middle) * 1.1
    slope = -height / middle  # of a line of slope -1 on logarithmic axes, in data coordinates
    axes.text(
        middle,
        height,
        f"{roof.bytes_per_cycle:.4g} bytes per cycle",
        rotation=math.degrees(math.atan(slope)),
        transform_rotates_text=True,
        rotation_mode="anchor",
        ha="center",
        va="bottom",
    )


def _handles(shown: Mapping[str, str]) -> list[Artist]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    runs = list(shown)

    def handle(label: str, run: str, colour: str) -> Line2D:
        look = _look(run, runs, colour)
        face, edge, width = look["facecolors"], look["edgecolors"], look["linewidths"]
        marker: dict[str, Any] = {"marker": look["marker"], "markersize": 5, "markeredgewidth": width}
        return Line2D([], [], label=label, linestyle="", markerfacecolor=face, markeredgecolor=edge, **marker)

    stages = [handle(STAGE_WORDS[stage], runs[-1], STAGES[stage].light) for stage in COMPUTING_STAGES]
    return [*stages, *(handle(label, run, INK.light) for run, label in shown.items())]


def _points(axes: Axes, dots: Sequence[Dot]) -> Points:
    return Points(
        axes,
        [dot.layer for dot in dots],
        [dot.bytes_per_mac for dot in dots],
        [dot.macs_per_cycle for dot in dots],
    )


def _alt(dots: Mapping[str, Sequence[Dot]], both: Sequence[Roof]) -> str:
    return " ".join(_reached(dots[roof.name], roof) for roof in both)


def _reached(dots: Sequence[Dot], roof: Roof) -> str:
    bound = sum(dot.bytes_per_mac > roof.knee for dot in dots)
    best = max((ratio(dot.macs_per_cycle, roof.at(dot.bytes_per_mac)) for dot in dots), default=math.nan)
    return (
        f"{roof.name}: {len(dots)} points under a roof of {roof.macs_per_cycle} multipliers and "
        f"{roof.bytes_per_cycle:.4g} bytes per cycle; {bound} of them on the side where bytes are the limit; "
        f"the best reaches {percent(best)} of the roof."
    )


def _data(result: Result, dots: Mapping[str, Sequence[Dot]]) -> Mapping[str, Sequence[Any]]:
    """A row per point and panel."""
    names = result.layer_names()
    every = [(memory, dot) for memory, found in dots.items() for dot in found]
    return {
        "memory": [memory for memory, _ in every],
        "layer": [names[dot.layer] for _, dot in every],
        "stage": [dot.stage for _, dot in every],
        "run": [dot.run for _, dot in every],
        "bytes_per_useful_mac": [dot.bytes_per_mac for _, dot in every],
        "useful_macs_per_cycle": [dot.macs_per_cycle for _, dot in every],
    }
