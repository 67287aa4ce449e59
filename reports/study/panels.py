"""The figure of a study's settings: one objective over the values of every setting that is varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.language import POINTS
from reports.study.axes import figure_ticks, legend, panels, scale, setting_ticks
from reports.study.colours import EXCLUDED, PLAIN
from reports.study.crowds import is_crowd, unswapped
from reports.study.effects import main_effects
from reports.study.labels import axis_unit, excluded_text, limit_text, short_names
from reports.study.levels import Levels, levels
from reports.study.points import Mask, Values, allowed, cut_text, drawn_workloads, values_of
from reports.study.summaries import Summary, summaries
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

_PANEL_INCHES = 2.2
_MOST_COLUMNS = 4
_MOST_PANELS = 24  # of all workloads together, but
_LEAST_PANELS = 4  # of each as many
_MANY = 300  # points, from which dots are small
_MEDIAN: dict[str, Any] = {"color": POINTS["median"].light, "linewidth": 1.4, "marker": "s", "markersize": 4}
_BEST: dict[str, Any] = {"color": POINTS["best"].light, "linewidth": 1.4, "marker": "o", "markersize": 4}


def shown_settings(done: DataFrame, varied: Sequence[str], objective: Objective) -> list[str]:
    """The settings that have panels: those with two values or more, the largest effect first."""
    most = max(_LEAST_PANELS, _MOST_PANELS // max(1, len(drawn_workloads(done))))
    return [effect.setting for effect in main_effects(done, varied, objective)][:most]


@dataclass(frozen=True)
class _Points:
    """The points of a study. figures: the first objective of each.

    permitted: those that meet the constraints.
    """

    done: DataFrame
    objectives: Sequence[Objective]
    figures: Values
    permitted: Mask


def draw_effects(
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Figure | None:
    """A panel for every setting that is varied and every workload, None where no setting has two values.

    done: the rows that are done. objectives: the first is drawn, the others break ties of the best. Points
    that break a constraint are grey; the median is over all points, the best over those that meet the
    constraints.
    """
    settings = [levels(done, name) for name in shown_settings(done, varied, objectives[0])]
    if not settings:
        return None
    points = _Points(done, objectives, values_of(done, objectives[0].figure), allowed(done, constraints))
    of_workloads = drawn_workloads(done)
    grid = panels(len(of_workloads), len(settings), _MOST_COLUMNS, _PANEL_INCHES)
    names = short_names(varied)
    for (name, mine), block in zip(of_workloads.items(), grid.blocks, strict=True):
        for place, (axes, of_setting) in enumerate(zip(block, settings, strict=True)):
            _panel(axes, points, mine, of_setting, place % grid.columns == 0)
            axes.set_xlabel(names[of_setting.setting])
        block[0].set_title(name, loc="left")
    if cut := cut_text(done):
        grid.figure.suptitle(cut)
    _legend(grid.figure, points, constraints)
    return grid.figure


def _panel(axes: Axes, points: _Points, mine: Mask, of_setting: Levels, label_y: bool) -> None:
    setting_ticks(axes, of_setting)
    figures = points.figures[mine]
    scale(axes, "y", figures)
    unit = axis_unit(points.objectives[0].figure, figures)
    figure_ticks(axes, "y", unit)
    axes.set_ylabel(unit.label if label_y else "")
    # The panels of a workload share their y axis.
    axes.tick_params(axis="y", labelleft=label_y)
    axes.grid(True, axis="both")
    _dots(axes, points, mine, of_setting.places)
    found = summaries(points.done, of_setting, points.objectives, mine, points.permitted)
    # Of single points the median and the best are the same.
    if any(one.points > 1 for one in found):
        _line(axes, found, [one.median for one in found], of_setting, "median", _MEDIAN)
    _line(axes, found, [one.best for one in found], of_setting, "best", _BEST)


def _dots(axes: Axes, points: _Points, mine: Mask, places: Values) -> None:
    few = mine.sum() <= _MANY
    style: dict[str, Any] = {
        "s": 10 if few else 5,
        "linewidths": 0,
        "rasterized": is_crowd(len(mine)),
        "zorder": 1,
    }
    for gid, chosen, colour, alpha in (
        ("excluded", mine & ~points.permitted, EXCLUDED, 0.5),
        ("points", mine & points.permitted, PLAIN, 0.35 if few else 0.15),
    ):
        axes.scatter(places[chosen], points.figures[chosen], color=colour, alpha=alpha, gid=gid, **style)


def _line(
    axes: Axes, found: Sequence[Summary], values: Sequence[float], of_setting: Levels, gid: str, style: Any
) -> None:
    """A line over the levels; choices have no order, so nothing joins theirs."""
    joined = "-" if of_setting.is_numeric else ""
    centres = [one.centre for one in found]
    axes.plot(np.array(centres), np.array(values), linestyle=joined, gid=gid, zorder=3, **style)


def _legend(figure: Figure, points: _Points, constraints: Sequence[Constraint]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    dot: Any = {"linestyle": "", "marker": "o", "markersize": 3.5}
    plain, excluded = (unswapped(one) if is_crowd(len(points.done)) else one for one in (PLAIN, EXCLUDED))
    handles = [Line2D([], [], label="a point", color=plain, alpha=0.6, **dot)]
    if not points.permitted.all():
        handles.append(Line2D([], [], label=excluded_text(constraints), color=excluded, **dot))
    if any(line.get_gid() == "median" for axes in figure.axes for line in axes.lines):
        handles.append(Line2D([], [], label="median of all points", **_MEDIAN))
    best = "best that meets the constraints" if len(constraints) > 1 else "best" + _where(constraints)
    handles.append(Line2D([], [], label=best, **_BEST))
    legend(figure, handles)


def _where(constraints: Sequence[Constraint]) -> str:
    return f" where {limit_text(constraints[0])}" if constraints else ""
