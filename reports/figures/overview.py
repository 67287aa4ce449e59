"""Speedup and energy efficiency of networks and data sets side by side, with what was published drawn in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from reports import published
from reports.figures.bars import draw_bars, legend_handle
from reports.figures.drawing import Drawing
from reports.figures.gain_groups import GAP, Group, gain_groups, most_results
from reports.figures.gains import Gain, gains_table, gains_text, result_labels
from reports.figures.rows import WIDTH_INCHES
from reports.figures.values import write_values
from reports.figures.whiskers import draw_whiskers
from reports.language import ACCOUNTING_WORDS, FAINT, INK, PAPER, PUBLISHED, run_colour
from reports.numbers import times
from reports.text import shown_names
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "overview"
_BAR_INCHES, _MARGIN_INCHES = 0.14, 1.5
_THICKNESS = {"on_chip": 0.9, "with_dram": 0.6}
_CAP = 0.4
_INTERVAL_POINTS = 2.0  # thick, where the whisker of the energy table is thin
_ROOM_FOR_END = 1.03

Quantity = Literal["speedup", "energy_efficiency"]
_WORDS: Mapping[Quantity, str] = {
    "speedup": "speedup over dense",
    "energy_efficiency": "energy efficiency over dense",
}
_PUBLISHED: Mapping[Quantity, float] = {
    "speedup": published.SPEEDUP,
    "energy_efficiency": published.EFFICIENCY,
}


def overview(
    results: Sequence[Result],
    labels: Sequence[str] | None = None,
    averaged: Sequence[Result] | None = None,
) -> Drawing:
    """A group of bars per result, a bar per run and accounting, and a last group of averages.

    results: one or more. labels: of the results, may have line breaks; by default network and data set, and
    the machine where that does not tell them apart. averaged: those of the results that averages are over, by
    default all; see gains.averages. Within house_style().
    """
    groups = gain_groups(results, result_labels(results) if labels is None else labels, averaged)
    every = [gain for group in groups for gain in group.gains]
    figure = draw_gains(groups, any(result.profile.transferred_from for result in results))
    return Drawing(
        stem=STEM,
        title="Speedup and energy efficiency",
        lead="Full bars: on chip, the accounting of the publication. Hollow bars: with DRAM. The published "
        "averages (Dai et al., DAC 2020, abstract) are over AlexNet and ResNets, no network's own figure. "
        "Bars are formed with the centre column of the energy table; whiskers reach from the smallest to the "
        "largest of the ratios with its three columns. A star: not all of the sparsity was recorded on that "
        "network and data set.",
        alt=gains_text(every),
        figure=figure,
        data=gains_table(every),
    )


def draw_gains(groups: Sequence[Group], starred: bool = False) -> Figure:
    """The bars of groups that stand one below the other; starred: whether some have a star.

    What is not known of a gain is not drawn. Within house_style().
    """
    figure, panels = _panels(groups)
    for axes, quantity in zip(panels, _WORDS, strict=True):
        _panel(axes, groups, quantity)
    _labels(panels, groups)
    figure.suptitle("Training step against the dense baseline of the same size")
    every = [gain for group in groups for gain in group.gains]
    figure.legend(handles=_handles(every, starred), loc="outside lower center", ncols=3)
    return figure


def _panels(groups: Sequence[Group]) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = groups[-1].start + groups[-1].rows + GAP
    figure = Figure(figsize=(WIDTH_INCHES, _MARGIN_INCHES + _BAR_INCHES * rows), layout="constrained")
    return figure, list(figure.subplots(1, 2, sharey=True))


def _panel(axes: Axes, groups: Sequence[Group], quantity: Quantity) -> None:
    placed = [(group.row(place), gain) for group in groups for place, gain in enumerate(group.gains)]
    for kind in dict.fromkeys((gain.run, gain.accounting) for _, gain in placed):
        chosen = [(row, gain) for row, gain in placed if (gain.run, gain.accounting) == kind]
        _bars(axes, chosen, quantity, *kind)
    _whiskers(axes, placed, quantity)
    most = most_results(groups[-1].gains)
    write_values(axes, [row for row, _ in placed], [_value(gain, quantity, most) for _, gain in placed])
    axes.axvline(1, color=INK.light, linewidth=0.8)
    _draw_published(axes, _PUBLISHED[quantity])
    farthest = max(_end(gain, quantity) for _, gain in placed)
    axes.set_xlim(0, _ROOM_FOR_END * max(farthest, _PUBLISHED[quantity]))
    axes.set_xlabel(_WORDS[quantity])


def _bars(
    axes: Axes, chosen: Sequence[tuple[float, Gain]], quantity: Quantity, run: str, accounting: str
) -> None:
    rows, widths = zip(*((row, getattr(gain, quantity)) for row, gain in chosen), strict=True)
    hollow = accounting != "on_chip"
    draw_bars(axes, rows, 0, widths, _THICKNESS[accounting], run_colour(run), hollow)


def _whiskers(axes: Axes, placed: Sequence[tuple[float, Gain]], quantity: Quantity) -> None:
    rows = [row for row, _ in placed]
    low, high = zip(*(_interval(gain, quantity) for _, gain in placed), strict=True)
    draw_whiskers(axes, rows, low, high, 0, _INTERVAL_POINTS)
    if quantity == "energy_efficiency":
        low, high = zip(*(gain.energy_efficiency_extremes for _, gain in placed), strict=True)
        draw_whiskers(axes, rows, low, high, _CAP)


def _interval(gain: Gain, quantity: Quantity) -> tuple[float, float]:
    value, width = getattr(gain, quantity), getattr(gain, f"{quantity}_half_width")
    return value - width, value + width


def _end(gain: Gain, quantity: Quantity) -> float:
    """How far right something of the bar is drawn."""
    ends = [getattr(gain, quantity), _interval(gain, quantity)[1]]
    if quantity == "energy_efficiency":
        ends.append(gain.energy_efficiency_extremes[1])
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _value(gain: Gain, quantity: Quantity, most: int) -> str:
    """The ratio; of an average over fewer results than others also over how many."""
    fewer = 1 < gain.results < most
    return times(getattr(gain, quantity)) + (f" (of {gain.results})" if fewer else "")


def _draw_published(axes: Axes, value: float) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    rim = [withStroke(linewidth=3, foreground=PAPER.light)]
    axes.axvline(
        value, color=PUBLISHED.light, linewidth=1.4, linestyle="--", path_effects=rim, label="published"
    )
    axes.annotate(
        f"published average {value}x",
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        color=PUBLISHED.light,
    )


def _labels(panels: Sequence[Axes], groups: Sequence[Group]) -> None:
    middles = [group.start + (group.rows - 1) / 2 for group in groups]
    panels[0].set_yticks(middles, [group.text for group in groups])
    last = groups[-1]
    panels[0].set_ylim(last.start + last.rows - 0.5 + GAP / 2, -0.5 - GAP / 2)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        if last.is_average:
            axes.axhline(last.start - 0.5 - GAP / 2, color=FAINT.light, linewidth=0.8)


def _handles(every: Sequence[Gain], starred: bool) -> list[Artist]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    runs = list(dict.fromkeys(gain.run for gain in every))
    shown = zip(shown_names(runs), runs, strict=True)
    handles: list[Artist] = [legend_handle(label, run_colour(run)) for label, run in shown]
    handles += [
        legend_handle(f"full: {ACCOUNTING_WORDS['on_chip']}", FAINT.light),
        legend_handle(f"hollow: {ACCOUNTING_WORDS['with_dram']}", FAINT.light, hollow=True),
    ]
    if any(math.isfinite(gain.energy_efficiency_extremes[0]) for gain in every):
        label = "low, centre, high energies: smallest to largest"
        handles.append(Line2D([], [], color=INK.light, linewidth=0.7, label=label))
    if any(math.isfinite(gain.speedup_half_width) for gain in every):
        label = "95 % interval of the mean over samples"
        handles.append(Line2D([], [], color=INK.light, linewidth=_INTERVAL_POINTS, label=label))
    if starred:
        handles.append(Line2D([], [], linestyle="", label="* sparsity transferred"))
    return handles
