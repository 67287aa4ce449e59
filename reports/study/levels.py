"""The values of a setting, in order: what effects are told at, and where points stand on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.study.labels import is_number, shown_setting
from reports.study.points import Values, settings_of

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_LEVELS = 16  # values of a numeric setting, beyond which they are taken together in
_BINS = 8  # groups of about as many points each


@dataclass(frozen=True)
class Levels:
    """The values of a setting, in order; many numbers are taken together in ranges.

    labels: what each level is. centres: where it stands on an axis (its number, the median of a range, or its
    place where the values are no numbers). of_point: the level of every row, -1 for none. places: where every
    row stands on that axis, nan for nowhere. ranges: whether levels are ranges.
    """

    setting: str
    labels: tuple[str, ...]
    centres: Values
    of_point: NDArray[np.intp]
    places: Values
    is_numeric: bool
    ranges: bool = False


def levels(frame: DataFrame, setting: str) -> Levels:
    """The levels of a setting over the rows of a frame."""
    values = settings_of(frame, setting)
    given = [value for value in values if value is not None]
    if not given or not all(map(is_number, given)):
        return _choices(setting, [shown_setting(value) for value in values])
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    distinct = np.unique(numbers[np.isfinite(numbers)])
    return _ranges(setting, numbers) if len(distinct) > _MOST_LEVELS else _numbers(setting, numbers, distinct)


def _choices(setting: str, values: Sequence[str]) -> Levels:
    labels = tuple(dict.fromkeys(values))
    place = {label: index for index, label in enumerate(labels)}
    of_point = np.array([place[value] for value in values], dtype=np.intp)
    return Levels(
        setting, labels, np.arange(len(labels), dtype=float), of_point, of_point.astype(float), False
    )


def _numbers(setting: str, numbers: Values, distinct: Values) -> Levels:
    of_point = np.where(np.isfinite(numbers), np.searchsorted(distinct, numbers), -1)
    labels = tuple(shown_setting(value) for value in distinct.tolist())
    return Levels(setting, labels, distinct, of_point, numbers, True)


def _ranges(setting: str, numbers: Values) -> Levels:
    finite = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, _BINS + 1)))
    which = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0))
    of_point = np.where(np.isfinite(numbers), which, -1)
    filled = np.unique(which[np.isfinite(numbers)])
    labels, centres = [], []
    for new, old in enumerate(filled):
        inside = numbers[of_point == old]
        of_point[of_point == old] = new
        labels.append(f"{shown_setting(inside.min())} .. {shown_setting(inside.max())}")
        centres.append(float(np.median(inside)))
    return Levels(setting, tuple(labels), np.array(centres), of_point, numbers, True, True)
