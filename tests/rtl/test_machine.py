"""Does the machine in RTL end in the clock of stepper and engine, with their counters and the same memory?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from compiler.program import RowOperation
from tests.rtl.layers import Case
from tests.rtl.machine_runs import BUILDS, random_cases, run_cases
from tests.rtl.simulators import require

SEED = 2020
CASES = 40


@cache
def _cases(name: str) -> list[Case]:
    return random_cases(BUILDS[name], CASES, SEED)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDS)
def test_clocks_counters_and_memory_of_random_layers(name: str, tmp_path: Path) -> None:
    require("verilator")
    found = run_cases("verilator", BUILDS[name], _cases(name), tmp_path)
    assert [some for some in found if some] == []
    assert len(found) == CASES


def test_the_cases_reach_what_they_are_meant_to() -> None:
    cases = [case for name in BUILDS for case in _cases(name)]
    assert len(cases) >= 200
    programs = [case.program for case in cases]
    forms = {(program.operation, program.broadcast) for program in programs}
    assert forms >= {
        (RowOperation.SRC, "dO"),
        (RowOperation.MSRC, "dO"),
        (RowOperation.OSRC, "dO"),
        (RowOperation.OSRC, "I"),
    }
    assert {len(program.tiles) > 1 for program in programs} == {True, False}
    assert any(program.samples > 1 for program in programs)
    assert any(program.geometry.groups > 1 for program in programs)
    assert any(program.jobs[:, 8].any() for program in programs)
    for what in (
        "skip_zeros",
        "mask_skipping",
        "input_skipping",
        "row_handout_dynamic",
        "job_handout_dynamic",
    ):
        assert {getattr(case.target, what) for case in cases} == {True, False}
    assert any(case.options.prune for case in cases)
    assert any(case.masks.grad_input_mask is None for case in cases)
