"""From settings to numbers: does a study say what `simulate` says, and share no more than is the same?"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from compiler.program import Stage
from sparsesim.energy import EnergyModel
from sparsesim.machine import Machine, export_yaml, load_machine
from sparsesim.simulation import request_workload, result_of
from sparsesim.study import code
from sparsesim.study.figures import figures_of
from sparsesim.study.point import Point, Scalar
from sparsesim.study.prepared import known_figures, prepare, settings_key
from sparsesim.study.records import decode, encode
from sparsesim.study.resolve import request_of, text_of
from sparsesim.study.settings import machine_fields
from sparsesim.study.simulations import step_records
from sparsesim.study.tasks import Evaluated
from sparsesim.workload import accumulated_samples
from tests.builders_points import comparable, keys_of, outcome, parts_of
from tests.builders_results import small_trace, stage_record
from workloads.errors import UserError

ALEXNET: dict[str, Scalar] = {"network": "alexnet", "dataset": "cifar10"}
Settings = dict[str, Scalar]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("traces") / "t.npz", samples=5))


# A study's numbers are those of `simulate`

EQUAL: dict[str, tuple[Settings, dict[str, Any]]] = {
    "unpruned": ({**ALEXNET, "prune": 0}, {"prune": 0}),
    "pruned": (
        {
            **ALEXNET,
            "prune": 0.9,
            "samples": 3,
            "seed": 5,
            "batch": 7,
            "array.groups": 28,
            "policy.skip_zeros": True,
            "energy.wire.transfer": 0.3,
            "energy.sram.leak.high": 99.0,
        },
        {
            "prune": 0.9,
            "samples": 3,
            "seed": 5,
            "batch": 7,
            "overrides": ["array.groups=28", "energy.wire.transfer=0.3", "energy.sram.leak.high=99.0"],
        },
    ),
    "densities": (
        {**ALEXNET, "density_grad_output": 0.25, "samples": 2, "seed": 1},
        {"density": (1.0, 0.25), "samples": 2, "seed": 1},
    ),
    "trace": ({"trace": "TRACE"}, {"trace": "TRACE"}),
    "some of a trace": (
        {"trace": "TRACE", "samples": 3, "policy.mask_skipping": False, "memory.kind": "hbm2"},
        {"trace": "TRACE", "samples": 3, "overrides": ["policy.mask_skipping=false", "memory.kind=hbm2"]},
    ),
}


@pytest.mark.parametrize("case", EQUAL)
def test_results_are_those_of_simulate_to_the_last_bit(case: str, trace: str) -> None:
    settings, arguments = EQUAL[case]
    settings = {name: trace if value == "TRACE" else value for name, value in settings.items()}
    if "trace" in settings:
        arguments = {**arguments, "trace": trace}
    names = {} if "trace" in settings else {name: settings[name] for name in ("network", "dataset")}
    expected = sparsesim.simulate(**names, **arguments)
    request = request_of(settings)
    workload = request_workload(request)
    parts = [decode(part.table) for part in parts_of(settings)]
    result = result_of(request, workload, step_records(request, workload, parts, 1.0), 1.0)
    assert comparable(result) == comparable(expected)
    area = EnergyModel(request.machine, request.table).area_um2
    assert figures_of(result, area) == figures_of(expected, area)


def test_an_evaluated_point_has_the_figures_of_its_result(trace: str) -> None:
    found = outcome({"trace": trace, "energy.wire.transfer": 0.3})
    request = request_of({"trace": trace, "energy.wire.transfer": 0.3})
    expected = sparsesim.simulate(trace=trace, overrides=["energy.wire.transfer=0.3"])
    assert isinstance(found, Evaluated)
    assert found.figures == figures_of(expected, EnergyModel(request.machine, request.table).area_um2)
    areas = known_figures(Point({"trace": trace, "energy.wire.transfer": 0.3}, 0))
    assert areas.items() <= found.figures.items()
    assert len(areas) == 5


def test_records_come_back_from_parquet_as_they_were() -> None:
    fractions = {"density_input": 0.1 + 0.2, "seconds": 5e-324, "density_grad_output": math.pi / 4}
    big = {"on_chip_cycles": 2**62, "dram_read_bytes": 2**62 + 1}
    records = [
        stage_record("pruned", "a/b \N{GREEK SMALL LETTER BETA}", 3, Stage.GTA, 2, **fractions, **big),
        stage_record("dense", "fc", 4, Stage.FORWARD, fc=True),
    ]
    back = decode(encode(records))
    assert len(back) == 2
    for record, again in zip(records, back, strict=True):
        mine, other = vars(record).copy(), vars(again).copy()
        assert np.array_equal(mine.pop("states").sum(axis=0), other.pop("states").sum(axis=0))
        assert np.array_equal(mine.pop("counts"), other.pop("counts"))
        assert mine == other
    assert decode(encode([])) == ()


# What is one simulation, and what is another


def shared(one: Settings, other: Settings) -> set[str]:
    """The runs that two points have in common."""
    mine, others = keys_of(one), keys_of(other)
    return {run for run in mine.keys() & others.keys() if mine[run] == others[run]}


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({"prune": 0.5}, {"dense", "natural"}),
        ({"prune": 0}, {"dense", "natural"}),
        ({"seed": 1}, {"dense"}),
        ({"samples": 2}, {"dense"}),
        ({"density_input": 0.5}, {"dense"}),
        ({"activations": "imagenet"}, {"dense"}),
        ({"activations": "nearest"}, {"dense", "natural", "pruned"}),
        ({"density_input": 0.5, "samples": 2, "seed": 3}, {"dense"}),
        ({"energy.wire.transfer": 1.0, "energy.sram.leak.low": 0.0}, {"dense", "natural", "pruned"}),
        ({"data.operand_format": "bf16"}, {"dense", "natural", "pruned"}),
        ({"samples": 1, "seed": 0, "batch": 32, "machine": "sparsetrain"}, {"dense", "natural", "pruned"}),
        ({"policy.input_skipping": False, "data.row_format": "offset"}, {"dense"}),
        ({"network": "vgg16"}, set()),
        ({"dataset": "cifar100"}, set()),
        ({"batch": 16}, set()),
        ({"policy.accumulated_samples": 2}, set()),
        ({"array.groups": 28}, set()),
    ],
)
def test_points_share_the_runs_that_cannot_differ(changes: Settings, runs: set[str]) -> None:
    assert shared(ALEXNET, {**ALEXNET, **changes}) == runs


def test_a_batch_that_allows_no_more_accumulation_is_another_simulation_all_the_same() -> None:
    # Weights are read once per batch: the batch counts beyond the samples a GTW job accumulates over.
    assert shared({**ALEXNET, "batch": 4}, {**ALEXNET, "batch": 5}) == set()


def test_a_trace_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path, trace: str) -> None:
    copy = tmp_path / "copy.npz"
    copy.write_bytes(Path(trace).read_bytes())
    assert shared({"trace": trace}, {"trace": str(copy)}) == {"dense", "recorded"}
    assert shared({"trace": trace}, {"trace": trace, "samples": 2}) == set()
    other = str(small_trace(tmp_path / "t.npz", samples=4))
    assert shared({"trace": trace}, {"trace": other}) == set()


def test_a_machine_is_known_by_its_fields_and_not_by_its_file(tmp_path: Path, trace: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(export_yaml(load_machine("sparsetrain", ["groups=14"])))
    assert shared({"trace": trace, "machine": str(path)}, {"trace": trace, "array.groups": 14}) == {
        "dense",
        "recorded",
    }


CHANGED: dict[str, Scalar | None] = {
    "array.groups": 7,
    "array.clusters": 8,
    "memory.kind": "ddr4",
    "data.operand_bits": None,  # 16 is the only one
    "data.operand_format": "bf16",
    "data.row_format": "offset",
    "data.sum_bits": 64,
    "policy.row_handout": "dynamic",
    "policy.job_handout": "static",
    "policy.accumulated_samples": 1,
    "policy.channel_order": "density",
    "mapping.stays": "weights",
    "mapping.gtw_broadcast": "I",
    "buffer.line_bits": 256,
    "pe.row_slot_entries": 32,
    "pe.reg1_words": 32,
    "pe.reg2_words": 32,
}


def changed(name: str) -> Scalar | None:
    """Another legal value of a field; None where there is no other."""
    if name in CHANGED:
        return CHANGED[name]
    default: Any = Machine()
    for part in name.split("."):
        default = getattr(default, part)
    found: Scalar = not default if isinstance(default, bool) else default + 1
    return found


def consumed(machine: Machine) -> dict[str, tuple[object, int]]:
    """What the engine sees of a machine, by run."""
    accumulated = accumulated_samples(machine, 32)
    return {
        "dense": (machine.dense_baseline().to_target(), accumulated),
        "recorded": (machine.to_target(), accumulated),
    }


@pytest.mark.parametrize("name", [name for name in machine_fields() if changed(name) is not None])
def test_a_field_makes_another_simulation_exactly_where_the_engine_sees_it(name: str, trace: str) -> None:
    value = changed(name)
    assert value is not None
    settings = {"trace": trace, name: value}
    before, after = consumed(Machine()), consumed(load_machine("sparsetrain", [f"{name}={text_of(value)}"]))
    same = {run for run in before if before[run] == after[run]}
    assert shared({"trace": trace}, settings) == same
    # Sharing is honest: `simulate` knows nothing of keys, and its runs are alike where they are equal.
    plain = sparsesim.simulate(trace=trace, threads=1)
    other = sparsesim.simulate(trace=trace, overrides=[f"{name}={text_of(value)}"], threads=1)
    for run in same:
        for one, two in zip(plain.of_run(run).values(), other.of_run(run).values(), strict=True):
            assert (one.cycles, one.bytes, one.useful_macs) == (two.cycles, two.bytes, two.useful_macs)


def test_the_key_of_a_point_is_of_everything_its_figures_depend_on(trace: str) -> None:
    def key(**settings: Scalar) -> str:
        return prepare(Point({"trace": trace, **settings}, 0)).key

    plain = key()
    assert key(**{"array.groups": 56}) == plain
    assert prepare(Point({"trace": trace}, 7)).key == plain
    others = [
        key(**{"data.operand_format": "bf16"}),
        key(**{"energy.wire.transfer": 0.3}),
        key(**{"energy.wire.transfer.high": 99.0}),
        key(**{"array.groups": 28}),
        settings_key(Point({"trace": trace}, 0)),
    ]
    assert len({plain, *others}) == 6


_IMPORTED = """
import sys
import sparsesim.study.simulations, sparsesim.study.figures
print("\\n".join(n for n in sys.modules if n.split(".")[0] in ("sparsesim", "compiler", "workloads")))
"""
# They say what is simulated or where its digest comes from, not what comes out.
_NO_NUMBERS = {"sparsesim", "sparsesim.study", "sparsesim.study.code"}


def test_the_digest_of_the_simulator_covers_every_module_that_makes_numbers() -> None:
    ran = subprocess.run([sys.executable, "-c", _IMPORTED], capture_output=True, text=True, check=True)
    modules = [f"sparsesim.{name.removesuffix('.py')}" for name in code._MODULES]
    modules += [f"sparsesim.study.{name.removesuffix('.py')}" for name in code._STUDY_MODULES]
    uncovered = {
        name
        for name in ran.stdout.split()
        if name not in modules
        and not any(name == package or name.startswith(f"{package}.") for package in code._PACKAGES)
    }
    assert uncovered == _NO_NUMBERS


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**ALEXNET, "array.groups": 13}, "array.clusters"),
        ({**ALEXNET, "prune": 0.5, "density_input": 0.5}, "contradict each other"),
        ({**ALEXNET, "activations": "here", "density_input": 0.5}, "contradict each other"),
        ({"network": "alexnt"}, "Did you mean 'alexnet'"),
        ({"trace": "/no/such/file.npz"}, "/no/such/file.npz"),
        ({**ALEXNET, "energy.wire.transfer.low": 1e8}, "low <= centre <= high"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_a_sentence(settings: Settings, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence.replace(".", r"\.")):
        prepare(Point(settings, 0))
