"""The Pareto front of many rows and few objectives, exactly.

Rows are sorted lexicographically and made unique; then no row can be dominated by a later one, and an earlier
row dominates a later one if it is no worse in all objectives but the first. That question is answered by
divide and conquer over the objectives (Kung, Luccio, Preparata, JACM 22(4), 1975; Bentley, CACM 23(4), 1980):
O(n log n) for two objectives and O(n log^(d-2) n) for d > 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparsesim.study.objectives import Goal

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALL = 64  # rows compared all with all: below this a numpy broadcast beats another split


def front(values: Floats, goals: Sequence[Goal]) -> Mask:
    """Which rows no other row dominates: none is as good in every objective and better in one.

    values: [rows, objectives], infinities allowed. goals: a direction per objective. Equal rows are on the
    front together; a row with a NaN neither is on the front nor dominates. ValueError where the number of
    goals is not that of the columns, or there are none.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(goals) or not goals:
        raise ValueError(f"values of shape {table.shape} do not go with {len(goals)} objectives")
    signs = np.array([-1.0 if goal == "maximize" else 1.0 for goal in goals])
    known = ~np.isnan(table).any(axis=1)
    mask = np.zeros(len(table), dtype=np.bool_)
    if known.any():
        costs = table[known] * signs + 0.0  # + 0.0: -0.0 and 0.0 are one value
        unique, places = np.unique(costs, axis=0, return_inverse=True)
        mask[known] = _first_front(unique)[places.reshape(-1)]
    return mask


def _first_front(rows: Floats) -> Mask:
    """The front of unique rows in lexicographic order, all objectives minimised."""
    if rows.shape[1] <= 2:
        return _front_in_plane(rows[:, -1])
    if len(rows) <= SMALL:
        no_worse = (rows[:, None, 1:] <= rows[None, :, 1:]).all(axis=2)
        return np.asarray(~np.triu(no_worse, k=1).any(axis=0))
    middle = len(rows) // 2
    mask = np.ones(len(rows), dtype=np.bool_)
    mask[:middle] = _first_front(rows[:middle])
    mask[middle:] = _first_front(rows[middle:])
    later = middle + np.flatnonzero(mask[middle:])
    mask[later] = ~_reached(rows[:middle][mask[:middle], 1:], rows[later, 1:])
    return mask


def _front_in_plane(last: Floats) -> Mask:
    """As _first_front for one or two objectives: those whose last value is below all earlier ones."""
    mask = np.ones(len(last), dtype=np.bool_)
    mask[1:] = last[1:] < np.minimum.accumulate(last)[:-1]
    return mask


def _reached(ahead: Floats, behind: Floats) -> Mask:
    """Which rows of `behind` some row of `ahead` is no worse than in any column."""
    if len(ahead) == 0 or len(behind) == 0:
        return np.zeros(len(behind), dtype=np.bool_)
    if ahead.shape[1] == 2:
        return _reached_in_plane(ahead, behind)
    if len(ahead) * len(behind) <= SMALL**2:
        return np.asarray((ahead[:, None, :] <= behind[None, :, :]).all(axis=2).any(axis=0))
    if ahead[:, 0].max() <= behind[:, 0].min():
        return _reached(ahead[:, 1:], behind[:, 1:])
    return _reached_by_halves(ahead, behind)


def _reached_in_plane(ahead: Floats, behind: Floats) -> Mask:
    """As _reached for two columns: the lowest second value among those no higher in the first."""
    order = np.argsort(ahead[:, 0])
    lowest = np.concatenate(([np.nan], np.minimum.accumulate(ahead[order, 1])))
    no_higher = np.searchsorted(ahead[order, 0], behind[:, 0], side="right")
    return np.asarray(lowest[no_higher] <= behind[:, 1])


def _reached_by_halves(ahead: Floats, behind: Floats) -> Mask:
    """As _reached: both are split at a value of the first column. From lower rows to upper rows that column
    is settled; upper rows reach no lower ones.
    """
    split = _split_value(np.concatenate((ahead[:, 0], behind[:, 0])))
    low_ahead, low_behind = ahead[:, 0] <= split, behind[:, 0] <= split
    found = np.zeros(len(behind), dtype=np.bool_)
    found[low_behind] = _reached(ahead[low_ahead], behind[low_behind])
    found[~low_behind] = _reached(ahead[low_ahead, 1:], behind[~low_behind, 1:])
    rest = np.flatnonzero(~low_behind & ~found)
    found[rest] = _reached(ahead[~low_ahead], behind[rest])
    return found


def _split_value(values: Floats) -> float:
    """The median, or the next lower value where the median is the highest. The values are not all equal."""
    ordered = np.sort(values)
    middle = ordered[len(ordered) // 2]
    return float(middle if middle < ordered[-1] else ordered[ordered < middle][-1])
