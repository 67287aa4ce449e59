"""The training runs behind the profiles: loss, accuracy and densities over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

RATES = (0.0, 0.7, 0.9, 0.99)
"""Target pruning rates of the runs of every network; 0 is the plain run."""

NETWORKS = (("alexnet", 32), ("resnet18", 32), ("resnet18", 224))
"""Networks and rows of their images."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LayerHistory(_Record):
    """Densities of one layer in every recorded step, 0..1; None where it has no GTA."""

    input: tuple[float, ...]
    grad_output: tuple[float, ...]
    grad_input_mask: tuple[float | None, ...]


class TrainingRun(_Record):
    """One run of `workloads/data/record_training.py`.

    size: rows and columns of the images. pruning: target rate p of the gradients, 0 for the plain run.
    labels: what was learned besides the photograph. test_accuracy: by step, on crops that are never trained
    on. loss and accuracy: of the batches, mean since the recorded step before. layers: in forward order, a
    density for every one of recorded_steps, of the whole batch.
    """

    network: str
    size: int
    pruning: float = Field(ge=0, lt=1)
    labels: str
    seed: int
    steps: int
    batch: int
    learning_rate: float
    precision: str
    parameters: int
    pytorch: str
    seconds: int
    test_accuracy: dict[int, float]
    recorded_steps: tuple[int, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    layers: dict[str, LayerHistory]

    @property
    def final_accuracy(self) -> float:
        """On unseen crops after the last step."""
        return self.test_accuracy[max(self.test_accuracy)]

    def input_density(self, layer: str) -> float:
        """Of I, mean over the recorded steps; work is proportional to it."""
        return float(np.mean(self.layers[layer].input))

    def grad_output_density(self, layer: str) -> float:
        """Of dO after pruning, mean over the recorded steps."""
        return float(np.mean(self.layers[layer].grad_output))


def run_name(network: str, size: int, pruning: float) -> str:
    """Stem of the files of a run: alexnet_32_plain, resnet18_224_p0.99."""
    return f"{network}_{size}_{f'p{pruning:g}' if pruning else 'plain'}"


@cache
def training_run(network: str, size: int, pruning: float) -> TrainingRun:
    """A run that comes with the package."""
    file = files("workloads") / "data" / "training" / f"{run_name(network, size, pruning)}.json"
    return TrainingRun.model_validate_json(file.read_text(encoding="utf-8"))


def training_runs(network: str, size: int, rates: Sequence[float] = RATES) -> tuple[TrainingRun, ...]:
    """The runs of a network, by rising pruning rate."""
    return tuple(training_run(network, size, rate) for rate in rates)
