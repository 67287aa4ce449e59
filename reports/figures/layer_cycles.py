"""Cycles per layer by stage, dense against sparse, on chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reports.figures.bars import draw_stacks, legend_handle
from reports.figures.drawing import Drawing, Rows
from reports.figures.insets import inset
from reports.figures.rows import TALL, row_figure
from reports.figures.titles import STEP, head, run_names, workload_on_machine
from reports.language import STAGE_WORDS, STAGES
from reports.numbers import percent, short, times
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import COMPUTING_STAGES, ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEM = "layer-cycles"
_COLOURS = {stage: STAGES[stage].light for stage in COMPUTING_STAGES}
_BAR_INCHES = 0.17  # of the whole network's bars
_GAP_INCHES, _GAP_BELOW_TICKS_INCHES = 0.1, 0.3
_TITLE_INCHES = 0.3
_ROOM_FOR_TEXT = 1.3  # of the longest bar

Cycles = Mapping[str, Sequence[float | None]]


def layer_cycles(result: Result) -> Drawing:
    """For every layer a bar per run, Forward, GTA and GTW one behind the other; above them the whole network.

    On-chip accounting, cycles per sample. Within house_style().
    """
    names = result.layer_names()
    cycles = {run: _of_run(result, run) for run in result.runs}
    figure, (axes,) = row_figure(names, 1, bars=len(result.runs))
    _layers(axes, cycles, len(names))
    axes.set_xlabel(f"cycles per sample (in every row from the top: {', '.join(run_names(result).values())})")
    gap = _GAP_BELOW_TICKS_INCHES if len(names) > TALL else _GAP_INCHES
    height = _BAR_INCHES * len(result.runs)
    figure.set_figheight(figure.get_figheight() + _TITLE_INCHES + height + gap)
    _whole_network(inset(axes, "above", gap, height), result)
    handles = [legend_handle(STAGE_WORDS[stage], _COLOURS[stage]) for stage in COMPUTING_STAGES]
    head(figure, f"{workload_on_machine(result)}, on chip, {STEP}", handles)
    return Drawing(
        stem=STEM,
        title="Cycles per layer by stage",
        lead=f"On chip, per sample. Every layer has a bar per run, in the order of the bars on top: "
        f"{', '.join(run_names(result).values())}. These are the whole network, on a scale of their own.",
        alt=_alt(result),
        figure=figure,
        data={"layer": names}
        | {f"{run}_{stage}_cycles": cycles[run][stage] for run in cycles for stage in COMPUTING_STAGES},
        targets=[Rows(axes, len(names))],
    )


def _of_run(result: Result, run: str) -> Cycles:
    """On-chip cycles of the layers by stage; None where a layer has no such stage."""
    layers = result.of_run(run)
    return {
        stage: [
            layers[name, stage].cycles.on_chip if (name, stage) in layers else None
            for name in result.layer_names()
        ]
        for stage in COMPUTING_STAGES
    }


def _layers(axes: Axes, cycles: Mapping[str, Cycles], layers: int) -> None:
    from matplotlib.ticker import EngFormatter  # noqa: PLC0415

    thickness = 0.8 / len(cycles)
    for place, of_stage in enumerate(cycles.values()):
        offset = (place - (len(cycles) - 1) / 2) * thickness
        parts = {stage: [value or 0.0 for value in values] for stage, values in of_stage.items()}
        draw_stacks(axes, [i + offset for i in range(layers)], parts, _COLOURS, thickness)
    axes.autoscale_view(scaley=False)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _whole_network(top: Axes, result: Result) -> None:
    """The runs' totals above the layers, where they also say which bar is which."""
    runs = list(result.runs)
    totals = {
        stage: [result.runs[run].cycles_by_stage[stage].on_chip for run in runs] for stage in COMPUTING_STAGES
    }
    draw_stacks(top, range(len(runs)), totals, _COLOURS, 0.8)
    for place, run in enumerate(runs):
        text = _total(result, run)
        top.annotate(
            text, (_on_chip(result, run), place), xytext=(3, 0), textcoords="offset points", va="center"
        )
    top.set_yticks(range(len(runs)), run_names(result).values())
    top.set_xticks([])
    top.tick_params(length=0)
    top.spines["bottom"].set_visible(False)
    top.set_xlim(0, _ROOM_FOR_TEXT * max(_on_chip(result, run) for run in runs) or 1)
    top.set_ylim(len(runs) - 0.5, -0.5)
    top.set_title("whole network, on a scale of its own", loc="left")


def _on_chip(result: Result, run: str) -> float:
    return result.runs[run].cycles.on_chip


def _total(result: Result, run: str) -> str:
    cycles = f"{short(_on_chip(result, run))} cycles"
    if run == DENSE:
        return cycles
    return f"{cycles}: {times(ratio(_on_chip(result, DENSE), _on_chip(result, run)))}"


def _alt(result: Result) -> str:
    shown = run_names(result)
    totals = "; ".join(f"{shown[run]} {_total(result, run)}" for run in result.runs)
    shares = "; ".join(f"{shown[run]} {_stage_shares(result, run)}" for run in result.runs)
    return (
        f"A bar per run, stacked by stage, for {len(result.layer_names())} layers. The whole network: "
        f"{totals}. Its stages: {shares}."
    )


def _stage_shares(result: Result, run: str) -> str:
    by_stage = result.runs[run].cycles_by_stage
    shares = {stage: ratio(by_stage[stage].on_chip, _on_chip(result, run)) for stage in COMPUTING_STAGES}
    return ", ".join(f"{STAGE_WORDS[stage]} {percent(share)}" for stage, share in shares.items())
