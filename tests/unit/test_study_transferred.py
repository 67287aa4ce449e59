"""Reports of studies: is it said where sparsity was not recorded on what is simulated?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.figures.style import house_style
from reports.page.of_study import page_of_study
from reports.study.overview import study_overview
from reports.study.transferred import transferred_of_points, transferred_of_settings
from sparsesim.request import Density, Load
from sparsesim.study.definition import define
from sparsesim.study.flags import Flags
from sparsesim.study.session import begin, question_of
from sparsesim.study.store import Done, Place, read_study
from sparsesim.workload import profile_of
from tests.builders_study import CYCLES, HOSTILE, VARIED, study
from tests.unit.test_study_drawings import with_gains
from tests.unit.test_study_page import page
from workloads.catalog import NETWORKS


def source(network: str, dataset: str) -> str | None:
    return profile_of(Load(network, dataset, 32, 1, 0.9, 0, None, None)).transferred_from


@pytest.mark.parametrize("dataset", ["cifar10", "imagenet"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_workload_is_told_as_its_profile_is(network: str, dataset: str) -> None:
    expected = source(network, dataset)
    found = transferred_of_points(study((network,)).assign(dataset=dataset))
    assert found == ({f"{network}, {dataset}": expected} if expected else {})


def test_what_is_not_given_is_the_default() -> None:
    assert transferred_of_settings([{}]) == {"resnet18 on imagenet": source("resnet18", "imagenet")}
    frame = study().drop(columns=["network", "dataset"])
    assert list(transferred_of_points(frame)) == ["all points"]


def test_another_origin_of_the_inputs_is_named_with_its_own_source() -> None:
    """ResNet-18 on CIFAR-10 was recorded, but not with the activations of the ImageNet tables."""
    points = [{"dataset": "cifar10"}, {"dataset": "cifar10", "activations": "imagenet"}]
    found = transferred_of_settings(points)
    assert list(found) == ["resnet18 on cifar10, activations imagenet"]
    assert "resnet34-imagenet" in found["resnet18 on cifar10, activations imagenet"]


@pytest.mark.parametrize("changed", [{"trace": "/a/b.npz"}, {"density_input": 0.5}])
def test_a_trace_and_independent_zeros_are_of_nothing_else(changed: dict[str, Any]) -> None:
    assert (
        profile_of(Load("alexnet", "imagenet", 32, 1, None, 0, None, Density(0.5, 1))).transferred_from
        is None
    )
    assert transferred_of_settings([{"network": "alexnet", "dataset": "imagenet"} | changed]) == {}
    assert transferred_of_points(study(("alexnet",)).assign(dataset="imagenet", **changed)) == {}


def test_names_that_are_no_networks_are_left_alone() -> None:
    assert transferred_of_points(study((HOSTILE,))) == {}


def test_the_page_warns_of_the_workloads_it_holds_for() -> None:
    frame = study(("alexnet", "resnet18"))
    assert page(frame, varied=["network", *VARIED]).warnings == []
    (warning,) = page(frame.assign(dataset="imagenet"), varied=["network", *VARIED]).warnings[:1]
    where = source("alexnet", "imagenet")
    assert warning == f"Sparsity is transferred: not all of it was recorded on alexnet, imagenet: {where}."


def test_a_star_stands_at_these_workloads_in_the_overview() -> None:
    frame = with_gains(study(("alexnet", "resnet18")))
    frame.loc[frame["network"] == "alexnet", "dataset"] = "imagenet"
    with house_style():
        drawing = study_overview(frame, VARIED, [CYCLES], [])
        plain = study_overview(with_gains(study(("alexnet", "resnet18"))), VARIED, [CYCLES], [])
    assert drawing is not None
    assert plain is not None
    labels = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert labels[0].split("\n")[1] == "imagenet *"
    assert "*" not in "".join(labels[1:])
    assert "A star: not all of the sparsity was recorded" in drawing.lead
    legends = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert "* sparsity transferred" in legends
    assert "*" not in "".join(text.get_text() for text in plain.figure.legends[0].get_texts()) + plain.lead


def test_a_search_over_workloads_names_those_its_designs_were_judged_on(tmp_path: Path) -> None:
    definition = define(
        None,
        Flags(networks="alexnet", datasets="imagenet,cifar10", vary=("groups=14,28",), minimize=("cycles",)),
    )
    question = question_of(definition, "trials", 2)
    with begin(tmp_path / "study", definition, ["sparsesim", "explore"], question) as writer:
        for place in range(4):
            settings = {"network": "alexnet", "dataset": ("imagenet", "cifar10")[place % 2]}
            writer.put(
                [
                    Done(
                        key=f"point {place}",
                        settings=settings | {"array.groups": (14, 28)[place // 2]},
                        seconds=1.0,
                        places=(Place("trials", place),),
                        figures={"with_dram_cycles": 1e6 + place, "area_mm2": 1.0},
                        runs=(),
                        machine="{}",
                        energy="{}",
                        simulations=(),
                    )
                ]
            )
    with read_study(tmp_path / "study") as found:
        warnings = page_of_study(found).warnings
    where = source("alexnet", "imagenet")
    assert warnings == [
        f"Sparsity is transferred: not all of it was recorded on alexnet on imagenet: {where}."
    ]
