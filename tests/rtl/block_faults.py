"""Runs the faults seeded into PE and PPU, and says which output differs first and when."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.rtl import faults, ppu_faults
from tests.rtl.builds import MACHINES, random_cases
from tests.rtl.faults import Fault, seeded
from tests.rtl.ppu_model import PpuMachine
from tests.rtl.ppu_script import PpuScript
from tests.rtl.script import Cycle
from tests.rtl.simulators import Build, first_difference, run, write_script

PE_SEED, ROW_OPERATIONS = 2020, 250
PPU_SEED, RESULTS = 2021, 250


def block_table() -> str:
    """The findings as a table in Markdown: of the PE, then of the PPU."""
    pe = MACHINES["default"]
    of_pe = random_cases(pe, ROW_OPERATIONS, PE_SEED).script.cycles
    script = PpuScript(PpuMachine(), np.random.default_rng(PPU_SEED))
    script.play(RESULTS)
    rows = [
        *_rows(faults.FAULTS, pe, of_pe, "pe"),
        *_rows(ppu_faults.FAULTS, PpuMachine(), script.cycles, "ppu"),
    ]
    return "\n".join(["| fault | in | first seen at | in cycle |", "|---|---|---|---|", *rows])


def _rows(seeds: Sequence[Fault], machine: Build, cycles: Sequence[Cycle], top: str) -> Iterator[str]:
    for fault in seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            design = seeded(fault, folder / "design")
            script = write_script(cycles, folder / "script.jsonl")
            run("icarus", machine, script, folder, design, top, f"tests.rtl.{top}_bench")
            outputs, cycle = first_outputs(first_difference(folder))
        yield f"| {fault.name} | `{fault.file}` | {', '.join(outputs) or '**nothing**'} | {cycle} |"


def first_outputs(difference: str) -> tuple[list[str], str]:
    """Which outputs differ, and in which cycle, of what the bench said; none if it said nothing."""
    found = re.match(r"cycle (\d+): (\{.*?\}) instead of (\{.*?\})", difference)
    if found is None:
        return [], ""
    seen, expected = (ast.literal_eval(found.group(i)) for i in (2, 3))
    return [name for name in expected if seen[name] != expected[name]], found.group(1)
