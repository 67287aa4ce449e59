"""Horizontal whiskers on bars, many at once, visible on dark bars and on light ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.language import INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

_RIM_POINTS = 0.8  # of paper around a whisker, which shows on bars as dark as the whisker


def draw_whiskers(
    axes: Axes, middles: ArrayLike, lows: ArrayLike, highs: ArrayLike, cap: float, points: float = 0.7
) -> None:
    """Lines from `lows` to `highs` of x at `middles` of y, `points` wide, their ends `cap` high (0: without).

    Where one of the three is nan, or both ends are the same, there is none. Extends the data limits.
    """
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    y, low, high = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in (middles, lows, highs)))
    shown = np.isfinite(y) & np.isfinite(low) & np.isfinite(high) & (low != high)
    y, low, high = y[shown], low[shown], high[shown]
    corners = ((low, -cap), (low, cap), (low, 0), (high, 0), (high, -cap), (high, cap))
    lines = np.stack([np.stack((x, y + up / 2), axis=-1) for x, up in corners], axis=1)
    lines = lines if cap else lines[:, 2:4]
    for colour, width in ((PAPER.light, points + _RIM_POINTS), (INK.light, points)):
        axes.add_collection(LineCollection(list(lines), colors=colour, linewidths=width))
    axes.update_datalim(lines.reshape(-1, 2))
