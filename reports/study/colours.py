"""Colours of a study's figures: of the values of one setting, told apart by all kinds of colour vision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.language import CHOICES, POINTS, step_colours
from reports.study.effects import Effect
from reports.study.labels import is_number
from reports.study.levels import Levels, levels
from reports.study.points import Values, is_wide, settings_of

if TYPE_CHECKING:
    from matplotlib.colors import Normalize
    from numpy.typing import NDArray
    from pandas import DataFrame

PLAIN = POINTS["point"].light
EXCLUDED = POINTS["excluded"].light
_MOST_COLOURS = 6  # values with a colour of their own in the legend; more get a colour bar


@dataclass(frozen=True)
class Colours:
    """The colour of every point by one setting. of_point: rgba, a row each.

    legend: label of a value -> its colour; norm: of the colour bar, where there are too many for a legend.
    """

    setting: str
    of_point: NDArray[np.float64]
    legend: dict[str, Any]
    norm: Normalize | None = None


def colours(done: DataFrame, effects: Iterable[Effect]) -> Colours | None:
    """Colours by the numeric setting with the largest effect; by the largest choice, where none is numeric.

    effects: the largest first. None where no setting has two values, or too many choices.
    """
    names = [effect.setting for effect in effects]
    numeric = [name for name in names if any(map(is_number, settings_of(done, name)))]
    chosen = [levels(done, name) for name in (*numeric, *names)]
    of_setting = next((found for found in chosen if _drawable(found)), None)
    if of_setting is None:
        return None
    if not of_setting.is_numeric:
        return _by_level(of_setting, [_rgba(colour.light) for colour in CHOICES])
    distinct = np.unique(of_setting.places[np.isfinite(of_setting.places)])
    if len(distinct) <= _MOST_COLOURS:
        return _by_level(of_setting, [*step_colours()(np.linspace(0, 1, len(distinct)))])
    return _by_number(of_setting)


def _drawable(of_setting: Levels) -> bool:
    return of_setting.is_numeric or len(of_setting.labels) <= len(CHOICES)


def _rgba(name: str) -> Any:
    from matplotlib.colors import to_rgba  # noqa: PLC0415

    return np.array(to_rgba(name))


def _by_level(of_setting: Levels, palette: list[Any]) -> Colours:
    chosen = palette[: len(of_setting.labels)]
    # The last row is for points without the setting, whose level is -1.
    table = np.array([*chosen, _rgba(EXCLUDED)])
    legend = dict(zip(of_setting.labels, chosen, strict=True))
    return Colours(of_setting.setting, table[of_setting.of_point], legend)


def _by_number(of_setting: Levels) -> Colours:
    norm = _norm(of_setting.places)
    known = np.isfinite(of_setting.places)
    of_point = np.tile(_rgba(EXCLUDED), (len(known), 1))
    of_point[known] = step_colours()(np.asarray(norm(of_setting.places[known])))
    return Colours(of_setting.setting, of_point, {}, norm)


def _norm(numbers: Values) -> Normalize:
    from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415

    finite = numbers[np.isfinite(numbers)]
    return (LogNorm if is_wide(finite) else Normalize)(finite.min(), finite.max())
