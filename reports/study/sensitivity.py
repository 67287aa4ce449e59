"""The figure of how much every setting matters: a bar from its best value to its worst per objective."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.bars import draw_bars
from reports.figures.drawing import Drawing
from reports.figures.rows import WIDTH_INCHES
from reports.language import FAINT, INK
from reports.numbers import times
from reports.study.colours import PLAIN
from reports.study.effects import NOTHING, Effect, all_effects, are_all_combinations
from reports.study.labels import short_names
from reports.study.sentences import NOT_ALL, apart_words, cut, said
from sparsesim.study.objectives import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

STEM = "sensitivity"
_ROW_INCHES, _MARGIN_INCHES = 0.24, 0.75
_MOST_COLUMNS = 3
_MOST_SETTINGS = 24
_THICKNESS = 0.62
_LONGEST_VALUE = 14  # characters
_CHARACTER_SHARE = 0.03  # of a panel, where it is narrowest
_SMALL_POINTS = 7
_NARROW, _WIDE, _WIDEST = 2.2, 5, 100  # times from end to end
_FINE, _COARSE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0)  # ticks of a decade
_NONE = Effect("", math.nan)

Effects = Mapping[Objective, Mapping[str, Effect]]  # by objective and setting


def sensitivity(done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective]) -> Drawing | None:
    """A panel per objective, a row per setting, those that matter most for the first objective on top.

    done: the rows that are done. None where no setting has two values that can be compared.
    Within house_style().
    """
    effects = {
        objective: {effect.setting: effect for effect in found}
        for objective, found in all_effects(done, varied, objectives).items()
    }
    settings = list(next(iter(effects.values())))[:_MOST_SETTINGS]
    every = [effect for found in effects.values() for effect in found.values()]
    if not any(effect.is_known for effect in every):
        return None
    all_combinations = are_all_combinations(done, varied, effects)
    names = short_names(varied)
    figure, each = _panels(len(effects), len(settings))
    for place, (axes, (objective, of_settings)) in enumerate(zip(each, effects.items(), strict=True)):
        _panel(axes, [of_settings.get(name, _NONE) for name in settings])
        axes.set_title(said(objective.figure), loc="left")
        better = "less" if objective.goal == "minimize" else "more"
        mean = "over the mean of all points" if all_combinations else "estimate over the mean"
        axes.set_xlabel(f"{mean} ({better} is better)")
        labels = [] if place % _MOST_COLUMNS else [names[name] for name in settings]
        axes.set_yticks(range(len(labels)), labels)
    return Drawing(
        stem=STEM,
        title="What matters most",
        lead=_lead(all_combinations) + apart_words(every, names),
        alt=_alt(effects, names),
        figure=figure,
        data=_data(effects),
    )


def _lead(all_combinations: bool) -> str:
    ends = "at the best and at the worst value of a setting, which stand at its ends; at its right the ratio"
    if all_combinations:
        return (
            f"Every bar spans the geometric means of the points {ends} of the two. All points done count; "
            "they are all combinations of the values."
        )
    return (
        f"Every bar spans what is estimated {ends} of the two, with the other settings held fixed, as far as "
        f"these points allow: {NOT_ALL}. A dash: these points cannot tell."
    )


def _panels(count: int, settings: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = min(count, _MOST_COLUMNS)
    rows = -(-count // columns)
    height = rows * (_ROW_INCHES * settings + _MARGIN_INCHES)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place) for place in range(1, count + 1)]


def _panel(axes: Axes, effects: Sequence[Effect]) -> None:
    ends = np.array([sorted((effect.at_best, effect.at_worst)) for effect in effects])
    _scale(axes, ends, max(len(_ends(effect)[side]) for effect in effects for side in (0, 1)))
    draw_bars(axes, range(len(effects)), ends[:, 0], ends[:, 1] - ends[:, 0], _THICKNESS, PLAIN)
    axes.axvline(1, color=INK.light, linewidth=0.8)
    for place, (effect, (low, high)) in enumerate(zip(effects, ends, strict=True)):
        words = _ends(effect)
        _write(axes, words[0], (low, place), "data", (-3, 0), "right")
        _write(axes, words[1], (high, place), "data", (3, 0), "left")
        _write(axes, times(effect.ratio), (1, place), "axes", (4, 0), "left")
    axes.set_ylim(len(effects) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _ends(effect: Effect) -> tuple[str, str]:
    """The values at the lower and at the upper end of a bar; none where they do not differ."""
    if effect.best == NOTHING:
        return "", ""
    best, worst = cut(effect.best, _LONGEST_VALUE), cut(effect.worst, _LONGEST_VALUE)
    return (best, worst) if effect.at_best <= effect.at_worst else (worst, best)


def _write(
    axes: Axes, text: str, place: tuple[float, float], side: str, shift: tuple[float, float], align: Any
) -> None:
    transform = axes.transData if side == "data" else axes.get_yaxis_transform()
    axes.annotate(
        text,
        place,
        xycoords=transform,
        xytext=shift,
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=_SMALL_POINTS,
        color=INK.light if side == "axes" else FAINT.light,
    )


def _scale(axes: Axes, ends: np.ndarray[Any, Any], characters: int) -> None:
    """Logarithmic, with room for texts of so many characters at both ends of the longest bar."""
    from matplotlib.ticker import FixedLocator, NullLocator  # noqa: PLC0415

    low, high = float(ends.min()), float(ends.max())
    share = min(0.3, _CHARACTER_SHARE * (characters + 1))
    extent = max(np.log(high / low), 0.02)
    margin = extent * share / (1 - 2 * share)
    axes.set_xscale("log")
    axes.set_xlim(low * np.exp(-margin), high * np.exp(margin))
    axes.xaxis.set_major_locator(FixedLocator(_ticks(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")


def _ticks(low: float, high: float) -> list[float]:
    """Round ratios, 1 among them."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    if high / low < _NARROW:
        return [float(tick) for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    steps = _FINE if high / low < _WIDE else _COARSE if high / low < _WIDEST else (1.0,)
    return [step * 10**decade for decade in range(-12, 13) for step in steps]


def _alt(effects: Effects, names: Mapping[str, str]) -> str:
    return " ".join(
        f"{said(objective.figure)}: "
        + "; ".join(f"{names[one.setting]} {_words(one)}" for one in of_settings.values())
        + "."
        for objective, of_settings in effects.items()
        if of_settings
    )


def _words(effect: Effect) -> str:
    if not effect.is_known:
        return "cannot be told"
    ends = "" if effect.best == NOTHING else f", best at {effect.best}, worst at {effect.worst}"
    return f"{times(effect.ratio)}{ends}"


def _data(effects: Effects) -> Mapping[str, Sequence[Any]]:
    every = [(objective, one) for objective, found in effects.items() for one in found.values()]
    return {
        "objective": [str(objective) for objective, _ in every],
        "setting": [one.setting for _, one in every],
        "effect": [one.ratio if one.is_known else None for _, one in every],
        "best_at": [one.best for _, one in every],
        "worst_at": [one.worst for _, one in every],
        "at_best_over_mean": [one.at_best if one.is_known else None for _, one in every],
        "at_worst_over_mean": [one.at_worst if one.is_known else None for _, one in every],
    }
