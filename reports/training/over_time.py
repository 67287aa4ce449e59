"""Densities of I and dO over the steps of the runs: the convolution in the middle, and half of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.drawing import Drawing
from reports.language import DENSITY_WORDS
from reports.training.frame import columns, legend, rate_colour, rate_word, runs_by_network
from workloads.sparsity.training_runs import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT_INCHES = 4.6
OPERANDS = ("input", "grad_output")


def time_figure() -> Drawing:
    """A panel per network and operand, a line per pruning rate."""
    figure, panels = columns(len(OPERANDS), _HEIGHT_INCHES)
    for column, runs in zip(panels, runs_by_network(), strict=True):
        for axes, operand in zip(column, OPERANDS, strict=True):
            for run in runs:
                _line(axes, run, operand)
            axes.set_ylim(0, 1.03)
        column[-1].set_xlabel("step")
    for axes, operand in zip(panels[0], OPERANDS, strict=True):
        axes.set_ylabel(f"density of {DENSITY_WORDS[operand]}")
    legend(figure, panels[0], "Densities while training")
    everything = [run for of_network in runs_by_network() for run in of_network]
    return Drawing(
        stem="training-densities",
        title="Densities while training",
        lead="The median of the convolutions that can have zeros; the band holds half of them (quartiles).",
        alt="Lines of the densities of I and dO over the steps for every pruning rate; they settle early.",
        figure=figure,
        data=_data(everything),
    )


def convolutions(run: TrainingRun) -> list[str]:
    """Convolutions but the first, whose I is the image, and those that read the I of another one."""
    others = ("fc", "classifier.", "downsample")
    return [name for name in run.layers if not any(other in name for other in others)][1:]


def _quartiles(run: TrainingRun, operand: str) -> NDArray[np.float64]:
    densities = [getattr(run.layers[name], operand) for name in convolutions(run)]
    return np.asarray(np.quantile(np.array(densities), (0.25, 0.5, 0.75), axis=0))


def _line(axes: Axes, run: TrainingRun, operand: str) -> None:
    low, middle, high = _quartiles(run, operand)
    colour = rate_colour(run.pruning)
    axes.fill_between(run.recorded_steps, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.plot(run.recorded_steps, middle, color=colour, label=rate_word(run.pruning))


def _data(runs: list[TrainingRun]) -> dict[str, list[Any]]:
    columns_: dict[str, list[Any]] = {name: [] for name in ("network", "size", "pruning", "step")}
    names = [f"{operand}_{which}" for operand in OPERANDS for which in ("lower", "median", "upper")]
    columns_ |= {name: [] for name in names}
    for run in runs:
        values = np.concatenate([_quartiles(run, operand) for operand in OPERANDS])
        for place, step in enumerate(run.recorded_steps):
            row = (run.network, run.size, run.pruning, step, *values[:, place].tolist())
            for name, value in zip(columns_, row, strict=True):
                columns_[name].append(value)
    return columns_
