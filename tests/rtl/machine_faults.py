"""Seeds faults into the machine in RTL, into stepper and into engine, and says by what each of them is found.

`python -m tests.rtl.machine_faults` prints the tables; exit status 1 if a fault is not found.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rtl.faults import Fault
from tests.rtl.layers import Case
from tests.rtl.machine_build import Build
from tests.rtl.machine_cases import Observed, differences, read_observed, write_cases
from tests.rtl.machine_fault_list import FAULTS
from tests.rtl.machine_runs import random_cases
from tests.rtl.model_faults import MODEL_FAULTS
from tests.rtl.ports import Machine
from tests.rtl.simulators import BENCH, DESIGN, MACHINE_BENCH, PASSED, build, play

# Two of everything, as few words as random layers still fit into: quick to build.
BUILD = Build(
    Machine(
        row_slot_entries=16,
        reg1_words=16,
        reg2_words=16,
        line_bits=64,
        ppu_words_per_cycle=2,
        kernel_columns=3,
    ),
    clusters=2,
    groups_per_cluster=2,
    pes_per_group=2,
    buffer_banks=2,
    bank_lines=256,
    job_words=64,
    rowop_words=32,
    unit_words=16,
    geometry_words=8,
    tile_words=8,
    descriptor_words=256,
    pointer_words=512,
)
SEED, CASES, CYCLES = 2022, 24, (100, 600)
TOPLEVEL = "seeded_bench"
NONE = 0
# What a difference is about, by how its text begins; of a tile without the tile's number.
KINDS = {
    "the RTL ended": "does not end",
    "the engine takes": "clock",
    "the engine's program": "clock",
    "tile_cycles": "clock",
    "cycles": "clock",
    "line ": "memory",
    "... ": "memory",
    "abs_sum": "memory",
}


@dataclass(frozen=True)
class Finding:
    """A fault and the differences it made, case by case."""

    name: str
    where: str
    differences: Sequence[Sequence[str]]

    @property
    def cases(self) -> int:
        """How many cases found it."""
        return sum(map(bool, self.differences))

    @property
    def found_by(self) -> list[str]:
        """What differed in any case: clock, counters, memory, or the program did not end."""
        return sorted({kind(text) for found in self.differences for text in found})


def kind(difference: str) -> str:
    """What a difference is about."""
    text = re.sub(r"^tile \d+: ", "", difference)
    return next((kind for begin, kind in KINDS.items() if text.startswith(begin)), "counters")


# One build carries all faults; the bench chooses.


def seeded_design(folder: Path, faults: Sequence[Fault] = FAULTS) -> Path:
    """A copy of design and bench in which the top module's input `fault` is the number of the fault, from 1 on."""
    shutil.copytree(DESIGN, folder)
    shutil.copytree(BENCH, folder, dirs_exist_ok=True)
    for number, fault in enumerate(faults, NONE + 1):
        chosen = f"({TOPLEVEL}.fault == 8'd{number})"
        _replace(folder / fault.file, fault.right, fault.wrong.replace("FAULT", chosen), fault.name)
    bench = (folder / f"{MACHINE_BENCH}.sv").rename(folder / f"{TOPLEVEL}.sv")
    _replace(bench, f"module {MACHINE_BENCH} ", f"module {TOPLEVEL} ", "the name of the bench")
    _replace(
        bench, "input logic run,", "input logic run,\n    input logic [7:0] fault,", "the choice of a fault"
    )
    return folder


def _replace(path: Path, right: str, wrong: str, what: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(right) != 1:
        raise ValueError(f"{path.name} has {text.count(right)} places for {what!r}, not 1")
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def run_faults(cases: Sequence[Case], folder: Path, numbers: Sequence[int]) -> list[list[Observed]]:
    """What came out of the cases, fault by fault; all of them run in one process of the simulator."""
    build("verilator", BUILD, folder, design=seeded_design(folder / "design"), toplevel=TOPLEVEL)
    results = folder / "results.jsonl"
    files = {
        "SPARSESIM_RTL_SCRIPT": str(write_cases(cases, folder / "cases.jsonl")),
        "SPARSESIM_RTL_RESULTS": str(results),
        "SPARSESIM_RTL_FAULTS": " ".join(map(str, numbers)),
    }
    outcome = play("verilator", folder, "tests.rtl.fault_bench", TOPLEVEL, files)
    observed = read_observed(results)
    if outcome != PASSED or len(observed) != len(numbers) * len(cases):
        raise RuntimeError(f"the simulator ended in run {len(observed)} of {len(numbers) * len(cases)}")
    return [observed[at : at + len(cases)] for at in range(0, len(observed), len(cases))]


def all_findings(folder: Path) -> list[Finding]:
    """The design without a fault before and after all others; then faults of the RTL, of stepper and engine."""
    cases = random_cases(BUILD, CASES, SEED, CYCLES)
    numbers = [NONE, *range(NONE + 1, len(FAULTS) + 1), NONE]
    runs = run_faults(cases, folder, numbers)
    names = [("none", ""), *((fault.name, fault.file) for fault in FAULTS), ("none", "")]
    of_rtl = [Finding(*name, _compared(cases, run)) for name, run in zip(names, runs, strict=True)]
    of_models = []
    for model in MODEL_FAULTS:
        with model.seeded():
            of_models.append(Finding(model.name, model.where, _compared(cases, runs[0])))
    return [*of_rtl, *of_models]


def _compared(cases: Iterable[Case], run: Iterable[Observed]) -> list[list[str]]:
    return [differences(case, observed) for case, observed in zip(cases, run, strict=True)]


def table(findings: Iterable[Finding]) -> str:
    """The findings as a table in Markdown."""
    rows = [
        f"| {finding.name} | `{finding.where}` | {', '.join(finding.found_by) or 'nothing'} | {finding.cases} |"
        for finding in findings
    ]
    return "\n".join([f"| fault | in | found by | cases of {CASES} |", "|---|---|---|---|", *rows])


def main() -> None:
    """All faults; exit status 1 if one is not found."""
    with tempfile.TemporaryDirectory() as folder:
        findings = all_findings(Path(folder))
    seeded = [finding for finding in findings if finding.where]
    print(table(seeded))
    found = sum(bool(finding.cases) for finding in seeded)
    none = sum(finding.cases for finding in findings if not finding.where)
    print(f"\n{found} of {len(seeded)} faults found; without a fault {none} differences")
    raise SystemExit(1 if none or found < len(seeded) else 0)


if __name__ == "__main__":
    main()
