"""Does the PPU in SystemVerilog write what the arithmetic of results says, bit for bit?"""

from __future__ import annotations

import subprocess
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.faults import Fault, seeded
from tests.rtl.ppu_faults import FAULTS
from tests.rtl.ppu_model import LARGEST_WORD, SMALLEST_WORD, PpuMachine, Result
from tests.rtl.ppu_script import DENSITIES, PpuScript
from tests.rtl.simulators import (
    DESIGN,
    FAILED,
    PASSED,
    first_difference,
    require,
    run,
    sources,
    verilator_environment,
    write_script,
)

SEED = 2021
# The default machine; narrower and wider lines than the drain, and a drain of one word.
MACHINES = {
    "default": PpuMachine(),
    "narrow": PpuMachine(reg2_words=40, pes_per_group=1, ppu_words_per_cycle=3, line_bits=64),
    "wide": PpuMachine(pes_per_group=2, ppu_words_per_cycle=3, line_bits=256),
    "one_word": PpuMachine(reg2_words=40, pes_per_group=2, ppu_words_per_cycle=1),
    "eight_words": PpuMachine(reg2_words=48, ppu_words_per_cycle=8, line_bits=64),
}
# Results in one process of the simulator.
SIZES = {
    ("icarus", "default"): 2000,
    ("icarus", "narrow"): 800,
    ("icarus", "wide"): 800,
    ("icarus", "one_word"): 400,
    ("icarus", "eight_words"): 400,
    ("verilator", "default"): 2000,
}
FAULT_RESULTS = 250


@cache
def _script(machine: str, results: int) -> PpuScript:
    script = PpuScript(MACHINES[machine], np.random.default_rng(SEED))
    script.play(results)
    return script


def _run(
    simulator: str,
    machine: str,
    results: int,
    folder: Path,
    design: Path = DESIGN,
) -> str:
    script = write_script(_script(machine, results).cycles, folder / "script.jsonl")
    bench = "tests.rtl.ppu_bench"
    return run(simulator, MACHINES[machine], script, folder, design, "ppu", bench)


@pytest.mark.slow
@pytest.mark.parametrize(("simulator", "machine"), SIZES)
def test_lines_of_random_results(simulator: str, machine: str, tmp_path: Path) -> None:
    require(simulator)
    outcome = _run(simulator, machine, SIZES[simulator, machine], tmp_path)
    assert outcome == PASSED, first_difference(tmp_path)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_seeded_fault_is_found(fault: Fault, tmp_path: Path) -> None:
    require("icarus")
    design = seeded(fault, tmp_path / "design")
    assert _run("icarus", "default", FAULT_RESULTS, tmp_path, design) == FAILED
    assert first_difference(tmp_path).startswith("cycle ")


def test_no_fault_is_found_where_there_is_none(tmp_path: Path) -> None:
    require("icarus")
    outcome = _run("icarus", "default", FAULT_RESULTS, tmp_path)
    assert outcome == PASSED, first_difference(tmp_path)


def _kind(result: Result) -> tuple[bool, ...]:
    given = (result.earlier, result.mask, result.threshold)
    return (result.final, result.relu, *(value is not None for value in given))


def test_the_results_reach_every_kind_and_length() -> None:
    results = _script("default", 2000).results
    assert {_kind(result) for result in results} == set(product((False, True), repeat=5))
    assert {result.shift for result in results} == set(range(32))
    assert {result.accumulators for result in results} >= {*range(1, 65), MACHINES["default"].result_words}
    masks = [result.mask for result in results if result.mask is not None and result.accumulators > 40]
    assert {round(float(mask.mean()), 1) for mask in masks} >= set(DENSITIES)


def test_the_results_reach_every_branch_of_the_arithmetic() -> None:
    results = [result for result in _script("default", 2000).results if result.final]
    added = [(r.totals(), r.sums + r.earlier) for r in results if r.earlier is not None]
    assert any((wrapped != whole).any() for wrapped, whole in added)
    shifted = np.concatenate([result.totals() >> result.shift for result in results])
    assert (shifted > LARGEST_WORD).sum() > 100
    assert (shifted < SMALLEST_WORD).sum() > 100
    pruned = [result for result in results if result.threshold is not None]
    partly = [result for result in pruned if 0 < (np.abs(result.words()) < result.threshold).mean() < 1]
    assert len(partly) > 200
    assert {1, 32767, 32768, 65535} <= {result.threshold for result in pruned}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_ppu_passes_every_warning_of_verilator(machine: str) -> None:
    require("verilator")
    sizes = [f"-G{name}={value}" for name, value in MACHINES[machine].parameters().items()]
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "ppu", *sizes, *map(str, sources())]
    done = subprocess.run(command, env=verilator_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("machine", MACHINES)
def test_yosys_finds_no_loop_or_double_driver_in_the_ppu(machine: str) -> None:
    require("yosys")
    sizes = " ".join(f"-chparam {name} {value}" for name, value in MACHINES[machine].parameters().items())
    files = " ".join(map(str, sources()))
    steps = f"read_verilog -sv {files}; hierarchy -check -top ppu {sizes}; proc; check -assert"
    done = subprocess.run(["yosys", "-q", "-p", steps], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
