"""Does the PE in SystemVerilog compute what the convolution says, in the cycles of stepper and engine?"""

from __future__ import annotations

import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from compiler.program import RowOperation
from tests.rtl.builds import MACHINES, Cases, random_cases
from tests.rtl.faults import FAULTS, Fault, seeded
from tests.rtl.simulators import (
    FAILED,
    PASSED,
    first_difference,
    require,
    run,
    sources,
    verilator_environment,
    write_script,
)

SEED = 2020
# Row operations played in one process of the simulator. Icarus has X and
# stops at one on an output; Verilator is a second reading of the language.
SIZES = {
    ("icarus", "default"): 2000,
    ("icarus", "two_macs"): 1000,
    ("icarus", "four_macs"): 1000,
    ("verilator", "default"): 1000,
}
FAULT_ROW_OPERATIONS = 250


@cache
def _cases(machine: str, row_operations: int) -> Cases:
    return random_cases(MACHINES[machine], row_operations, SEED)


@pytest.mark.slow
@pytest.mark.parametrize(("simulator", "machine"), SIZES)
def test_values_and_clocks_of_random_row_operations(simulator: str, machine: str, tmp_path: Path) -> None:
    require(simulator)
    cases = _cases(machine, SIZES[simulator, machine])
    script = write_script(cases.script.cycles, tmp_path / "script.jsonl")
    outcome = run(simulator, MACHINES[machine], script, tmp_path)
    assert outcome == PASSED, first_difference(tmp_path)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_seeded_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    require("icarus")
    cases = _cases("default", FAULT_ROW_OPERATIONS)
    script = write_script(cases.script.cycles, tmp_path / "script.jsonl")
    design = seeded(fault, tmp_path / "design")
    assert run("icarus", MACHINES["default"], script, tmp_path, design) == FAILED
    assert first_difference(tmp_path).startswith("cycle ")


def test_the_faults_are_not_found_where_there_is_none(tmp_path: Path) -> None:
    require("icarus")
    script = write_script(_cases("default", FAULT_ROW_OPERATIONS).script.cycles, tmp_path / "script.jsonl")
    outcome = run("icarus", MACHINES["default"], script, tmp_path)
    assert outcome == PASSED, first_difference(tmp_path)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_engine_gives_every_operation_the_cost_of_the_stepper(machine: str) -> None:
    macs_per_pe = MACHINES[machine].macs_per_pe
    operations = [operation for job in _cases(machine, 1000).jobs for operation in job.operations]
    for operation in operations:
        cycles = sum(max(1, -(-products // macs_per_pe)) for products in operation.products)
        rejects = operation.products.count(0)
        assert (operation.engine_cycles, operation.engine_rejects) == (cycles, rejects)


def test_the_cases_reach_what_they_are_meant_to() -> None:
    jobs = [job for job in _cases("default", 2000).jobs if job.operations]
    kinds = Counter(job.operation for job in jobs for _ in job.operations)
    assert min(kinds[kind] for kind in RowOperation) >= 200
    assert {len(job.blocks[0].taps) for job in jobs} == set(range(1, 12))
    lengths = {len(operation.entries) for job in jobs for operation in job.operations}
    assert min(lengths) == 1
    assert max(lengths) >= 60
    products = {n for job in jobs for operation in job.operations for n in operation.products}
    assert products >= set(range(10))
    assert {job.use_mask for job in jobs if job.operation is not RowOperation.SRC} == {True, False}
    assert {tap.residue for job in jobs for tap in job.blocks[0].taps} == {0, 1, 2, 3}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_design_passes_every_warning_of_verilator(machine: str) -> None:
    require("verilator")
    sizes = [f"-G{name}={value}" for name, value in MACHINES[machine].parameters().items()]
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "pe", *sizes, *map(str, sources())]
    done = subprocess.run(command, env=verilator_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_yosys_reads_the_design_and_finds_no_loop_or_double_driver() -> None:
    require("yosys")
    steps = f"read_verilog -sv {' '.join(map(str, sources()))}; hierarchy -check -top pe; proc; check -assert"
    done = subprocess.run(["yosys", "-q", "-p", steps], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
