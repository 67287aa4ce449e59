"""The figure of a study's objectives against each other, with Pareto fronts and limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.language import FAINT, INK, PAPER, POINTS, step_colours
from reports.study.axes import Panels, bar_ticks, figure_ticks, legend, near, panels, scale
from reports.study.colours import EXCLUDED, PLAIN, Colours, colours
from reports.study.crowds import is_crowd, unswapped
from reports.study.effects import main_effects
from reports.study.labels import Unit, axis_unit, excluded_text, limit_text, short_names
from reports.study.points import Mask, Values, allowed, cut_text, drawn_workloads, on_front, values_of
from reports.study.ranking import shown_objectives
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from pandas import DataFrame

_PANEL_INCHES = 2.6
_MOST_COLUMNS = 3
_MANY = 300  # points, from which dots are small
_MOST_LABELS = 15  # points of a front, up to which each gets its row number, and
_FEW_LABELS = 6  # where there are more objectives: the rings of their front stand close to the labels
_LABEL_POINTS = (4.4, 8.0)  # width of a character and height of a row number, in points
_LIMIT: dict[str, Any] = {"color": POINTS["limit"].light, "linewidth": 1.2, "linestyle": (0, (5, 2))}
_SHADE: dict[str, Any] = {"facecolor": POINTS["limit"].light, "alpha": 0.07, "linewidth": 0, "zorder": 0}
_FRONT: dict[str, Any] = {"color": INK.light, "linewidth": 1.2}
_RING: dict[str, Any] = {"facecolors": "none", "edgecolors": INK.light, "linewidths": 0.6}


@dataclass(frozen=True)
class _Points:
    """The points of a study and how they are drawn.

    permitted: those that meet the constraints. most_labels: points of a front, up to which they get theirs.
    """

    done: DataFrame
    permitted: Mask
    constraints: Sequence[Constraint]
    colours: Colours | None
    most_labels: int

    def figure(self, name: str) -> Values:
        return values_of(self.done, name)

    def limits_of(self, figure: str) -> list[Constraint]:
        return [constraint for constraint in self.constraints if constraint.figure == figure]


def draw_pareto(
    done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> Figure:
    """A panel for every pair of objectives and every workload.

    done: the rows that are done, one at least. Points that break a constraint are grey, the others coloured
    by the numeric setting with the largest effect on the first objective.
    """
    chosen = colours(done, main_effects(done, varied, objectives[0]))
    axes_show = shown_objectives(done, objectives)
    most_labels = _MOST_LABELS if len(axes_show) == 2 else _FEW_LABELS
    points = _Points(done, allowed(done, constraints), constraints, chosen, most_labels)
    pairs = list(combinations(axes_show, 2))
    of_workloads = drawn_workloads(done)
    grid = panels(len(of_workloads), len(pairs), _MOST_COLUMNS, _PANEL_INCHES)
    for (name, mine), block in zip(of_workloads.items(), grid.blocks, strict=True):
        ringed = on_front(done, axes_show, mine & points.permitted)
        for axes, pair in zip(block, pairs, strict=True):
            _panel(axes, points, mine, pair, ringed, grid.columns == _MOST_COLUMNS)
        block[0].set_title(name, loc="left")
    if cut := cut_text(done):
        grid.figure.suptitle(cut)
    _legend(grid, points, varied, len(axes_show))
    return grid.figure


def _panel(
    axes: Axes,
    points: _Points,
    mine: Mask,
    pair: tuple[Objective, Objective],
    ringed: Mask,
    narrow: bool,
) -> None:
    x, y = pair
    across, up = points.figure(x.figure), points.figure(y.figure)
    units = [_side(axes, side, points, mine, one, narrow) for side, one in (("x", x), ("y", y))]
    axes.set(xlabel=units[0].label, ylabel=units[1].label)
    axes.grid(True, axis="both")
    _dots(axes, across, up, points, mine)
    _limits(axes, points, mine, pair)
    axes.scatter(across[ringed], up[ringed], s=_size(mine) + 4, gid="front", zorder=4, **_RING)
    members = np.flatnonzero(on_front(points.done, pair, mine & points.permitted))
    if members.size:
        order = members[np.argsort(across[members], kind="stable")]
        # To the next point of the front nothing is better than this one, from the side that is minimised.
        drawstyle: Any = "steps-post" if x.goal == "minimize" else "steps-pre"
        axes.plot(across[order], up[order], drawstyle=drawstyle, zorder=3, gid="step", **_FRONT)
        if len(order) <= points.most_labels:
            _label(axes, points.done["row"].to_numpy()[order], across[order], up[order], pair)


def _side(axes: Axes, side: Any, points: _Points, mine: Mask, objective: Objective, narrow: bool) -> Unit:
    values = points.figure(objective.figure)[mine]
    scale(axes, side, values, [limit.bound for limit in points.limits_of(objective.figure)])
    unit = axis_unit(objective.figure, values)
    figure_ticks(axes, side, unit, crowded=narrow and side == "x")
    return unit


def _size(mine: Mask) -> float:
    return 18.0 if mine.sum() <= _MANY else 7.0


def _dots(axes: Axes, across: Values, up: Values, points: _Points, mine: Mask) -> None:
    drawable = mine & np.isfinite(across) & np.isfinite(up)
    few = mine.sum() <= _MANY
    style: dict[str, Any] = {"s": _size(mine), "linewidths": 0, "rasterized": is_crowd(len(mine))}
    grey, coloured = drawable & ~points.permitted, drawable & points.permitted
    axes.scatter(
        across[grey], up[grey], color=EXCLUDED, gid="excluded", alpha=0.8 if few else 0.5, zorder=1, **style
    )
    shown = points.colours.of_point[coloured] if points.colours else PLAIN
    axes.scatter(
        across[coloured], up[coloured], c=shown, gid="points", alpha=0.9 if few else 0.6, zorder=2, **style
    )


def _limits(axes: Axes, points: _Points, mine: Mask, pair: Iterable[Objective]) -> None:
    """A line at the bound of every constraint on the panel's figures, what it excludes shaded."""
    for side, objective in zip("xy", pair, strict=True):
        for limit in points.limits_of(objective.figure):
            if near(limit.bound, points.figure(objective.figure)[mine]):
                _limit(axes, side, limit)


