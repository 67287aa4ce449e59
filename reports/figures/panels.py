"""What panels side by side share: a title each, above the scale if that is repeated at the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.rows import TALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PAD_POINTS, _PAD_ABOVE_TICKS_POINTS = 6, 18


def title_panels(panels: Sequence[Axes], titles: Sequence[str], layers: int) -> None:
    """Title the panels of a row_figure of so many layers."""
    pad = _PAD_ABOVE_TICKS_POINTS if layers > TALL else _PAD_POINTS
    for axes, title in zip(panels, titles, strict=True):
        # At a given place: looking for one measures every layer's name again.
        axes.set_title(title, y=1.0, pad=pad)
