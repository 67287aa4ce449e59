"""Accuracy over the steps, with and without pruning of gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.figures.drawing import Drawing
from reports.training.frame import WORDS, columns, legend, listing, rate_colour, rate_word, runs_by_network
from workloads.sparsity.training_runs import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT_INCHES = 3.0
_CLASSES = 40


def accuracy_figure() -> Drawing:
    """Accuracy on crops that are never trained on, a line per run."""
    figure, panels = columns(1, _HEIGHT_INCHES)
    for (axes,), runs in zip(panels, runs_by_network(), strict=True):
        for run in runs:
            _line(axes, run)
        axes.axhline(1 / _CLASSES, color="#9a9a9a", linestyle=":", label="guessing")
        axes.set_xlabel("step")
        axes.set_ylim(0, 0.5)
    panels[0][0].set_ylabel("accuracy on unseen crops")
    legend(figure, panels[0], "Training with pruned gradients")
    everything = [run for of_network in runs_by_network() for run in of_network]
    return Drawing(
        stem="training-accuracy",
        title="Training with pruned gradients",
        lead="Share of crops from parts of the photographs never trained on that get their label.",
        alt=f"Accuracy after the last step: {listing([_words(run) for run in everything])}.",
        figure=figure,
        data=_data(everything),
    )


def _line(axes: Axes, run: TrainingRun) -> None:
    steps = list(run.test_accuracy)
    axes.plot(
        steps,
        [run.test_accuracy[step] for step in steps],
        color=rate_colour(run.pruning),
        label=rate_word(run.pruning),
    )


def _words(run: TrainingRun) -> str:
    return f"{WORDS[run.network]} {run.size} {rate_word(run.pruning)} {run.final_accuracy:.2f}"


def _data(runs: list[TrainingRun]) -> dict[str, list[Any]]:
    points = [(run, step, share) for run in runs for step, share in run.test_accuracy.items()]
    return {
        "network": [run.network for run, _, _ in points],
        "size": [run.size for run, _, _ in points],
        "pruning": [run.pruning for run, _, _ in points],
        "step": [step for _, step, _ in points],
        "test_accuracy": [share for _, _, share in points],
    }
