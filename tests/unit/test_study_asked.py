"""Is what is shown of a study what was asked for last, although it keeps all it ever had?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsesim.study.asked import asked_rows, frame_of_question
from sparsesim.study.definition import Definition, define
from sparsesim.study.flags import Flags
from sparsesim.study.session import begin, last_question, question_of
from sparsesim.study.store import Done, Failed, Place, read_study
from tests.builders_points import definition, sweep, threads_client
from tests.builders_sweeps import trace

ALL_PLACES = "search"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with threads_client() as found:
        yield found


def test_rows_of_values_that_are_no_longer_asked_for_are_not_shown(tmp_path: Path, client: Any) -> None:
    recorded = trace(tmp_path / "t.npz")
    for values in ("groups=14,28", "groups=14,21,42"):
        sweep(tmp_path / "s", definition(recorded, values), client)
    with read_study(tmp_path / "s") as study:
        question = last_question(study)
        assert question is not None
        frame = frame_of_question(study, question)
        assert sum(study.counts()) == 4
    assert sorted(frame["array.groups"]) == [14, 21, 42]
    assert set(frame["status"]) == {"done"}


def test_what_is_asked_again_is_shown_again(tmp_path: Path, client: Any) -> None:
    recorded = trace(tmp_path / "t.npz")
    for values in ("groups=14,28", "groups=21,42", "groups=14,28"):
        landed = sweep(tmp_path / "s", definition(recorded, values), client)
    assert landed == []
    with read_study(tmp_path / "s") as study:
        question = last_question(study)
        assert question is not None
        assert asked_rows(study, question) == {row.row for row in study.rows() if row.row in (1, 2)}
        assert len(frame_of_question(study, question)) == 2


def _search(folder: Path, networks: str) -> Definition:
    """A search of three designs on one or two networks, of which the second is not finished on all."""
    study = define(None, Flags(vary=("groups=14,28,56",), networks=networks, datasets="cifar10"))
    workloads = len(networks.split(","))
    question = question_of(study, ALL_PLACES, workloads)
    with begin(folder, study, [], question) as writer:
        for number, groups in enumerate((14, 28, 56)):
            for workload, network in enumerate(networks.split(",")):
                if (number, workload) != (1, workloads - 1):
                    writer.put([_entry(number * workloads + workload, network, groups)])
    return study


def _entry(place: int, network: str, groups: int) -> Done | Failed:
    settings = {"network": network, "dataset": "cifar10", "array.groups": groups}
    places = (Place(ALL_PLACES, place),)
    if groups == 56 and network == "alexnet":
        return Failed(str(place), settings, "UserError", "does not fit", "", 0.0, places=places)
    figures = {"with_dram_cycles": 100.0 * groups + place, "with_dram_speedup": 2.0 + place, "area_mm2": 1.5}
    return Done(str(place), settings, figures, (), "{}", "{}", 1.0, places=places)


def test_a_search_is_shown_with_a_row_per_design_judged_on_all_its_workloads(tmp_path: Path) -> None:
    _search(tmp_path / "s", "resnet18,alexnet")
    with read_study(tmp_path / "s") as study:
        question = last_question(study)
        assert question is not None
        frame = frame_of_question(study, question)
    assert list(frame["trial"]) == [0, 2]  # the second has no row of its second workload yet
    assert list(frame["status"]) == ["done", "failed"]
    assert list(frame["array.groups"]) == [14, 56]
    assert list(frame["error"]) == ["", "does not fit"]
    first = frame.iloc[0]
    assert first["with_dram_cycles"] == 1400 + 1401
    assert first["with_dram_speedup"] == pytest.approx((2.0 * 3.0) ** 0.5)
    assert first["area_mm2"] == 1.5
    assert "network" not in frame


def test_a_search_on_one_workload_says_which(tmp_path: Path) -> None:
    _search(tmp_path / "s", "resnet18")
    with read_study(tmp_path / "s") as study:
        question = last_question(study)
        assert question is not None
        frame = frame_of_question(study, question)
    assert set(frame["network"]) == {"resnet18"}
    assert list(frame["array.groups"]) == [14, 56]
