"""Energy by component over that of the dense machine, averaged over the workloads, in both accountings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from reports.figures.bars import draw_bars, draw_stacks
from reports.figures.drawing import Drawing
from reports.figures.titles import head
from reports.figures.values import write_values
from reports.language import ACCOUNTING_WORDS, COMPONENT_WORDS, COMPONENTS, FAINT
from reports.reproduction.figures.frame import SMALL_POINTS, WIDTH_INCHES, columns_of, machine_and_rate
from reports.text import shown_names
from sparsesim.reproduction.model import Reproduction
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ACCOUNTINGS, ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "components"
TOGETHER = "together"
TITLES = {"on_chip": "On chip", "with_dram": "With DRAM"}
_COLOURS = {name: colour.light for name, colour in COMPONENTS.items()}
_TOTAL_INCHES, _BAR_INCHES, _MARGIN_INCHES = 0.24, 0.125, 1.4
_TOTAL_THICKNESS, _THICKNESS = 0.7, 0.86
_ROOM_FOR_END = 1.03

Shares = Mapping[str, Mapping[str, float]]  # by run and component


def components(reproduction: Reproduction) -> Drawing:
    """Above the runs, component by component; below a bar per component and run. Within house_style()."""
    shares = {accounting: component_shares(reproduction, accounting) for accounting in ACCOUNTINGS}
    runs, names = list(shares["with_dram"]), list(shares["with_dram"][DENSE])
    figure, upper, lower = _panels(len(runs), len(names))
    for accounting, above, below in zip(ACCOUNTINGS, upper, lower, strict=True):
        _totals(above, shares[accounting], accounting)
        _each(below, shares[accounting], names)
        for axes in (above, below):
            _scale(axes)
        below.set_xlabel(f"share of the dense energy {ACCOUNTING_WORDS[accounting]}")
    _headings(upper[0], lower[0], runs, names)
    head(figure, f"Energy by component: {machine_and_rate(reproduction)}")
    return Drawing(
        stem=STEM,
        title="Energy by component",
        lead="Shares of the energy of the dense run, centre column of the energy table, averaged over the "
        f"{len(reproduction.headline())} workloads of the average. On top the whole runs, in the order and "
        "colours of the components below, on a scale of their own.",
        alt=_alt(shares),
        figure=figure,
        data=_data(shares),
    )


def component_shares(reproduction: Reproduction, accounting: str) -> Shares:
    """Of the dense energy in the same accounting, by run and component: means over the headline's results."""
    results = reproduction.headline()
    return {
        run: {
            name: fmean(_share(result, run, name, accounting) for result in results)
            for name in _parts(results[0], run, accounting)
        }
        for run in results[0].runs
    }


def _parts(result: Result, run: str, accounting: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(result.runs[run].energy_pj, f"{accounting}_components")
    return found


def _share(result: Result, run: str, name: str, accounting: str) -> float:
    dense = getattr(result.runs[DENSE].energy_pj, accounting).centre
    return ratio(_parts(result, run, accounting)[name].centre, dense)


def _panels(runs: int, names: int) -> tuple[Figure, Sequence[Axes], Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    heights = _TOTAL_INCHES * runs, _BAR_INCHES * (runs + 1) * names
    figure = Figure(figsize=(WIDTH_INCHES, _MARGIN_INCHES + sum(heights)), layout="constrained")
    upper, lower = figure.subplots(2, 2, sharey="row", height_ratios=heights)
    for axes in (*upper, *lower):
        axes.tick_params(axis="y", length=0)
    return figure, list(upper), list(lower)


def _totals(axes: Axes, shares: Shares, accounting: str) -> None:
    rows = range(len(shares))
    stacks = {name: [of_run[name] for of_run in shares.values()] for name in shares[DENSE]}
    draw_stacks(axes, rows, stacks, _COLOURS, _TOTAL_THICKNESS)
    write_values(axes, rows, [_percent(sum(of_run.values())) for of_run in shares.values()])
    axes.set_title(TITLES[accounting])


def _each(axes: Axes, shares: Shares, names: Sequence[str]) -> None:
    """A heading and a bar per run for every component; those that the accounting lacks a dash."""
    height = len(shares) + 1
    for block, name in enumerate(names):
        rows = [block * height + 1 + place for place in range(len(shares))]
        if name not in shares[DENSE]:
            write_values(axes, rows, ["-"] * len(rows))
            continue
        values = [of_run[name] for of_run in shares.values()]
        draw_bars(axes, rows, 0, values, _THICKNESS, _COLOURS[name])
        write_values(axes, rows, list(map(_percent, values)))


def _headings(above: Axes, below: Axes, runs: Sequence[str], names: Sequence[str]) -> None:
    shown = shown_names(runs, 16)
    above.set_yticks(range(len(runs)), shown)
    above.set_ylim(len(runs) - 0.5, -0.5)
    labels = [label for name in names for label in (COMPONENT_WORDS.get(name, name), *shown)]
    below.set_yticks(range(len(labels)), labels)
    below.set_ylim(len(labels) - 0.4, -0.6)
    for place, label in enumerate(below.get_yticklabels()):
        if place % (len(runs) + 1) == 0:
            label.set_fontweight("bold")
        else:
            label.set(fontsize=SMALL_POINTS, color=FAINT.light)


def _scale(axes: Axes) -> None:
    axes.set_xlim(0, _ROOM_FOR_END * (axes.dataLim.x1 if axes.dataLim.x1 > 0 else 1.0))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _alt(shares: Mapping[str, Shares]) -> str:
    return " ".join(
        f"{TITLES[accounting]}, shares of the "
        f"dense energy: {', '.join(_told(run, parts) for run, parts in of_runs.items())}."
        for accounting, of_runs in shares.items()
    )


def _told(run: str, parts: Mapping[str, float]) -> str:
    most = max(parts, key=parts.__getitem__)
    largest = f"{COMPONENT_WORDS.get(most, most)} with {_percent(parts[most])}"
    return f"{run} {_percent(sum(parts.values()))}, the largest part {largest}"


def _data(shares: Mapping[str, Shares]) -> Mapping[str, Sequence[Any]]:
    """A row per accounting, run and component, and per run what they are together."""
    rows = [
        (accounting, run, name, share)
        for accounting, of_runs in shares.items()
        for run, parts in of_runs.items()
        for name, share in {**parts, TOGETHER: sum(parts.values())}.items()
    ]
    return columns_of(("accounting", "run", "component", "share_of_dense_energy"), rows)
