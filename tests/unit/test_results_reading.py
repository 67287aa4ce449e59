"""Is a saved run read back as it was, to the last digit?"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sparsesim
from sparsesim.cli.main import main
from sparsesim.energy import Range
from sparsesim.results.json_text import json_text
from sparsesim.results.model import Result
from tests.builders_results import made_result, small_trace, step_records
from tests.builders_runs import edit, saved

Tree = dict[str, Any]


def assert_equal(found: Result, expected: Result) -> None:
    """Every number, its type as printed, and the groups, which == of results leaves out."""
    assert found == expected
    assert repr(found) == repr(expected)
    assert list(found.runs) == list(expected.runs)
    for one, other in zip(found.layers, expected.layers, strict=True):
        if other.cycles_of_groups is None:
            assert one.cycles_of_groups is None
        else:
            np.testing.assert_array_equal(one.cycles_of_groups, other.cycles_of_groups)
            assert one.cycles_of_groups is not None and not one.cycles_of_groups.flags.writeable


# What is saved comes back

REAL: dict[str, dict[str, Any]] = {
    "trace": {"trace": "t.npz"},
    "trace, three samples, other machine and energies": {
        "trace": "t.npz",
        "samples": 3,
        "overrides": ["groups=28", "clusters=4", "kind=hbm2", "energy.wire.transfer=0.3"],
    },
    "two samples with half widths": {
        "network": "alexnet", "dataset": "cifar10", "samples": 2, "batch": 2, "seed": 2**63 - 1
    },
    "uniform densities": {"network": "alexnet", "dataset": "cifar10", "batch": 2, "density": (0.5, 0.3)},
    "recorded over time": {"network": "vgg16", "dataset": "cifar10", "batch": 2, "prune": 0.0},
}  # fmt: skip


@pytest.mark.parametrize("arguments", REAL.values(), ids=REAL)
def test_a_real_run_comes_back_as_it_was(
    arguments: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small_trace(Path("t.npz"), samples=3)
    result = sparsesim.simulate(**arguments)
    found = sparsesim.load_run(saved(result, Path("run")))
    assert_equal(found.result, result)
    assert (result.runs["dense"].cycles_half_width is None) == (result.samples == 1)
    assert (found.result.density_over_time is None) == (result.network != "vgg16")
    assert json_text(found.result.to_dict()) == Path("run/summary.json").read_text()


@given(
    st.lists(st.floats(1e-300, 1e300), min_size=3, max_size=3).map(sorted),
    st.integers(1, 4),
    st.sampled_from([("dense", "natural", "pruned"), ("dense", "natural"), ("dense", "recorded")]),
)
@settings(max_examples=25, deadline=None)
def test_no_digit_of_an_energy_is_lost(
    tmp_path_factory: pytest.TempPathFactory, pj: list[float], samples: int, runs: tuple[str, ...]
) -> None:
    result = made_result(step_records(runs, samples=samples))
    layers = []
    for layer in result.layers:
        energy = layer.energy_pj
        parts = {**energy.with_dram_components, "dram": Range(*pj)}
        layers.append(replace(layer, energy_pj=replace(energy, with_dram_components=parts)))
    changed = {name: replace(run, energy_pj=_sum(layers, name)) for name, run in result.runs.items()}
    result = replace(result, layers=tuple(layers), runs=changed)
    folder = saved(result, tmp_path_factory.mktemp("digits") / "run")
    assert_equal(sparsesim.load_run(folder).result, result)


def _sum(layers: list[Any], run: str) -> Any:
    from sparsesim.results.parts import added

    return added(layer for layer in layers if layer.run == run).energy_pj


def test_the_command_line_saves_what_python_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A file name that is no text ends up in the profile's name.
    trace = small_trace(Path(os.fsdecode(b"t\xff.npz")), samples=2)
    assert main(["run", "--trace", str(trace), "--out", "kept"]) == 0
    found = sparsesim.load_run("kept")
    expected = sparsesim.simulate(trace=trace)
    same = replace(found.result, wall_seconds=0.0, engine=expected.engine)
    assert_equal(same, replace(expected, wall_seconds=0.0))
    assert found.result.profile.name == trace.name
    assert found.folder == Path("kept")
    assert found.manifest["arguments"]["samples"] == 2
    assert sparsesim.load_run(Path("kept/summary.json")).result == found.result


def test_groups_that_are_not_known_are_not_made_up(tmp_path: Path) -> None:
    records = step_records(("dense", "natural"))
    summed = tuple(replace(record, states=record.states.sum(axis=0)[None]) for record in records.stages)
    result = made_result(replace(records, stages=summed))
    assert_equal(sparsesim.load_run(saved(result, tmp_path / "run")).result, result)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(made_result(), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "run"))


def test_keys_of_a_later_version_are_left_alone(run: Path) -> None:
    edit(run, lambda tree: tree.update(more=1) or tree["layers"][0].update(more={"a": 1}))
    assert sparsesim.load_run(run).result == made_result()


def test_a_number_that_differs_in_its_last_digit_is_the_same(run: Path) -> None:
    """Another version of Python adds floats in another way."""

    def change(tree: Tree) -> None:
        tree["speedup"]["pruned"]["on_chip"] *= 1 + 1e-14

    edit(run, change)
    assert sparsesim.load_run(run).result == made_result()
