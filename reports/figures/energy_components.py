"""Energy by component, low, centre and high, on chip and with DRAM apart; above it the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.bars import draw_bars, draw_stacks
from reports.figures.drawing import Drawing
from reports.figures.rows import WIDTH_INCHES
from reports.figures.titles import STEP, in_lines, run_names, workload_on_machine
from reports.figures.values import write_values
from reports.figures.whiskers import draw_whiskers
from reports.language import ACCOUNTING_WORDS, COMPONENT_WORDS, COMPONENTS, FAINT
from reports.numbers import ENERGY_UNITS, energy
from sparsesim.energy import Range
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ACCOUNTINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "energy-components"
TOTAL = "total"
_COLOURS = {name: colour.light for name, colour in COMPONENTS.items()}
_BAR_INCHES, _TOTAL_INCHES, _MARGIN_INCHES = 0.145, 0.36, 1.5
_THICKNESS, _CAP = 0.86, 0.4  # of a bar and of its whisker, in rows
_TOTAL_THICKNESS = 0.4
_SMALL_POINTS = 7
_ROOM_FOR_END = 1.03
_LEAST_OF_UNIT = 5  # below it an axis is in the next smaller unit, as most of its values are

Energies = Mapping[str, Mapping[str, Range]]  # by run and component


def energy_components(result: Result) -> Drawing:
    """For every component a bar per run, in both accountings; above them the runs, component by component.

    Bars are centre values and whiskers low to high, each with one column of the energy table; pJ per sample,
    the whole training step. Within house_style().
    """
    energies = {accounting: _energies(result, accounting) for accounting in ACCOUNTINGS}
    names = list(energies["with_dram"][DENSE])
    figure, upper, lower = _panels(len(result.runs), len(names))
    for accounting, above, below in zip(ACCOUNTINGS, upper, lower, strict=True):
        _totals(above, result, energies[accounting], accounting)
        _components(below, energies[accounting], names)
        _scale(above, "total energy per sample")
        _scale(below, "energy per sample by component")
    _headings(lower[0], list(run_names(result).values()), names)
    figure.suptitle(in_lines(f"{workload_on_machine(result)}, energy of {STEP}"))
    return Drawing(
        stem=STEM,
        title="Energy by component",
        lead="Bars and the numbers beside them are centre values, whiskers reach from the low to the high "
        "column of the energy table. On top the whole runs, in the order and colours of the components "
        "below, on a scale of their own.",
        alt=_alt(result),
        figure=figure,
        data=_data(result, energies),
    )


def _energies(result: Result, accounting: str) -> Energies:
    return {name: getattr(run.energy_pj, f"{accounting}_components") for name, run in result.runs.items()}


def _total(result: Result, run: str, accounting: str) -> Range:
    found: Range = getattr(result.runs[run].energy_pj, accounting)
    return found


def _panels(runs: int, components: int) -> tuple[Figure, Sequence[Axes], Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    heights = _TOTAL_INCHES * runs, _BAR_INCHES * (runs + 1) * components
    figure = Figure(figsize=(WIDTH_INCHES, _MARGIN_INCHES + sum(heights)), layout="constrained")
    upper, lower = figure.subplots(2, 2, sharey="row", height_ratios=heights)
    for axes in (*upper, *lower):
        axes.tick_params(axis="y", length=0)
    return figure, list(upper), list(lower)


def _totals(axes: Axes, result: Result, energies: Energies, accounting: str) -> None:
    """A stacked bar per run, above it how large the sum is and may be.

    A whisker would be several times as long as the bar, and the components in it too short to be seen.
    """
    places = range(len(energies))
    centres = {name: [of_run[name].centre for of_run in energies.values()] for name in energies[DENSE]}
    draw_stacks(axes, places, centres, _COLOURS, _TOTAL_THICKNESS)
    for place, run in zip(places, energies, strict=True):
        total = _total(result, run, accounting)
        words = f"{energy(total.centre)} (low {energy(total.low)}, high {energy(total.high)})"
        axes.annotate(
            words, (0, place - 0.25), xytext=(1, 2), textcoords="offset points", fontsize=_SMALL_POINTS
        )
    axes.set_yticks(places, run_names(result).values())
    axes.set_ylim(len(energies) - 0.6, -0.75)
    axes.set_title(f"{ACCOUNTING_WORDS[accounting]}: {_scope(result, accounting)}", loc="left")


def _scope(result: Result, accounting: str) -> str:
    # A trace holds nothing but convolution and FC layers.
    other = accounting == "with_dram" and result.has_other_work
    return "the whole training step" if other else "convolution and FC layers"


def _components(axes: Axes, energies: Energies, names: Sequence[str]) -> None:
    """A heading and a bar per run for every component."""
    height = len(energies) + 1
    centres: dict[float, str] = {}  # by row
    for block, name in enumerate(names):
        middles = [block * height + 1 + place for place in range(len(energies))]
        if name not in energies[DENSE]:
            _say_missing(axes, middles[0])
            continue
        ranges = [of_run[name] for of_run in energies.values()]
        draw_bars(axes, middles, 0, [one.centre for one in ranges], _THICKNESS, _COLOURS[name])
        draw_whiskers(axes, middles, [one.low for one in ranges], [one.high for one in ranges], _CAP)
        centres |= zip(middles, (energy(one.centre) for one in ranges), strict=True)
    write_values(axes, list(centres), list(centres.values()))


def _headings(axes: Axes, runs: Sequence[str], names: Sequence[str]) -> None:
    """Rows: the name of a component, then its runs."""
    labels = [label for name in names for label in (COMPONENT_WORDS.get(name, name), *runs)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    for place, label in enumerate(axes.get_yticklabels()):
        if place % (len(runs) + 1) == 0:
            label.set_fontweight("bold")
        else:
            label.set(fontsize=_SMALL_POINTS, color=FAINT.light)


def _say_missing(axes: Axes, row: float) -> None:
    axes.annotate(
        "not part of this accounting",
        (0, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=_SMALL_POINTS,
        color=FAINT.light,
    )


def _scale(axes: Axes, label: str) -> None:
    """From 0, in the unit that fits."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    most = axes.dataLim.x1 if axes.dataLim.x1 > 0 else 1.0
    large = (found for found in ENERGY_UNITS if most >= _LEAST_OF_UNIT * found[1])
    unit, size = next(large, ENERGY_UNITS[-1])
    axes.set_xlim(0, most * _ROOM_FOR_END)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:,g}"))
    axes.set_xlabel(f"{label} [{unit}]")


def _alt(result: Result) -> str:
    return (
        "; ".join(
            f"{ACCOUNTING_WORDS[accounting]}: " + ", ".join(_spent(result, accounting))
            for accounting in ACCOUNTINGS
        )
        + "."
    )


def _spent(result: Result, accounting: str) -> Iterator[str]:
    shown = run_names(result)
    for run, of_run in _energies(result, accounting).items():
        total = _total(result, run, accounting)
        most = max(of_run, key=lambda name: of_run[name].centre)
        yield (
            f"{shown[run]} {energy(total.centre)} (low {energy(total.low)}, high {energy(total.high)}), "
            f"the largest part {COMPONENT_WORDS.get(most, most)} with {energy(of_run[most].centre)}"
        )


def _data(result: Result, energies: Mapping[str, Energies]) -> Mapping[str, Sequence[Any]]:
    """A row per accounting, run and component, and per run its total."""
    rows = [
        (accounting, run, name, *values)
        for accounting, of_runs in energies.items()
        for run, parts in of_runs.items()
        for name, values in {**parts, TOTAL: _total(result, run, accounting)}.items()
    ]
    header = ("accounting", "run", "component", "low_pj", "centre_pj", "high_pj")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
