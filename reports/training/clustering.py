"""How far recorded zeros are from independent ones: rows without a non-zero, which cost no cycles."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import as_file
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import Drawing
from reports.language import DENSITIES, DENSITY_WORDS, FAINT
from reports.training.frame import columns, legend
from reports.training.over_time import OPERANDS
from workloads.sparsity.masks import BoolArray, density
from workloads.sparsity.records import recorded_trace
from workloads.sparsity.trace import Trace, load_trace
from workloads.sparsity.training_runs import NETWORKS, run_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT_INCHES = 4.6
_RATE = 0.9

Row = tuple[str, str, float, float, float]  # layer, operand, density, empty rows recorded and independent


def clustering_figure() -> Drawing:
    """A panel per network and operand: share of empty rows by layer, recorded and of independent zeros."""
    figure, panels = columns(len(OPERANDS), _HEIGHT_INCHES)
    data: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for (network, size), column in zip(NETWORKS, panels, strict=True):
        rows = list(_rows(run_name(network, size, _RATE)))
        for axes, operand in zip(column, OPERANDS, strict=True):
            _panel(axes, operand, [row for row in rows if row[1] == operand])
        column[-1].set_xlabel("convolution, first to last")
        for row in rows:
            for name, value in zip(_COLUMNS, (network, size, *row), strict=True):
                data[name].append(value)
    for axes, operand in zip(panels[0], OPERANDS, strict=True):
        axes.set_ylabel(f"rows of {DENSITY_WORDS[operand]} without a non-zero")
    title = f"Clustering of zeros, p = {_RATE:g}"
    legend(figure, panels[0], title)
    return Drawing(
        stem="clustering",
        title=title,
        lead="Rows of one channel without a non-zero, recorded and as independent zeros would have them.",
        alt="Recorded masks have many times the empty rows of independent zeros of the same density.",
        figure=figure,
        data=data,
    )


_COLUMNS = ("network", "size", "layer", "operand", "density", "empty_rows", "independent_empty_rows")


def _rows(name: str) -> Iterator[Row]:
    with as_file(recorded_trace(name)) as path:
        trace = load_trace(path)
        for layer in trace.layers:
            if layer.kind == "conv":
                for operand in OPERANDS:
                    yield _row(trace, layer.name, operand)


def _row(trace: Trace, layer: str, operand: str) -> Row:
    masks = trace.all_samples(layer, operand)
    assert masks is not None
    return layer, operand, density(masks), _empty(masks), float((1 - density(masks)) ** masks.shape[-1])


def _empty(masks: BoolArray) -> float:
    return float((~masks.any(axis=-1)).mean())


def _panel(axes: Axes, operand: str, rows: list[Row]) -> None:
    places = range(1, len(rows) + 1)
    recorded, independent = [row[3] for row in rows], [row[4] for row in rows]
    axes.vlines(places, independent, recorded, color=FAINT.light, linewidth=0.8)
    axes.plot(places, recorded, "o", color=DENSITIES[operand].light, markersize=4, label="recorded")
    axes.plot(
        places, independent, "o", mfc="white", color=FAINT.light, markersize=4, label="independent zeros"
    )
    axes.set_ylim(-0.03, 1)
