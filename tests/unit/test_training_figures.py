"""Do the figures of docs/sparsity.md show the training runs that come with the package?"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from reports.training.__main__ import main
from workloads.sparsity.training_runs import NETWORKS, RATES, training_run, training_runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    main(folder)
    return folder


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_four_figures_with_their_data(folder: Path) -> None:
    stems = {"training-accuracy", "training-densities", "density-over-depth", "clustering"}
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}{end}" for stem in stems for end in (".png", ".csv")
    }
    assert all((folder / f"{stem}.png").stat().st_size > 10_000 for stem in stems)


def test_the_last_accuracies_are_those_of_the_runs(folder: Path) -> None:
    last = {(r["network"], int(r["size"]), float(r["pruning"])): float(r["test_accuracy"])
            for r in read(folder / "training-accuracy.csv")}  # fmt: skip
    assert last == {
        (network, size, rate): training_run(network, size, rate).final_accuracy
        for network, size in NETWORKS
        for rate in RATES
    }


def test_every_layer_of_every_run_is_in_the_densities(folder: Path) -> None:
    found = read(folder / "density-over-depth.csv")
    assert len(found) == sum(len(run.layers) for network in NETWORKS for run in training_runs(*network))
    one = next(r for r in found if (r["size"], r["pruning"], r["layer"]) == ("224", "0.9", "conv1"))
    assert float(one["grad_output_density"]) == training_run("resnet18", 224, 0.9).grad_output_density(
        "conv1"
    )


def test_recorded_zeros_cluster(folder: Path) -> None:
    """More empty rows than independent zeros of the same density would leave, in all sparse layers."""
    sparse = [r for r in read(folder / "clustering.csv") if float(r["density"]) < 1]
    assert len(sparse) > 80
    assert all(float(r["empty_rows"]) > float(r["independent_empty_rows"]) for r in sparse)
