"""A PE group with its PPU: whole output rows, finished, masked and pruned, by word and by clock."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from compiler.program import RowOperation
from tests.rtl.layers import Case, random_case
from tests.rtl.machine_build import Build
from tests.rtl.machine_runs import run_cases
from tests.rtl.ports import Machine
from tests.rtl.simulators import require

# One group of the default machine: three PEs, one PPU.
GROUP = Build(Machine(kernel_columns=5), clusters=1, groups_per_cluster=1, pes_per_group=3)
CASES, LEAST_COLUMNS = 24, 24


def _is_wanted(case: Case) -> bool:
    """A wide map; of GTA its gradients must be pruned."""
    geometry = case.program.geometry
    columns = geometry.in_size[1] if case.program.operation is RowOperation.MSRC else geometry.out_size[1]
    return columns >= LEAST_COLUMNS and case.options.prune == (case.program.operation is RowOperation.MSRC)


@cache
def _cases() -> list[Case]:
    rng, cases = np.random.default_rng(7), list[Case]()
    while len(cases) < CASES:
        case = random_case(rng, GROUP)
        if _is_wanted(case):
            cases.append(case)
    return cases


@pytest.mark.slow
def test_whole_output_rows(tmp_path: Path) -> None:
    require("verilator")
    assert run_cases("verilator", GROUP, _cases(), tmp_path) == [[]] * CASES


def test_the_rows_are_cut_and_pruned() -> None:
    """Rows longer than a row block, gradients above and below the threshold, every operation."""
    cases = _cases()
    assert {case.program.operation for case in cases} == set(RowOperation)
    assert any(len({*case.program.row_blocks[:, 3].tolist()}) > 1 for case in cases)
    assert sum(case.options.prune for case in cases) >= 5
    assert any(case.assembled.abs_sum for case in cases if case.options.prune)
