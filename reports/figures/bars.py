"""Horizontal bars, many at once: one artist for all bars of a colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.language import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch
    from numpy.typing import ArrayLike

_EDGE_POINTS = 1.0  # of a hollow bar
_GAP_POINTS = 0.4  # a thread of paper between neighbours, so that not only hue tells them apart


def draw_bars(
    axes: Axes,
    middles: ArrayLike,
    lefts: ArrayLike,
    widths: ArrayLike,
    thickness: float,
    colour: str,
    hollow: bool = False,
) -> None:
    """Bars from `lefts` over `widths`, centred at `middles` of y; nan is no bar. Extends the data limits.

    hollow: only the outline has the colour.
    """
    from matplotlib.collections import PolyCollection  # noqa: PLC0415

    y, x, w = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in (middles, lefts, widths)))
    shown = np.isfinite(x) & np.isfinite(w) & (w != 0)
    y, x, w = y[shown], x[shown], w[shown]
    low, high = y - thickness / 2, y + thickness / 2
    corners = np.stack(
        [np.stack(pair, axis=-1) for pair in ((x, low), (x + w, low), (x + w, high), (x, high))], axis=1
    )
    face, edge = (PAPER.light, colour) if hollow else (colour, PAPER.light)
    width = _EDGE_POINTS if hollow else _GAP_POINTS
    axes.add_collection(PolyCollection(list(corners), facecolor=face, edgecolor=edge, linewidth=width))
    axes.update_datalim(corners.reshape(-1, 2))


def draw_stacks(
    axes: Axes,
    middles: ArrayLike,
    parts: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    thickness: float,
) -> None:
    """Bars of parts one behind the other from 0, in the order of `parts`; a value per middle each."""
    left = np.zeros(len(np.asarray(middles)))
    for name, values in parts.items():
        widths = np.nan_to_num(np.asarray(values, dtype=float))
        draw_bars(axes, middles, left, widths, thickness, colours[name])
        left = left + widths


def legend_handle(label: str, colour: str, hollow: bool = False) -> Patch:
    """What stands for a colour in a legend."""
    from matplotlib.patches import Patch  # noqa: PLC0415

    if hollow:
        return Patch(facecolor=PAPER.light, edgecolor=colour, linewidth=_EDGE_POINTS, label=label)
    return Patch(facecolor=colour, label=label)
