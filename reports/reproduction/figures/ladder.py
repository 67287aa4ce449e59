"""From the ideal bound to the whole machine: what every mechanism costs, and how busy the PEs are then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reports import published
from reports.figures.bars import draw_bars, legend_handle
from reports.figures.drawing import Drawing
from reports.figures.titles import head
from reports.figures.values import write_values
from reports.language import CAUSES, FAINT, GRID, PUBLISHED, run_colour
from reports.numbers import percent, times
from reports.reproduction.figures.frame import (
    SMALL_POINTS,
    WIDTH_INCHES,
    columns_of,
    counted,
    draw_dots,
    draw_published,
    lines_of,
    machine_and_rate,
    runs_of,
)
from reports.text import shown_names
from sparsesim.reproduction.averages import rung_speedups, weighted
from sparsesim.reproduction.ladder import (
    BALANCE,
    BANKS,
    BOUND,
    DISPATCH,
    DRAM,
    ENTRIES,
    OTHER,
    PPU,
    TRANSFERS,
    Rung,
)
from sparsesim.reproduction.model import Reproduction
from sparsesim.results.model import DENSE
from sparsesim.results.parts import ratio

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "ladder"
_ROW_INCHES, _MARGIN_INCHES = 0.48, 1.4
_LINE = 38  # characters of what a rung adds
_STEP_THICKNESS = 0.22  # in rows
_OFFSET = 0.2  # in rows, of the runs from the middle of a rung
_NAME_ABOVE, _WORDS_ABOVE = 0.34, 0.22  # the middle of a rung, in rows
_WIDTHS = (1.5, 1.0)  # of the panels
_ROOM_FOR_END = 1.04
# What a rung adds, by the cause it is in the cycles of PE groups. Banks are the buffer, too.
_CAUSES: Mapping[Rung, str] = {
    ENTRIES: "reject",
    BALANCE: "imbalance",
    TRANSFERS: "buffer",
    BANKS: "buffer",
    PPU: "ppu",
    DISPATCH: "dispatch",
    DRAM: "dram",
    OTHER: "other",
}


@dataclass(frozen=True)
class Step:
    """A run on a rung, averaged. before: the speedup on the rung above, that of the first its own."""

    rung: Rung
    run: str
    speedup: float
    before: float
    use: float


def ladder(reproduction: Reproduction) -> Drawing | None:
    """Speedups and PE use on every rung, averages and single workloads; None without rungs.

    Within house_style().
    """
    if not reproduction.rungs:
        return None
    steps = ladder_steps(reproduction)
    figure, (speed, use) = _panels(reproduction)
    _draw_workloads(speed, reproduction)
    _draw_speedups(speed, reproduction, steps)
    _draw_use(use, reproduction, steps)
    head(figure, f"One mechanism at a time: {machine_and_rate(reproduction)}", _handles(reproduction), 4)
    return Drawing(
        stem=STEM,
        title="From the ideal bound to the whole machine",
        lead="From the top to the bottom one mechanism after the other is added, for the sparse and for the "
        "dense machine; dots are averages, bars the steps between them, grey lines single workloads, pruned. "
        f"Averages over {counted(reproduction)}, each counted as often as it stands for one of the average "
        "beside the published one. PE use: useful MACs over what the PEs could do.",
        alt=_alt(steps),
        figure=figure,
        data=_data(reproduction, steps),
    )


def ladder_steps(reproduction: Reproduction) -> list[Step]:
    """Every run on every rung from the bound down; of the dense run the use alone is of interest."""
    steps: list[Step] = []
    for run in (DENSE, *runs_of(reproduction)):
        before = None
        for rung, cycles in reproduction.rungs:
            speedup = weighted(rung_speedups(cycles, run), reproduction.counts)
            steps.append(
                Step(rung, run, speedup, speedup if before is None else before, _use(reproduction, rung, run))
            )
            before = speedup
    return steps


def _use(reproduction: Reproduction, rung: Rung, run: str) -> float:
    """Useful MACs over what the PEs could do in the cycles of the rung: those of the bound over these."""
    rungs = dict(reproduction.rungs)
    bound, cycles = rungs[BOUND], rungs[rung]
    uses = {workload: ratio(bound[workload][run], found[run]) for workload, found in cycles.items()}
    return weighted(uses, reproduction.counts)


def _panels(reproduction: Reproduction) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    rungs = [rung for rung, _ in reproduction.rungs]
    height = _MARGIN_INCHES + _ROW_INCHES * len(rungs)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    panels: Sequence[Axes] = list(figure.subplots(1, 2, sharey=True, width_ratios=_WIDTHS))
    _name(panels[0], rungs)
    panels[0].set_ylim(len(rungs) - 0.5, -0.5)
    for axes in panels:
        axes.tick_params(axis="y", which="both", length=0)
        for row in range(1, len(rungs)):
            axes.axhline(row - 0.5, color=GRID.light, linewidth=0.5, zorder=0)
    return figure, panels


def _name(axes: Axes, rungs: Sequence[Rung]) -> None:
    """The name of every rung, below it what it adds."""
    rows = np.arange(len(rungs))
    axes.set_yticks(rows - _NAME_ABOVE, [rung.name for rung in rungs], fontweight="bold")
    words = [lines_of(rung.words, _LINE) for rung in rungs]
    axes.set_yticks(
        rows - _WORDS_ABOVE, words, minor=True, va="top", fontsize=SMALL_POINTS, color=FAINT.light
    )


def _rows(reproduction: Reproduction, run: str) -> list[float]:
    """Where the dots of a run are: the last run lowest in its rung."""
    runs = runs_of(reproduction)
    middle = (len(runs) - 1) / 2
    offset = (runs.index(run) - middle) * 2 * _OFFSET
    return [row + offset for row in range(len(reproduction.rungs))]


def _draw_workloads(axes: Axes, reproduction: Reproduction) -> None:
    """A thin line for every workload."""
    run = runs_of(reproduction)[-1]
    rows = _rows(reproduction, run)
    for workload in reproduction.counts:
        speedups = [rung_speedups(cycles, run)[workload] for _, cycles in reproduction.rungs]
        axes.plot(speedups, rows, color=GRID.light, linewidth=1.0, zorder=1)


def _draw_speedups(axes: Axes, reproduction: Reproduction, steps: Sequence[Step]) -> None:
    labels: dict[float, str] = {}
    for run in runs_of(reproduction):
        mine, rows = [step for step in steps if step.run == run], _rows(reproduction, run)
        for row, step in zip(rows, mine, strict=True):
            _draw_step(axes, row, step)
            labels[row] = _step_text(step)
        draw_dots(axes, [step.speedup for step in mine], rows, run_colour(run))
    draw_published(axes, published.SPEEDUP)
    write_values(axes, list(labels), list(labels.values()))
    axes.set_xlim(0, _ROOM_FOR_END * max(_farthest(reproduction), published.SPEEDUP))
    axes.set_title("Speedup over the dense machine, average")
    axes.set_xlabel("speedup; beside it the step from the rung above")


def _farthest(reproduction: Reproduction) -> float:
    """The largest speedup of a workload on a rung."""
    return max(
        speedup
        for _, cycles in reproduction.rungs
        for run in runs_of(reproduction)
        for speedup in rung_speedups(cycles, run).values()
    )


def _draw_step(axes: Axes, row: float, step: Step) -> None:
    if step.rung in _CAUSES and np.isfinite(step.before):
        colour = CAUSES[_CAUSES[step.rung]].light
        draw_bars(axes, [row], [step.before], [step.speedup - step.before], _STEP_THICKNESS, colour)


def _step_text(step: Step) -> str:
    if step.rung == BOUND:
        return times(step.speedup)
    change = f"{step.speedup - step.before:+.2f}"
    return f"{times(step.speedup)} {change.replace('-0.00', '+0.00')}"


def _draw_use(axes: Axes, reproduction: Reproduction, steps: Sequence[Step]) -> None:
    rows = list(range(len(reproduction.rungs)))
    runs = (DENSE, *runs_of(reproduction))
    of_runs = {run: [step.use for step in steps if step.run == run] for run in runs}
    for run, uses in of_runs.items():
        axes.plot(uses, rows, color=run_colour(run), linewidth=1.0)
        draw_dots(axes, uses, rows, run_colour(run))
    texts = ["  ".join(percent(uses[row]) for uses in of_runs.values()) for row in rows]
    write_values(axes, rows, texts)
    axes.set_xlim(0, _ROOM_FOR_END)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("PE use")
    axes.set_xlabel("; ".join(shown_names(list(runs))))


def _handles(reproduction: Reproduction) -> list[Artist]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    runs = [DENSE, *runs_of(reproduction)]
    handles: list[Artist] = [
        legend_handle(label, run_colour(run)) for label, run in zip(shown_names(runs), runs, strict=True)
    ]
    quoted = f"published average {published.SPEEDUP}x"
    return [*handles, Line2D([], [], color=PUBLISHED.light, linestyle="--", linewidth=1.2, label=quoted)]


def _alt(steps: Sequence[Step]) -> str:
    runs = list(dict.fromkeys(step.run for step in steps))
    sentences = [f"{_of_run(steps, run)}." for run in runs if run != DENSE]
    uses = [f"{run} {percent(step.use)} to {percent(_last(steps, run).use)}" for run, step in _firsts(steps)]
    return (
        f"Speedup by rung. {' '.join(sentences)} PE use from the first rung to the last: {', '.join(uses)}. "
        f"Published average: {published.SPEEDUP}x."
    )


def _of_run(steps: Sequence[Step], run: str) -> str:
    return f"{run}: " + ", ".join(
        f"{step.rung.name} {times(step.speedup)}" for step in steps if step.run == run
    )


def _firsts(steps: Sequence[Step]) -> Iterator[tuple[str, Step]]:
    for step in steps:
        if step.rung == steps[0].rung:
            yield step.run, step


def _last(steps: Sequence[Step], run: str) -> Step:
    return [step for step in steps if step.run == run][-1]


def _data(reproduction: Reproduction, steps: Sequence[Step]) -> Mapping[str, Sequence[Any]]:
    """A row per run and rung: of the average, then of every workload."""
    rows = [
        ("average", "", step.rung.name, step.run, step.speedup, step.speedup - step.before, step.use)
        for step in steps
    ]
    bound = dict(reproduction.rungs)[BOUND]
    rows += [
        (*workload, rung.name, run, rung_speedups(cycles, run)[workload], float("nan"),
         ratio(bound[workload][run], cycles[workload][run]))
        for workload in reproduction.counts
        for rung, cycles in reproduction.rungs
        for run in cycles[workload]
    ]  # fmt: skip
    return columns_of(
        ("network", "dataset", "mechanism_added", "run", "speedup", "step", "pe_utilization"), rows
    )
