"""A study read back: does the table say of every row what it was simulated with, and nothing else?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

import sparsesim
from sparsesim.machine import export_yaml, load_machine
from sparsesim.study.definition import Definition, define
from sparsesim.study.exploration import Exploration, Trial
from sparsesim.study.figures import FIGURES
from sparsesim.study.flags import Flags
from sparsesim.study.objectives import Objective
from sparsesim.study.point import Point, Scalar
from sparsesim.study.prepared import prepare
from sparsesim.study.session import DEFAULT_OBJECTIVES, begin, last_question, question_of
from sparsesim.study.store import Done, Entry, Failed, read_study
from sparsesim.study.trials import frame_of_trials
from tests.builders_results import small_trace
from workloads.errors import UserError

ALEXNET: dict[str, Scalar] = {"network": "alexnet", "dataset": "cifar10"}
STUDY = define(None, Flags(vary=("groups=14,28",), networks="alexnet", datasets="cifar10"))
Settings = Mapping[str, Scalar]


def done(settings: Settings, **figures: float) -> Done:
    """A row as the runner makes it, but for figures that are made up."""
    prepared = prepare(Point(settings, 0))
    return Done(
        key=prepared.key, settings=settings, figures=figures, runs=(), machine=prepared.machine,
        energy=prepared.energy, seconds=0.5,
    )  # fmt: skip


def failed(settings: Settings) -> Failed:
    return Failed(
        key=str(settings), settings=settings, kind="UserError", error="it is wrong", traceback="", seconds=0.0
    )


def put(folder: Path, *entries: Entry, study: Definition = STUDY) -> None:
    with begin(folder, study, ["a", "test"]) as writer:
        writer.put(entries)


def column(frame: pd.DataFrame, name: str) -> list[object]:
    """The values of a column, None where there is none."""
    return [None if pd.isna(value) else value for value in frame[name]]


def test_rows_settings_figures_and_the_rest_are_the_columns_in_this_order(tmp_path: Path) -> None:
    put(
        tmp_path / "s",
        done({**ALEXNET, "array.groups": 14}, with_dram_cycles=10.0, on_chip_cycles=5.0),
        failed({**ALEXNET, "array.groups": 13}),
    )
    frame = sparsesim.load_study(tmp_path / "s")
    settings = ["network", "dataset", "array.groups"]
    figures = ["on_chip_cycles", "with_dram_cycles"]
    assert list(frame) == ["row", "status", *settings, *figures, "seconds", "finished", "error"]
    assert [name for name in FIGURES if name in figures] == figures
    assert column(frame, "row") == [1, 2]
    assert column(frame, "status") == ["done", "failed"]
    assert column(frame, "with_dram_cycles") == [10.0, None]
    assert column(frame, "error") == ["", "it is wrong"]
    assert frame["with_dram_cycles"].dtype == float
    assert pd.to_datetime(frame["finished"], utc=True).notna().all()


def test_figures_stand_in_the_rows_that_have_them(tmp_path: Path) -> None:
    put(
        tmp_path / "s",
        failed({**ALEXNET, "array.groups": 13}),
        done({**ALEXNET, "array.groups": 14}, on_chip_cycles=5.0),
        done({**ALEXNET, "array.groups": 28}, with_dram_cycles=7.0),
        failed({**ALEXNET, "array.groups": 15}),
    )
    frame = sparsesim.load_study(tmp_path / "s")
    assert column(frame, "on_chip_cycles") == [None, 5.0, None, None]
    assert column(frame, "with_dram_cycles") == [None, None, 7.0, None]


def test_a_text_path_will_do_and_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "s", done(ALEXNET))
    assert len(sparsesim.load_study(str(tmp_path / "s"))) == 1
    with pytest.raises(UserError, match="is not a study"):
        sparsesim.load_study(tmp_path)


def test_a_study_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    put(tmp_path / "s")
    frame = sparsesim.load_study(tmp_path / "s")
    assert list(frame) == ["row", "status", "seconds", "finished", "error"]
    assert len(frame) == 0


def test_a_study_is_read_while_it_is_written(tmp_path: Path) -> None:
    with begin(tmp_path / "s", STUDY, []) as writer:
        writer.put([done(ALEXNET)])
        assert len(sparsesim.load_study(tmp_path / "s")) == 1
        writer.put([done({**ALEXNET, "array.groups": 14})])
        assert len(sparsesim.load_study(tmp_path / "s")) == 2


# A setting that a row was not given has the value that was in force.


def test_sessions_with_other_axes_are_one_table(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(export_yaml(load_machine("sparsetrain", ["groups=7", "banks=8", "skip_zeros=false"])))
    put(tmp_path / "s", done({**ALEXNET, "array.groups": 14, "prune": 0.5}))
    put(tmp_path / "s", done({"network": "alexnet", "buffer.banks": 2, "samples": 3, "seed": 4, "batch": 8}))
    put(tmp_path / "s", done({**ALEXNET, "machine": str(path), "policy.mask_skipping": False}))
    put(tmp_path / "s", done({**ALEXNET, "memory.kind": "hbm2", "memory.latency_ns": 7.0}))
    put(
        tmp_path / "s",
        done({**ALEXNET, "memory.bandwidth_gbytes_per_second": 1.0, "policy.skip_zeros": True}),
    )
    frame = sparsesim.load_study(tmp_path / "s")
    expected = {
        "dataset": ["cifar10", "imagenet", "cifar10", "cifar10", "cifar10"],
        "array.groups": [14, 56, 7, 56, 56],
        "prune": [0.5, 0.9, 0.9, 0.9, 0.9],
        "buffer.banks": [4, 2, 8, 4, 4],
        "samples": [1, 3, 1, 1, 1],
        "seed": [0, 4, 0, 0, 0],
        "batch": [32, 8, 32, 32, 32],
        "machine": ["sparsetrain", "sparsetrain", str(path), "sparsetrain", "sparsetrain"],
        "policy.mask_skipping": [True, True, False, True, True],
        "policy.skip_zeros": [True, True, False, True, True],
        "memory.kind": ["lpddr4", "lpddr4", "lpddr4", "hbm2", "lpddr4"],
        "memory.latency_ns": [65.0, 65.0, 65.0, 7.0, 65.0],
        "memory.bandwidth_gbytes_per_second": [25.6, 25.6, 25.6, 256.0, 1.0],
    }
    assert {name: column(frame, name) for name in expected} == expected


def test_a_machine_file_that_changed_since_does_not_change_what_was(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(export_yaml(load_machine("sparsetrain", ["groups=7"])))
    put(tmp_path / "s", done({**ALEXNET, "machine": str(path)}))
    path.write_text(export_yaml(load_machine("sparsetrain", ["groups=28"])))
    put(tmp_path / "s", done({**ALEXNET, "machine": str(path)}), done({**ALEXNET, "array.groups": 14}))
    assert column(sparsesim.load_study(tmp_path / "s"), "array.groups") == [7, 28, 14]


def test_energies_in_force_are_those_of_the_table_of_each_row(tmp_path: Path) -> None:
    wire = "energy.wire.transfer"
    path = tmp_path / "e.yaml"
    row = {"centre": 40.0, "low": 10.0, "high": 60.0, "unit": "fJ/bit/mm", "source": "a guess"}
    path.write_text(json.dumps({"name": "mine", "components": {"wire": {"transfer": row}}}))
    put(
        tmp_path / "s",
        done({**ALEXNET, wire: 30.0}),
        done({**ALEXNET, f"{wire}.low": 5.0}),
        done({**ALEXNET, "energy": str(path)}),
    )
    frame = sparsesim.load_study(tmp_path / "s")
    assert column(frame, wire) == [30.0, 50.0, 40.0]
    assert column(frame, f"{wire}.low") == [pytest.approx(12.0), 5.0, 10.0]
    assert column(frame, "energy") == [None, None, str(path)]


def test_what_sparsity_comes_from_is_said_once(tmp_path: Path) -> None:
    trace = str(small_trace(tmp_path / "t.npz"))
    put(
        tmp_path / "s",
        done({**ALEXNET, "prune": 0.5, "samples": 2}),
        done({"trace": trace}),
        done({**ALEXNET, "density_input": 0.3}),
        done({**ALEXNET, "density_grad_output": 0.2}),
        done({**ALEXNET, "activations": "imagenet"}),
    )
    frame = sparsesim.load_study(tmp_path / "s")
    assert column(frame, "prune") == [0.5, None, None, None, 0.9]
    assert column(frame, "trace") == [None, trace, None, None, None]
    assert column(frame, "density_input") == [None, None, 0.3, 1.0, None]
    assert column(frame, "density_grad_output") == [None, None, 1.0, 0.2, None]
    assert column(frame, "activations") == ["nearest", None, None, None, "imagenet"]
    # A trace says by itself what it was recorded of, and how many samples it has.
    assert column(frame, "network") == ["alexnet", None, "alexnet", "alexnet", "alexnet"]
    assert column(frame, "dataset") == ["cifar10", None, "cifar10", "cifar10", "cifar10"]
    assert column(frame, "samples") == [2, None, 1, 1, 1]


def test_of_a_point_that_could_not_be_described_only_what_was_given_is_known(tmp_path: Path) -> None:
    put(tmp_path / "s", done({**ALEXNET, "array.clusters": 14}), failed({**ALEXNET, "array.groups": 13}))
    frame = sparsesim.load_study(tmp_path / "s")
    assert column(frame, "array.groups") == [56, 13]
    assert column(frame, "array.clusters") == [14, None]


# What a study asks


def test_the_question_of_a_study_is_kept_and_the_last_one_counts(tmp_path: Path) -> None:
    aims = Flags(
        vary=("groups=14,28", "prune=0.5"), networks="alexnet", minimize=("energy",), maximize=("speedup",),
        constraints=("area <= 2.5",),
    )  # fmt: skip
    put(tmp_path / "s", study=STUDY)
    put(tmp_path / "s", study=define(None, aims))
    with read_study(tmp_path / "s") as study:
        found = last_question(study)
    assert found == question_of(define(None, aims))
    assert found.varied == ("array.groups",)
    assert [str(one) for one in found.objectives] == [
        "minimize with_dram_energy_pj",
        "maximize with_dram_speedup",
    ]
    assert [str(one) for one in found.constraints] == ["area_mm2 <= 2.5"]
    assert question_of(STUDY).objectives == DEFAULT_OBJECTIVES


def test_a_folder_belongs_to_one_study_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text("network: alexnet\nvary: {groups: [14, 28]}\n")
    put(tmp_path / "s", study=define(paths[0]))
    paths[0].write_text("network: alexnet\nvary: {groups: [7, 14, 28]}\n")
    put(tmp_path / "s", study=define(paths[0]))
    for other in (define(paths[1]), STUDY):
        with pytest.raises(UserError, match=r"is the study of .*a\.yaml, not of .*; give another --out"):
            put(tmp_path / "s", study=other)
    with read_study(tmp_path / "s") as study:
        assert len(study.sessions()) == 2


# Trials of a search


def test_trials_are_rows_judged_on_all_their_workloads(tmp_path: Path) -> None:
    def figures(cycles: float, speedup: float, utilization: float) -> dict[str, float]:
        return {"with_dram_cycles": cycles, "with_dram_speedup": speedup, "pe_utilization": utilization,
                "area_mm2": 1.5}  # fmt: skip

    one, two = {**ALEXNET, "array.groups": 14}, {**ALEXNET, "network": "vgg16", "array.groups": 14}
    put(tmp_path / "s", done(one, **figures(10, 2.0, 0.5)), done(two, **figures(30, 8.0, 0.0)))
    put(tmp_path / "s", failed({**ALEXNET, "array.groups": 13}))
    trials = (
        Trial(0, {"array.groups": 14}, "done", (40.0,), rows=(1, 2)),
        Trial(1, {"array.groups": 4000}, "refused", error="area"),
        Trial(2, {"array.groups": 13}, "failed", rows=(3,), error="it is wrong"),
        Trial(3, {"array.groups": 7}, "pending"),
        Trial(4, {"array.groups": 14, "buffer.banks": 4}, "done", (10.0,), rows=(1,)),
    )
    found = Exploration("n", (Objective("with_dram_cycles", "minimize"),), (), trials, exhausted=False)
    with read_study(tmp_path / "s") as study:
        frame = frame_of_trials(study, found.trials)
    assert column(frame, "trial") == [0, 2, 4]
    assert column(frame, "row") == [1, 3, 1]
    assert column(frame, "status") == ["done", "failed", "done"]
    assert column(frame, "array.groups") == [14, 13, 14]
    assert column(frame, "buffer.banks") == [None, None, 4]
    assert column(frame, "with_dram_cycles") == [40.0, None, 10.0]
    assert column(frame, "with_dram_speedup") == [pytest.approx(4.0), None, 2.0]
    assert column(frame, "area_mm2") == [1.5, None, 1.5]
    # The geometric mean of 0.5 and nothing does not exist; a row alone keeps its own.
    assert [math.isnan(value) for value in frame["pe_utilization"]] == [True, True, False]
    assert column(frame, "error") == ["", "it is wrong", ""]
