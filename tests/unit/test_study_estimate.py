"""The time that is announced: are the simulations counted that will be run, and is what was measured used?"""

from __future__ import annotations

from pathlib import Path

import pytest

from sparsesim.results.folder import RUNS
from sparsesim.study import estimate
from sparsesim.study.definition import Definition, define
from sparsesim.study.estimate import worker_seconds
from sparsesim.study.flags import Flags
from sparsesim.study.plan import Plan
from sparsesim.study.prepared import prepare
from sparsesim.study.session import begin
from sparsesim.study.store import Done
from tests.builders_points import definition
from tests.builders_results import small_trace

ALEXNET = {"networks": "alexnet", "datasets": "cifar10"}


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation takes a second, whatever it is of, and evaluating it nothing."""
    monkeypatch.setattr(estimate, "_size", lambda workload: (1, 0))
    monkeypatch.setattr(estimate, "SECONDS_PER_STAGE", 1.0)
    monkeypatch.setattr(estimate, "SECONDS_PER_EVALUATION", 0.0)


def distinct(study: Definition) -> int:
    """Simulations of all points of a plan, each once."""
    return len({one.key for point in Plan(study) for one in prepare(point).simulations})


@pytest.mark.parametrize(
    ("vary", "fixed"),
    [
        (("groups=14,28",), ALEXNET),
        (("groups=14,28", "prune=0.5,0.7,0.9"), ALEXNET),
        (("prune=0.5,0.9", "seed=0,1,2", "energy.wire.transfer=1,2"), ALEXNET),
        (("samples=1,2,3", "groups=14,28", "energy.sram.leak=1,2", "operand_format=int16,bf16"), ALEXNET),
        (("batch=8,16", "mask_skipping=true,false", "prune=0.5,0.9"), ALEXNET),
        (("density_input=0.1,0.2,0.3", "density_grad_output=0.5,1", "groups=7,14"), ALEXNET),
        (("prune=0.5,0.9",), {"networks": "alexnet,vgg16", "datasets": "cifar10,cifar100"}),
        (("kind=ddr4,hbm2",), {**ALEXNET, "overrides": ("latency_ns=50", "bandwidth_gbytes_per_second=20")}),
        (("kind=ddr4,hbm2",), ALEXNET),
    ],
)  # fmt: skip
def test_the_simulations_of_a_grid_are_counted_as_they_will_be_shared(
    vary: tuple[str, ...], fixed: dict[str, str], counting: None
) -> None:
    study = define(None, Flags(vary=vary, **fixed))  # type: ignore[arg-type]
    assert worker_seconds(Plan(study), None) == pytest.approx(distinct(study))


@pytest.mark.parametrize(
    "vary",
    [
        ("groups=7,14",),
        ("samples=1,2", "mask_skipping=true,false"),
        ("energy.wire.transfer=1,2", "groups=7,14"),
    ],
)
def test_a_trace_has_one_run_beside_the_dense_one(
    vary: tuple[str, ...], tmp_path: Path, counting: None
) -> None:
    study = definition(small_trace(tmp_path / "t.npz"), *vary)
    assert worker_seconds(Plan(study), None) == pytest.approx(distinct(study))


def test_a_rate_of_nothing_costs_at_most_one_run_too_many(counting: None) -> None:
    study = define(None, Flags(vary=("prune=0,0.7,0.9", "groups=14,28"), **ALEXNET))
    assert worker_seconds(Plan(study), None) == distinct(study) + 2


def test_a_list_of_points_is_taken_to_share_nothing(tmp_path: Path, counting: None) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("network: alexnet\ndataset: cifar10\npoints: [{groups: 14}, {groups: 14, prune: 0.5}]\n")
    study = define(path)
    assert distinct(study) == 4
    assert worker_seconds(Plan(study), None) == 6


def test_more_work_takes_longer_in_the_proportion_of_its_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "SECONDS_PER_STAGE", 0.0)
    monkeypatch.setattr(estimate, "SECONDS_PER_EVALUATION", 0.0)

    def seconds(networks: str, dataset: str, samples: int) -> float:
        flags = Flags(vary=("density_input=0.5",), networks=networks, datasets=dataset, samples=samples)
        return worker_seconds(Plan(define(None, flags)), None)

    one = seconds("resnet18", "imagenet", 1)
    # One dense sample stands for all: 1 + 1 runs of a sample become 1 + 3.
    assert seconds("resnet18", "imagenet", 3) == pytest.approx(2 * one)
    assert seconds("resnet34", "imagenet", 1) / one == pytest.approx(3.66 / 1.81, rel=0.05)
    both = seconds("resnet18,resnet34", "imagenet", 1)
    assert both == pytest.approx(one + seconds("resnet34", "imagenet", 1))


def stored(folder: Path, study: Definition, seconds: list[float]) -> None:
    """Rows of the study's first points that took so long."""
    with begin(folder, study, []) as writer:
        writer.put(
            [
                Done(
                    key=str(point.index), settings=point.settings, figures={}, runs=(), machine="", energy="",
                    seconds=took,
                )
                for point, took in zip(Plan(study), seconds, strict=False)
            ]
        )  # fmt: skip


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "LEAST_MEASURED", 2)


def test_the_first_rows_are_not_believed(tmp_path: Path) -> None:
    """They pay for what later ones share."""
    study = define(None, Flags(vary=("groups=7,14,28,56",), networks="alexnet", datasets="cifar10"))
    stored(tmp_path / "s", study, [300.0, 500.0])
    with begin(tmp_path / "s", study, []) as writer:
        assert worker_seconds(Plan(study), writer) == worker_seconds(Plan(study), None)


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("fixed", [{"networks": "alexnet"}, ALEXNET, {}], ids=["network", "both", "trace"])
def test_what_was_measured_stands_above_what_was_modelled(fixed: dict[str, str], tmp_path: Path) -> None:
    trace = None if fixed else str(small_trace(tmp_path / "t.npz"))
    study = define(None, Flags(vary=("groups=7,14,28,56",), trace=trace, **fixed))  # type: ignore[arg-type]
    stored(tmp_path / RUNS / "s", study, [3.0, 5.0])
    with begin(tmp_path / RUNS / "s", study, []) as writer:
        assert worker_seconds(Plan(study), writer) == 16.0


@pytest.mark.usefixtures("few_rows")
def test_a_workload_that_was_not_measured_is_modelled(tmp_path: Path) -> None:
    study = define(None, Flags(vary=("groups=7,14",), networks="alexnet,resnet18", datasets="cifar10"))
    alone = define(None, Flags(vary=("groups=7,14",), networks="resnet18", datasets="cifar10"))
    stored(tmp_path / "s", study, [3.0, 5.0])
    with begin(tmp_path / "s", study, []) as writer:
        assert worker_seconds(Plan(study), writer) == pytest.approx(8.0 + worker_seconds(Plan(alone), None))