def _limit(axes: Axes, side: str, limit: Constraint) -> None:
    line, span = (axes.axvline, axes.axvspan) if side == "x" else (axes.axhline, axes.axhspan)
    ends = getattr(axes, f"get_{side}lim")()
    line(limit.bound, label=_key(limit), gid="limit", zorder=2.5, **_LIMIT)
    # Not beyond the axis: 0 has no place on a logarithmic one.
    span(limit.bound, ends[1] if limit.relation == "<=" else ends[0], gid="shade", **_SHADE)
    axes.set(**{f"{side}lim": ends})


def _label(
    axes: Axes, rows: NDArray[Any], across: Values, up: Values, pair: tuple[Objective, Objective]
) -> None:
    """Row numbers on the side of the ideal corner, where no other point is; those without room left out."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    left, below = (objective.goal == "minimize" for objective in pair)
    # Near enough: the panels get their final places later.
    in_points = axes.transData.transform(np.column_stack([across, up])) * 72 / axes.figure.dpi
    taken: list[tuple[float, float, float]] = []
    for row, place, x, y in zip(rows, in_points, across, up, strict=True):
        box = (float(place[0]), float(place[1]), _LABEL_POINTS[0] * len(str(row)))
        if all(_apart(box, other) for other in taken):
            taken.append(box)
            axes.annotate(
                str(row),
                (x, y),
                xytext=(-3 if left else 3, -3 if below else 3),
                textcoords="offset points",
                ha="right" if left else "left",
                va="top" if below else "bottom",
                fontsize=6.5,
                # Not that of ink: with a rim, letters are paths, which the page knows by their colour.
                color=FAINT.light,
                path_effects=[withStroke(linewidth=1.5, foreground=PAPER.light)],
                zorder=5,
            )


def _apart(box: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return abs(box[0] - other[0]) > max(box[2], other[2]) or abs(box[1] - other[1]) > _LABEL_POINTS[1]


def _legend(grid: Panels, points: _Points, varied: Sequence[str], objectives: int) -> None:
    handles = []
    crowd = is_crowd(len(points.done))
    if points.colours and points.permitted.any():
        name = short_names(varied)[points.colours.setting]
        legend_of = points.colours.legend
        handles += [_mark(f"{name} = {label}", colour, crowd) for label, colour in legend_of.items()]
        if points.colours.norm:
            _colour_bar(grid, points.colours, name, crowd)
    if not points.permitted.all():
        handles.append(_mark(excluded_text(points.constraints), EXCLUDED, crowd))
    if any(line.get_gid() == "step" for axes in grid.every for line in axes.lines):
        handles += _front_marks(objectives)
    handles += _limit_marks(grid, points.constraints)
    legend(grid.figure, handles)


def _mark(label: str, colour: Any, crowd: bool) -> Line2D:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    colour = unswapped(colour) if crowd else colour
    return Line2D([], [], label=label, linestyle="", marker="o", markersize=4.5, color=colour)


def _front_marks(objectives: int) -> list[Line2D]:
    from matplotlib.lines import Line2D  # noqa: PLC0415

    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markersize": 5.5, "color": INK.light}
    if objectives == 2:
        return [Line2D([], [], label="Pareto front", linewidth=1.0, **ring)]
    return [
        Line2D([], [], label="Pareto front of the two axes", **_FRONT),
        Line2D([], [], label=f"Pareto front of all {objectives}", linestyle="", **ring),
    ]


def _limit_marks(grid: Panels, constraints: Iterable[Constraint]) -> list[Line2D]:
    """An entry for every constraint that is drawn in a panel."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    drawn = {line.get_label() for axes in grid.every for line in axes.lines}
    return [
        Line2D([], [], label=limit_text(limit), **_LIMIT) for limit in constraints if _key(limit) in drawn
    ]


def _key(limit: Constraint) -> str:
    # Labels beginning with "_" are in no legend.
    return f"_{limit}"


def _colour_bar(grid: Panels, chosen: Colours, name: str, crowd: bool) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415

    # Two rows of panels high, at the top of those that are more.
    style: dict[str, Any] = {
        "aspect": 30,
        "pad": 0.02,
        "shrink": min(1.0, 2 / grid.rows),
        "anchor": (0.0, 1.0),
    }
    bar = grid.figure.colorbar(
        ScalarMappable(chosen.norm, step_colours()), ax=grid.every, label=name, **style
    )
    bar_ticks(bar.ax)
    if crowd and bar.solids is not None:
        bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)
