"""How much every varied setting matters: one objective at each of a setting's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.study.labels import is_number, shown_setting
from reports.study.points import WORKLOAD, Values, settings_of, values_of, workloads
from sparsesim.study.objectives import Objective

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


@dataclass(frozen=True)
class Effect:
    """How much a setting matters for an objective.

    ratio: the geometric mean of the objective at the best level over that at the worst, or the inverse: >= 1.
    best, worst: these levels. at_best, at_worst: the geometric means there, over that of all points.
    """

    setting: str
    ratio: float
    best: str
    worst: str
    at_best: float
    at_worst: float


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


def main_effects(frame: DataFrame, varied: Iterable[str], objective: Objective) -> list[Effect]:
    """The effect of every varied setting with two levels or more, the largest first.

    frame: rows that are done. Every point counts relative to the geometric mean of its workload, so that
    workloads of unlike size weigh the same. Points where the objective is not positive are left out, and so
    are the settings that say what the workload is.
    """
    figures = relative(frame, objective)
    settings = [name for name in dict.fromkeys(varied) if name not in WORKLOAD]
    found = [_effect(levels(frame, name), figures, objective) for name in settings]
    return sorted((effect for effect in found if effect), key=lambda effect: -effect.ratio)


def relative(frame: DataFrame, objective: Objective) -> Values:
    """Logarithms of the objective, less the mean of the workload; nan where there is none."""
    figures = values_of(frame, objective.figure)
    figures[~(figures > 0)] = np.nan
    logarithms: Values = np.log(figures)
    for mine in workloads(frame).values():
        known = mine & np.isfinite(logarithms)
        if known.any():
            logarithms[known] -= logarithms[known].mean()
    return logarithms


def _effect(of_setting: Levels, logarithms: Values, objective: Objective) -> Effect | None:
    known = np.isfinite(logarithms)
    members = [known & (of_setting.of_point == level) for level in range(len(of_setting.labels))]
    means = {
        label: float(logarithms[mine].mean())
        for label, mine in zip(of_setting.labels, members, strict=True)
        if mine.any()
    }
    if len(means) < 2:
        return None
    low, high = min(means, key=lambda label: means[label]), max(means, key=lambda label: means[label])
    best, worst = (low, high) if objective.goal == "minimize" else (high, low)
    ratio = float(np.exp(means[high] - means[low]))
    at_best, at_worst = (float(np.exp(means[label])) for label in (best, worst))
    return Effect(of_setting.setting, ratio, best, worst, at_best, at_worst)


@dataclass(frozen=True)
class Summary:
    """A level of a setting in one workload: how many points, their median, and the best one that is allowed.

    label, centre: as in Levels. best: nan, and best_row: None, where no point is allowed.
    """

    setting: str
    label: str
    centre: float
    points: int
    median: float
    best: float
    best_row: int | None


def summaries(
    frame: DataFrame,
    of_setting: Levels,
    objective: Objective,
    mine: NDArray[np.bool_],
    permitted: NDArray[np.bool_],
) -> list[Summary]:
    """A summary of every level that has points; mine: rows of the workload, permitted: rows allowed."""
    figures = values_of(frame, objective.figure)
    known = mine & np.isfinite(figures)
    found = []
    for level, (label, centre) in enumerate(zip(of_setting.labels, of_setting.centres, strict=True)):
        inside = known & (of_setting.of_point == level)
        if inside.any():
            best = _best(figures, np.flatnonzero(inside & permitted), objective)
            value = np.nan if best is None else float(figures[best])
            row = None if best is None else int(frame["row"].iloc[best])
            median = float(np.median(figures[inside]))
            found.append(
                Summary(of_setting.setting, label, float(centre), int(inside.sum()), median, value, row)
            )
    return found


def _best(figures: Values, places: NDArray[np.intp], objective: Objective) -> int | None:
    if not places.size:
        return None
    chosen = figures[places]
    return int(places[chosen.argmin() if objective.goal == "minimize" else chosen.argmax()])
