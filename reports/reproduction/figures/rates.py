"""Speedup and energy efficiency over the pruning rate, the average and every network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import published
from reports.figures.drawing import Drawing
from reports.figures.titles import head
from reports.language import CHOICES, INK, PAPER, PUBLISHED
from reports.numbers import times
from reports.reproduction.figures.frame import (
    NATURAL,
    PRUNED,
    SMALL_POINTS,
    WIDTH_INCHES,
    columns_of,
    draw_published,
)
from reports.text import shown_name, shown_names
from sparsesim.reproduction.averages import Average, of_average, of_results
from sparsesim.reproduction.model import Reproduction

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "rates"
AVERAGE = "average"
_HEIGHT_INCHES = 3.6
_PRUNED_FROM = 1.6  # natural is at 0, apart from what lies on a line
_MARKERS = "sDv^P<X>"
_MARGIN = 0.6  # of the scale, to either side
_ROOM_FOR_TOP = 1.06
_PANELS: Mapping[str, tuple[str, float]] = {
    "speedup": ("speedup on chip", published.SPEEDUP),
    "efficiency": ("energy efficiency on chip", published.EFFICIENCY),
}


@dataclass(frozen=True)
class Line:
    """The average, or a network averaged over its data sets: natural, then every rate from the lowest."""

    name: str
    is_averaged: bool
    averages: Sequence[Average]


def rates(reproduction: Reproduction) -> Drawing:
    """Two panels, a line per network and one of the average. Within house_style()."""
    lines = rate_lines(reproduction)
    figure, panels = _panels()
    for axes, (name, (words, quoted)) in zip(panels, _PANELS.items(), strict=True):
        for place, line in enumerate(lines):
            _draw(axes, line, place, [float(getattr(one, name)) for one in line.averages])
        draw_published(axes, quoted, across=True)
        _scale(axes, reproduction)
        axes.set_title(words.capitalize())
    handles = [
        _handle(line, place, name)
        for place, (line, name) in enumerate(zip(lines, _names(lines), strict=True))
    ]
    machine = shown_name(reproduction.headline()[0].machine.name)
    head(figure, f"Over the pruning rate: machine {machine}", [*handles, _quoted()], 4)
    averaged = ", ".join(map(shown_name, dict.fromkeys(one.network for one in reproduction.asked.averaged())))
    return Drawing(
        stem=STEM,
        title="Over the pruning rate",
        lead="Natural: the same runs without pruning. A network is the mean over its data sets; the average, "
        f"with its values, is that over {averaged}, and dashed networks are not part of it.",
        alt=_alt(reproduction, lines),
        figure=figure,
        data=_data(reproduction, lines),
    )


def rate_lines(reproduction: Reproduction) -> list[Line]:
    """The average, then the networks in their order."""
    rates_ = sorted(reproduction.asked.rates)
    average = [of_average(reproduction, rates_[0], NATURAL, "on_chip")]
    average += [of_average(reproduction, rate, PRUNED, "on_chip") for rate in rates_]
    averaged = {workload.network for workload in reproduction.asked.averaged()}
    return [
        Line(AVERAGE, True, average),
        *(
            Line(network, network in averaged, _of_network(reproduction, network, rates_))
            for network in reproduction.asked.networks
        ),
    ]


def _of_network(reproduction: Reproduction, network: str, rates_: Sequence[float]) -> list[Average]:
    by_rate = [[one for one in reproduction.at(rate) if one.network == network] for rate in rates_]
    natural = of_results(by_rate[0], NATURAL, "on_chip")
    return [natural, *(of_results(found, PRUNED, "on_chip") for found in by_rate)]


def _names(lines: Sequence[Line]) -> list[str]:
    return [AVERAGE, *shown_names([line.name for line in lines[1:]], 20)]


def _panels() -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_INCHES, _HEIGHT_INCHES), layout="constrained")
    panels: Sequence[Axes] = list(figure.subplots(1, 2))
    return figure, panels


def _places(count: int) -> list[float]:
    """Natural and the rates, on the scale of x."""
    return [0.0, *(_PRUNED_FROM + place for place in range(count - 1))]


def _style(line: Line, place: int) -> dict[str, Any]:
    if line.name == AVERAGE and place == 0:
        return {"color": INK.light, "marker": "o", "linewidth": 2.0, "markersize": 6, "zorder": 4}
    return {
        "color": CHOICES[(place - 1) % len(CHOICES)].light,
        "marker": _MARKERS[(place - 1) % len(_MARKERS)],
        "linewidth": 1.0,
        "linestyle": "-" if line.is_averaged else "--",
        "markersize": 4.5,
    }


def _draw(axes: Axes, line: Line, place: int, values: Sequence[float]) -> None:
    x, style = _places(len(values)), _style(line, place)
    axes.plot(x[:1], values[:1], **style)
    axes.plot(x[1:], values[1:], **style)
    if place == 0:
        _write(axes, x, values)


def _write(axes: Axes, x: Sequence[float], values: Sequence[float]) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    for at, value in zip(x, values, strict=True):
        axes.annotate(
            times(value),
            (at, value),
            xytext=(6, -9),
            textcoords="offset points",
            fontsize=SMALL_POINTS,
            fontweight="bold",
            path_effects=[withStroke(linewidth=2, foreground=PAPER.light)],
            zorder=5,
        )


def _scale(axes: Axes, reproduction: Reproduction) -> None:
    rates_ = sorted(reproduction.asked.rates)
    places = _places(1 + len(rates_))
    axes.set_xticks(places, [NATURAL, *(f"{rate:g}" for rate in rates_)])
    axes.set_xlim(places[0] - _MARGIN, places[-1] + _MARGIN)
    axes.set_ylim(0, _ROOM_FOR_TOP * axes.dataLim.y1)
    axes.grid(visible=True, axis="y")
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("pruning rate")


def _handle(line: Line, place: int, label: str) -> Artist:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    return Line2D([], [], label=label, **_style(line, place))


def _quoted() -> Artist:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    return Line2D([], [], color=PUBLISHED.light, linestyle="--", linewidth=1.2, label="published average")


def _words(reproduction: Reproduction) -> list[str]:
    return [NATURAL, *(f"p = {rate:g}" for rate in sorted(reproduction.asked.rates))]


def _alt(reproduction: Reproduction, lines: Sequence[Line]) -> str:
    words = _words(reproduction)
    sentences = [
        f"{name}: "
        + ", ".join(
            f"{word} {times(one.speedup)} and {times(one.efficiency)}"
            for word, one in zip(words, line.averages, strict=True)
        )
        for line, name in zip(lines, _names(lines), strict=True)
    ]
    quoted = f"Published average: {published.SPEEDUP}x and {published.EFFICIENCY}x."
    return f"Speedup and energy efficiency on chip. {'; '.join(sentences)}. {quoted}"


def _data(reproduction: Reproduction, lines: Sequence[Line]) -> Mapping[str, Sequence[Any]]:
    rates_ = [0.0, *sorted(reproduction.asked.rates)]
    runs = [NATURAL, *[PRUNED] * (len(rates_) - 1)]
    rows = [
        (line.name, run, rate, one.speedup, one.efficiency)
        for line in lines
        for run, rate, one in zip(runs, rates_, line.averages, strict=True)
    ]
    return columns_of(("network", "run", "pruning_rate", "speedup", "energy_efficiency"), rows)
