"""How much every varied setting matters for an objective, the other settings held fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.numbers import times
from reports.study.least_squares import Terms, fitted
from reports.study.levels import Levels, levels
from reports.study.points import WORKLOAD, Mask, Values, settings_of, values_of, workloads
from reports.study.ranking import shown_objectives
from sparsesim.study.objectives import Objective

if TYPE_CHECKING:
    from pandas import DataFrame

NOTHING = "-"
_MOST_TERMS = 400  # of a fit; its time grows with the third power
_DIGITS = 9  # of a ratio, so that what differs in rounding alone is in the same order everywhere


@dataclass(frozen=True)
class Effect:
    """How much a setting matters for an objective.

    ratio: the objective at one end over that at the other, >= 1; nan where the points cannot tell. best,
    worst: these levels, dashes where the ratio is shown as 1.00x. at_best, at_worst: the objective there over
    the mean of the points. apart: levels that cannot be compared with the others, which are left out.
    """

    setting: str
    ratio: float
    best: str = NOTHING
    worst: str = NOTHING
    at_best: float = 1.0
    at_worst: float = 1.0
    apart: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return bool(np.isfinite(self.ratio))


def main_effects(frame: DataFrame, varied: Iterable[str], objective: Objective) -> list[Effect]:
    """The effect of every varied setting with two levels or more, the largest first, the unknown last.

    frame: rows that are done. The logarithms of the objective are fitted by a term for every level of every
    setting and for every workload: where all combinations are there, effects are the ratios of geometric
    means. Settings that say what the workload is have none. Points where the objective is not positive are
    left out.
    """
    known, logarithms = _known(frame, objective)
    found = [levels(frame[known], name) for name in _settings(varied)]
    found = [of_setting for of_setting in found if len(np.unique(of_setting.of_point)) > 1]
    narrow = _fitting(found)
    terms = _terms(frame, known, logarithms, narrow)
    effects = [
        _effect(one, terms[one.setting], objective) if one.setting in terms else Effect(one.setting, np.nan)
        for one in found
    ]
    return sorted(effects, key=lambda effect: -effect.ratio if effect.is_known else 0.0)


def all_effects(
    frame: DataFrame, varied: Sequence[str], objectives: Sequence[Objective]
) -> dict[Objective, list[Effect]]:
    """The effects on everything that figures and tables show of a study with these objectives."""
    return {one: main_effects(frame, varied, one) for one in shown_objectives(frame, objectives)}


def are_all_combinations(frame: DataFrame, varied: Sequence[str], objectives: Iterable[Objective]) -> bool:
    """Whether the points with an objective are all combinations of their settings' values, each as often.

    Then whatever the settings do to each other, a mean at one value is over the same values of the others.
    """
    return all(_is_grid(frame[_known(frame, one)[0]], [*_settings(varied), *WORKLOAD]) for one in objectives)


def _is_grid(frame: DataFrame, names: Iterable[str]) -> bool:
    columns = [settings_of(frame, name) for name in names]
    counts = Counter(zip(*columns, strict=True))
    combinations = np.prod([float(len(set(column))) for column in columns])
    return len(counts) == combinations and len(set(counts.values())) == 1


def relative(frame: DataFrame, objective: Objective) -> Values:
    """Logarithms of the objective, less the mean of the workload; nan where there is none."""
    known, found = _known(frame, objective)
    logarithms = np.full(len(frame), np.nan)
    logarithms[known] = found
    for mine in workloads(frame).values():
        if (mine & known).any():
            logarithms[mine] -= logarithms[mine & known].mean()
    return logarithms


def _settings(varied: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(varied) if name not in WORKLOAD]


def _known(frame: DataFrame, objective: Objective) -> tuple[Mask, Values]:
    """The rows whose objective is positive, and its logarithms there."""
    figures = values_of(frame, objective.figure)
    known = figures > 0
    return known, np.log(figures[known])


def _fitting(found: Sequence[Levels]) -> list[Levels]:
    """Those with the fewest levels, as many as one fit takes."""
    ordered = sorted(found, key=lambda one: len(one.labels))
    sizes = np.cumsum([len(one.labels) for one in ordered])
    return ordered[: int(np.searchsorted(sizes, _MOST_TERMS, side="right"))]


def _terms(frame: DataFrame, known: Mask, logarithms: Values, found: Sequence[Levels]) -> dict[str, Terms]:
    if not found:
        return {}
    of_workload = np.zeros(len(frame), dtype=np.intp)
    for number, mine in enumerate(workloads(frame).values()):
        of_workload[mine] = number
    # Rows that lack a setting have a level of their own, the first.
    factors = [*(one.of_point for one in found), of_workload[known]]
    codes = [np.unique(factor, return_inverse=True)[1].reshape(-1) for factor in factors]
    terms = fitted(logarithms, codes, [slope for one in found if (slope := _slope(one)) is not None])
    return {one.setting: term for one, term in zip(found, terms, strict=False)}


def _slope(of_setting: Levels) -> Values | None:
    """Where a point stands within its range of values; None for levels that are single values.

    Without it, how a search happened to choose within ranges would be taken for effects of other settings.
    """
    if not of_setting.ranges:
        return None
    places = of_setting.places
    places = np.log(places) if np.nanmin(places) > 0 else places
    found = np.zeros(len(places))
    for level in range(len(of_setting.labels)):
        inside = of_setting.of_point == level
        found[inside] = places[inside] - places[inside].mean()
    return found / found.std() if found.any() else None


def _effect(of_setting: Levels, terms: Terms, objective: Objective) -> Effect:
    count = len(of_setting.labels)
    points = np.bincount(of_setting.of_point[of_setting.of_point >= 0], minlength=count)
    values, part = terms.of_level[-count:], terms.part[-count:]
    inside = part == np.bincount(part, weights=points).argmax()
    if inside.sum() < 2 or 2 * points[inside].sum() <= points.sum():
        return Effect(of_setting.setting, np.nan)
    places = np.flatnonzero(inside)
    ordered = places[np.argsort(values[places], kind="stable")]
    best, worst = ordered[[0, -1]] if objective.goal == "minimize" else ordered[[-1, 0]]
    middle = np.average(values[inside], weights=points[inside])
    ratio = _steady(np.exp(values[ordered[-1]] - values[ordered[0]]))
    differs = times(ratio) != times(1)
    return Effect(
        of_setting.setting,
        ratio,
        of_setting.labels[best] if differs else NOTHING,
        of_setting.labels[worst] if differs else NOTHING,
        _steady(np.exp(values[best] - middle)),
        _steady(np.exp(values[worst] - middle)),
        tuple(of_setting.labels[place] for place in np.flatnonzero(~inside)),
    )


def _steady(ratio: float) -> float:
    return float(f"{ratio:.{_DIGITS}g}")
