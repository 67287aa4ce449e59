"""Figures with a row per layer: room for every name at 5 layers and at 400."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.lettering import width_inches
from reports.text import shown_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 9.0
LONGEST_NAME = 32  # characters of a layer beside its row
_NAMES_INCHES = 1.6  # of the width, for names; wider ones make the figure wider, its panels stay as they are
_MARGIN_INCHES = 1.5
_ROW_INCHES, _TIGHT_ROW_INCHES = 0.2, 0.13
TALL = 40  # layers, from which the scale is repeated at the top
MANY = 120  # layers, from which rows are tight
_FONT_POINTS, _TIGHT_FONT_POINTS = 8, 6
_ABOUT_THE_WIDEST = 0.95  # of the widest; how far widths may be off


def row_figure(layers: Sequence[str], panels: int, bars: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of some panels side by side with a row per layer, the first on top; layout is constrained.

    bars: drawn side by side in a row, which make it higher.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    many = len(layers) > MANY
    row = (_TIGHT_ROW_INCHES if many else _ROW_INCHES) * (1 + 0.25 * (bars - 1))
    names = shown_names(layers, LONGEST_NAME)
    points = _TIGHT_FONT_POINTS if many else _FONT_POINTS
    widths = [width_inches(name, points) for name in names]
    width = WIDTH_INCHES + max(0.0, max(widths, default=0.0) - _NAMES_INCHES)
    figure = Figure(figsize=(width, _MARGIN_INCHES + row * len(layers)), layout="constrained")
    axes: list[Axes] = list(figure.subplots(1, panels, sharey=True, squeeze=False)[0])
    axes[0].set_yticks(range(len(layers)), names)
    axes[0].tick_params(axis="y", labelsize=points)
    _measure_the_widest(axes[0], widths)
    axes[0].set_ylim(len(layers) - 0.4, -0.6)
    # At a given place, as the label that is not there: looking for one measures every layer's name again, a
    # third of the time that a figure takes.
    axes[0].yaxis.set_label_coords(0, 0.5)
    for one in axes:
        one.tick_params(axis="y", length=0)
        one.yaxis.set_visible(one is axes[0])
        if len(layers) > TALL:
            one.tick_params(axis="x", top=True, labeltop=True)
    return figure, axes


def _measure_the_widest(axes: Axes, widths: Sequence[float]) -> None:
    """Leave the other names out of the layout, of which measuring them all takes most of the time."""
    least = _ABOUT_THE_WIDEST * max(widths, default=0.0)
    for label, width in zip(axes.get_yticklabels(), widths, strict=True):
        label.set_in_layout(width >= least)
