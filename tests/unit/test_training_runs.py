"""Are the training runs that come with the package whole, and do they show what is said of them?"""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from workloads.catalog import load_network
from workloads.sparsity.training_runs import NETWORKS, RATES, TrainingRun, run_name, training_runs

DATA = resources.files("workloads") / "data"
MOST_BYTES = 8 << 20
EVERY = [run for network in NETWORKS for run in training_runs(*network)]


def convolutions(run: TrainingRun) -> list[str]:
    return [name for name in run.layers if not name.startswith(("fc", "classifier"))]


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run_name(run.network, run.size, run.pruning))
def test_a_run_is_whole(run: TrainingRun) -> None:
    steps = run.recorded_steps
    assert steps[-1] == run.steps and len(steps) >= 30
    assert {len(run.loss), len(run.accuracy)} == {len(steps)}
    for history in run.layers.values():
        for densities in (history.input, history.grad_output, history.grad_input_mask):
            assert len(densities) == len(steps)
            assert all(value is None or 0 <= value <= 1 for value in densities)
    dataset = "imagenet" if run.size == 224 else "cifar10"
    assert list(run.layers) == [node.name for node in load_network(run.network, dataset).convolutions()]


@pytest.mark.parametrize("run", EVERY, ids=lambda run: run_name(run.network, run.size, run.pruning))
def test_a_run_learned_something(run: TrainingRun) -> None:
    """Forty classes: guessing is right once in forty."""
    assert run.final_accuracy > 4 / 40
    assert run.loss[-1] < 0.75 * run.loss[0]


@pytest.mark.parametrize(("network", "size"), NETWORKS)
def test_gradients_are_sparser_the_more_is_pruned(network: str, size: int) -> None:
    runs = training_runs(network, size)
    assert [run.pruning for run in runs] == list(RATES)
    for name in convolutions(runs[0]):
        left = [run.grad_output_density(name) for run in runs]
        assert left == sorted(left, reverse=True), name


@pytest.mark.parametrize("size", [32, 224])
def test_batch_norm_leaves_no_natural_zeros_and_pruning_many(size: int) -> None:
    plain, *pruned = training_runs("resnet18", size)
    assert all(plain.grad_output_density(name) == pytest.approx(1, abs=2e-3) for name in convolutions(plain))
    for run in pruned:
        left = np.array([run.grad_output_density(name) for name in convolutions(run)])
        # Fewer than of a normal distribution (sparsity.md), since gradients have heavier tails. More than
        # 1 - p all the same, but in the stem at 224, whose pool leaves most positions next to nothing.
        assert left.max() < {0.7: 0.62, 0.9: 0.46, 0.99: 0.31}[run.pruning]
        assert left[1:].min() > 0.95 * (1 - run.pruning)


def test_all_that_comes_with_the_package_is_small() -> None:
    files = [file for folder in ("training", "traces") for file in (DATA / folder).iterdir()]
    assert sum(len(file.read_bytes()) for file in files) <= MOST_BYTES
    names = {run_name(network, size, rate) for network, size in NETWORKS for rate in RATES}
    assert {file.name for file in files} == {f"{name}{end}" for name in names for end in (".json", ".npz")}
