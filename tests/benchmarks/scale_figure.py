"""Figure of scale.py: seconds over row operations, and peak memory along every axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.figures.files import picture, settle
from reports.figures.style import house_style
from reports.language import CHOICES, FAINT
from tests.benchmarks.scale import Axis, Point, fits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis

_SIZE_INCHES = (7.2, 3.4)
_MARKERS = "osD^"


def write_figure(found: Sequence[tuple[Axis, Sequence[Point]]], file: Path) -> None:
    """Write the figure as the file's ending says: .svg, .png or .pdf."""
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        time, memory = figure.subplots(1, 2)
        for place, (axis, points) in enumerate(found):
            style = {
                "color": CHOICES[place].light,
                "marker": _MARKERS[place],
                "markersize": 4,
                "linewidth": 1,
            }
            work = [point.row_operations for point in points]
            exponent = fits(points)["seconds over row operations"]
            time.plot(work, [point.seconds for point in points], label=f"{axis.name}: {exponent}", **style)
            peaks = [point.peak_mebibytes for point in points]
            memory.plot([point.place / points[0].place for point in points], peaks, **style)
        _proportional(time, [point for _, points in found for point in points])
        _label(time, "processor seconds", "row operations executed")
        _label(memory, "peak memory, MiB", "times the first of its kind")
        time.loglog()
        memory.semilogx()
        for one in (time.xaxis, time.yaxis, memory.xaxis):
            _plain_ticks(one)
        memory.set_ylim(0, 1.1 * max(point.peak_mebibytes for _, points in found for point in points))
        figure.suptitle("Training steps on ImageNet, one thread; exponents of seconds over row operations")
        figure.legend(loc="outside lower center", ncols=2)
        settle(figure)
        file.write_bytes(picture(figure, file.suffix.removeprefix(".")))


def _proportional(axes: Axes, points: Sequence[Point]) -> None:
    """A line of exponent 1 through the point with the most row operations."""
    last = max(points, key=lambda point: point.row_operations)
    first = min(point.row_operations for point in points)
    times = [last.seconds * first / last.row_operations, last.seconds]
    axes.plot(
        [first, last.row_operations],
        times,
        color=FAINT.light,
        linestyle=":",
        linewidth=1,
        label="proportional",
    )


def _label(axes: Axes, y: str, x: str) -> None:
    axes.set_ylabel(y)
    axes.set_xlabel(x)
    axes.grid(visible=True, axis="both")


def _plain_ticks(axis: XAxis | YAxis) -> None:
    """Numbers as 20M: the house style writes no powers."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(EngFormatter(sep=""))
