"""What the figures of a reproduction share: their size, lines of what was published, dots and columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.language import INK, PAPER, PUBLISHED
from reports.text import plain, shown_name
from sparsesim.reproduction.averages import NEAR
from sparsesim.reproduction.model import Reproduction

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 7.6  # narrower than figures of the page alone: these stand in a document, too
SMALL_POINTS = 7
PRUNED, NATURAL = "pruned", "natural"
QUOTED = "published average (Dai et al., DAC 2020, abstract)"
_DOT_POINTS = 5.0
_BAND_ALPHA = 0.1


def runs_of(reproduction: Reproduction) -> tuple[str, ...]:
    """The runs that are compared with the dense one."""
    return reproduction.headline()[0].compared


def machine_and_rate(reproduction: Reproduction) -> str:
    """As text for a title."""
    machine = shown_name(reproduction.headline()[0].machine.name)
    return f"machine {machine}, pruning rate {reproduction.asked.headline_rate:g}"


def counted(reproduction: Reproduction) -> str:
    """The workloads that changes, rungs and steps were simulated on."""
    named = [" on ".join(map(shown_name, workload)) for workload in reproduction.counts]
    return f"{len(named)} workload{'s' if len(named) > 1 else ''} ({', '.join(named)})"


def lines_of(text: str, characters: int) -> str:
    """A text of our own or a name, in lines of at most so many characters."""
    return "\n".join(textwrap.wrap(plain(text), characters))


def draw_dots(axes: Axes, x: Sequence[float], y: Sequence[float], colour: str, hollow: bool = False) -> None:
    """Round marks; nan is none. hollow: only the outline has the colour."""
    face = PAPER.light if hollow else colour
    axes.plot(
        x, y, linestyle="", marker="o", markersize=_DOT_POINTS, markerfacecolor=face, markeredgecolor=colour
    )


def draw_published(axes: Axes, value: float, *, band: bool = False, across: bool = False) -> None:
    """A line at the published average; band: what is near to it is shaded. across: it lies, and is of y."""
    line, span = (axes.axhline, axes.axhspan) if across else (axes.axvline, axes.axvspan)
    if band:
        ends = value * (1 - NEAR), value * (1 + NEAR)
        span(*ends, facecolor=PUBLISHED.light, alpha=_BAND_ALPHA, linewidth=0, zorder=0)
    line(value, color=PUBLISHED.light, linewidth=1.2, linestyle="--", zorder=1)


def draw_reference(axes: Axes, value: float) -> None:
    """A vertical line at what everything else is compared with."""
    axes.axvline(value, color=INK.light, linewidth=0.9, zorder=1)


def columns_of(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    """The data of a drawing of its rows; nan is nothing."""
    known = [[None if value != value else value for value in row] for row in rows]  # noqa: PLR0124
    return {name: [row[place] for row in known] for place, name in enumerate(header)}
