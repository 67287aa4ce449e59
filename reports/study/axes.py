"""Panels and axes of a study's figures: layout, scales, limits and ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reports.figures.rows import WIDTH_INCHES
from reports.study.labels import Unit
from reports.study.levels import Levels
from reports.study.points import Values, is_wide

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Side = Literal["x", "y"]
_MARGIN = 0.12  # of the extent of the data, on either side; row numbers stand there
_NEAR = 0.3  # of it: how far outside the data a bound may lie to be shown
_MOST_TICKS = 8
_CLOSEST_TICKS = 0.09  # of an axis
_LONGEST_TICK = 16  # characters
_TITLE_INCHES = 0.35
_HIGHER_IF_WIDER = 0.35  # power of the width
_LEGEND_ROW_INCHES = 0.17
_MOST_LEGEND_COLUMNS = 5
_LEGEND_MARK_INCHES, _LEGEND_CHARACTER_INCHES = 0.55, 0.065  # an entry's width, its gap included


@dataclass(frozen=True)
class Panels:
    """A figure and its panels, block by block, in rows of `columns`."""

    figure: Figure
    blocks: list[list[Axes]]
    rows: int
    columns: int

    @property
    def every(self) -> list[Axes]:
        return [axes for block in self.blocks for axes in block]


def panels(blocks: int, each: int, most: int, inches: float) -> Panels:
    """`blocks` times `each` panels, at most `most` side by side, over the width of a page.

    inches: height of a panel where there are `most` side by side; wider ones are a little higher. A block
    begins a row of its own; blocks of one panel stand side by side.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    together = each if each > 1 else blocks
    lines = -(-together // most)
    columns = -(-together // lines)
    rows = lines if each == 1 else blocks * lines
    height = inches * (most / columns) ** _HIGHER_IF_WIDER
    figure = Figure(figsize=(WIDTH_INCHES, rows * height + _TITLE_INCHES), layout="constrained")
    grid = figure.add_gridspec(rows, columns)
    stride = 1 if each == 1 else columns * lines
    places = [[block * stride + place for place in range(each)] for block in range(blocks)]
    drawn = [[figure.add_subplot(grid[divmod(place, columns)]) for place in mine] for mine in places]
    return Panels(figure, drawn, rows, columns)


def legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend below all panels, for which the figure grows; as many entries side by side as fit."""
    columns = _legend_columns([len(str(handle.get_label())) for handle in handles], figure.get_figwidth())
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + _LEGEND_ROW_INCHES * rows + 0.1)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, columnspacing=1.5)


def _legend_columns(lengths: Sequence[int], inches: float) -> int:
    """How many columns of entries of so many characters fit; they are filled from top to bottom."""
    for columns in range(min(len(lengths), _MOST_LEGEND_COLUMNS), 1, -1):
        rows = -(-len(lengths) // columns)
        longest = [max(lengths[first : first + rows]) for first in range(0, len(lengths), rows)]
        if sum(_LEGEND_MARK_INCHES + _LEGEND_CHARACTER_INCHES * length for length in longest) <= inches:
            return -(-len(lengths) // rows)
    return 1


def limits(values: Values, logarithmic: bool) -> tuple[float, float]:
    """Where an axis begins and ends: around the finite values, with a margin; around one value, a tenth."""
    shown = values[np.isfinite(values)]
    if not shown.size:
        return (0.1, 1.0) if logarithmic else (0.0, 1.0)
    ends = np.array([shown.min(), shown.max()])
    ends = np.log10(ends) if logarithmic else ends
    extent = float(ends[1] - ends[0])
    margin = _MARGIN * extent or 0.1 * abs(float(ends[0])) or 1.0
    low, high = float(ends[0]) - margin, float(ends[1]) + margin
    return (10**low, 10**high) if logarithmic else (low, high)


def near(bound: float, values: Values) -> bool:
    """Whether a bound lies among the values, or not far outside."""
    logarithmic = is_wide(values)
    shown = values[np.isfinite(values)]
    if not shown.size or (logarithmic and bound <= 0):
        return False
    place = np.log10(bound) if logarithmic else bound
    ends = np.log10([shown.min(), shown.max()]) if logarithmic else np.array([shown.min(), shown.max()])
    reach = _NEAR * (ends[1] - ends[0]) or 0.1 * abs(ends[0])
    return bool(ends[0] - reach <= place <= ends[1] + reach)


def scale(axes: Axes, side: Side, values: Values, bounds: Iterable[float] = ()) -> None:
    """Scale one side of a panel for these values, and for the bounds that are near them."""
    logarithmic = is_wide(values)
    shown = np.concatenate([values, [bound for bound in bounds if near(bound, values)]])
    axes.set(**{f"{side}scale": "log" if logarithmic else "linear", f"{side}lim": limits(shown, logarithmic)})


def figure_ticks(axes: Axes, side: Side, unit: Unit, crowded: bool = False) -> None:
    """Ticks of a side that shows a figure, in its unit; fewer of them where it is crowded."""
    axis = _axis(axes, side)
    _locate(axis, getattr(axes, f"get_{side}lim")(), crowded)
    axis.set_major_formatter(lambda value, _: f"{value / unit.size:g}")


def _axis(axes: Axes, side: Side) -> Axis:
    return axes.xaxis if side == "x" else axes.yaxis


def _locate(axis: Axis, ends: tuple[float, float], crowded: bool = False) -> None:
    """Round numbers; fewer of them where the axis is a short one along which they stand side by side."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator  # noqa: PLC0415

    if axis.get_scale() == "log":
        decades = np.log10(ends[1] / ends[0]) * (1.5 if crowded else 1)
        steps = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0, 3.0) if decades < 4 else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps, numticks=100))
    else:
        axis.set_major_locator(MaxNLocator(4 if crowded else 5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(NullLocator())


def setting_ticks(axes: Axes, levels: Levels) -> None:
    """Scale and ticks of the x axis of a panel that shows a setting: at its values, where they are few."""
    if not levels.is_numeric:
        _choice_ticks(axes, levels.labels)
        return
    scale(axes, "x", levels.places)
    if levels.ranges or len(levels.labels) > _MOST_TICKS:
        _locate(axes.xaxis, axes.get_xlim(), crowded=True)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        return
    _value_ticks(axes, levels)


def _value_ticks(axes: Axes, levels: Levels) -> None:
    from matplotlib.ticker import NullLocator  # noqa: PLC0415

    ends = np.array(axes.get_xlim())
    places = levels.centres
    if axes.get_xscale() == "log":
        ends, places = np.log(ends), np.log(places)
    shares = (places - ends[0]) / (ends[1] - ends[0])
    kept = _apart(shares, levels.labels)
    axes.set_xticks(levels.centres[kept], [levels.labels[place] for place in kept])
    axes.xaxis.set_minor_locator(NullLocator())


def _apart(shares: Values, labels: Sequence[str]) -> list[int]:
    """The ticks that have room, from left to right; a label of more characters needs more."""
    kept: list[int] = []
    for place, share in enumerate(shares):
        needed = _CLOSEST_TICKS * max(1.0, len(labels[place]) / 2.5)
        if not kept or share - shares[kept[-1]] >= needed:
            kept.append(place)
    return kept


def _choice_ticks(axes: Axes, labels: Sequence[str]) -> None:
    shown = [label if len(label) <= _LONGEST_TICK else f"{label[: _LONGEST_TICK - 3]}..." for label in labels]
    crowded = sum(map(len, shown)) > 24
    turned: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(shown)), shown, **turned)
    axes.set_xlim(-0.5, len(shown) - 0.5)


def bar_ticks(axes: Axes) -> None:
    """Plain numbers along a colour bar."""
    _locate(axes.yaxis, axes.get_ylim())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
