"""Densities over the depth of the network, beside what others recorded on ImageNet and published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.figures.drawing import Drawing
from reports.language import DENSITY_WORDS, FAINT, PUBLISHED
from reports.published import RECALLED_DENSITIES
from reports.training.frame import columns, legend, rate_colour, rate_word, runs_by_network
from reports.training.over_time import OPERANDS, convolutions
from workloads.sparsity.records import activation_record
from workloads.sparsity.training_runs import NETWORKS, TrainingRun
from workloads.sparsity.transfer_plain import convolution_row
from workloads.sparsity.transfer_resnet import rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT_INCHES = 5.0
_OTHERS = {"alexnet": ("vgg16_imagenet", "VGG-16"), "resnet18": ("resnet34_imagenet", "ResNet-34")}
"""Activations on ImageNet of the network that is most alike."""
_VGG_CONVOLUTIONS = 13


def depth_figure() -> Drawing:
    """A panel per network and operand: mean over the run by layer, a line per pruning rate."""
    figure, panels = columns(len(OPERANDS), _HEIGHT_INCHES)
    for column, runs in zip(panels, runs_by_network(), strict=True):
        for axes, operand in zip(column, OPERANDS, strict=True):
            for run in runs:
                _line(axes, run, operand)
            axes.set_ylim(0, 1.03)
        _draw_imagenet(column[0], runs[0].network)
        _draw_published(column[1], runs[0])
        column[-1].set_xlabel("depth: first to last convolution")
    for axes, operand in zip(panels[0], OPERANDS, strict=True):
        axes.set_ylabel(f"density of {DENSITY_WORDS[operand]}")
    legend(figure, [axes for column in panels for axes in column], "Densities over depth")
    everything = [run for of_network in runs_by_network() for run in of_network]
    return Drawing(
        stem="density-over-depth",
        title="Densities over depth",
        lead="Means over the run, by convolution. Grey: activations of another network trained on ImageNet.",
        alt="Lines of the densities of I and dO by layer for every pruning rate, ImageNet's beside them.",
        figure=figure,
        data=_data(everything),
    )


def _means(run: TrainingRun, operand: str) -> tuple[list[float], list[float]]:
    names = convolutions(run)
    mean = run.input_density if operand == "input" else run.grad_output_density
    return _depths(len(names)), [mean(name) for name in names]


def _depths(count: int) -> list[float]:
    """Of the second to the last of count + 1 convolutions."""
    return [(place + 1) / count for place in range(count)]


def _line(axes: Axes, run: TrainingRun, operand: str) -> None:
    depths, densities = _means(run, operand)
    colour = rate_colour(run.pruning)
    axes.plot(depths, densities, color=colour, marker="o", markersize=2.5, label=rate_word(run.pruning))


def _draw_imagenet(axes: Axes, network: str) -> None:
    record, word = _OTHERS[network]
    found = activation_record(record).densities
    vgg = record.startswith("vgg")
    names = [convolution_row(i) for i in range(1, _VGG_CONVOLUTIONS)] if vgg else list(rows(found))
    densities = [found[name] for name in names]
    label = f"ImageNet: {word}"
    style = "--" if network == "alexnet" else "-"
    axes.plot(
        _depths(len(densities)), densities, color=FAINT.light, linewidth=0.9, linestyle=style, label=label
    )


def _draw_published(axes: Axes, run: TrainingRun) -> None:
    dataset = "cifar10" if run.size == NETWORKS[0][1] else "imagenet"
    recalled = RECALLED_DENSITIES[run.network, dataset]
    label = "published at p = 0.9, average, as recalled"
    axes.axhline(recalled, color=PUBLISHED.light, linestyle="--", linewidth=1, label=label)


def _data(runs: list[TrainingRun]) -> dict[str, list[Any]]:
    rows = [
        (run.network, run.size, run.pruning, name, run.input_density(name), run.grad_output_density(name))
        for run in runs
        for name in run.layers
    ]
    names = ("network", "size", "pruning", "layer", "input_density", "grad_output_density")
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
