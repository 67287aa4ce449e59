"""Numbers of bars in a column beside them, where no whisker runs through them or ends at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.lettering import width_inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 7
_GAP_POINTS = 4


def write_values(axes: Axes, rows: Sequence[float], values: Sequence[str]) -> None:
    """Texts right of a panel at rows of its y; a constrained layout leaves room for them."""
    widths = [width_inches(value, _POINTS) for value in values]
    for row, value, width in zip(rows, values, widths, strict=True):
        axes.annotate(
            value,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(_GAP_POINTS, 0),
            textcoords="offset points",
            va="center",
            fontsize=_POINTS,
            annotation_clip=False,
            in_layout=width == max(widths),  # measuring them all would take a third of the layout's time
        )
