"""Seeds faults into the machine in RTL, into stepper and into engine, and says by what each of them is found.

`python -m tests.rtl.machine_faults` prints the table; exit status 1 if a fault is not found.
`--blocks` begins with the faults of PE and PPU, which block_faults.py runs.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.rtl.block_faults import block_table
from tests.rtl.fault_bench import NO_FAULT
from tests.rtl.faults import Fault
from tests.rtl.layers import Case
from tests.rtl.machine_build import Build
from tests.rtl.machine_cases import Observed, differences, write_cases
from tests.rtl.machine_fault_list import FAULTS
from tests.rtl.machine_runs import random_cases
from tests.rtl.model_faults import MODEL_FAULTS
from tests.rtl.ports import Machine
from tests.rtl.simulators import BENCH, DESIGN, MACHINE_BENCH, PASSED, build, play

# Two of everything, and three groups, or the arbiter of the write port had nothing to decide. The buffer is
# slower than the pipeline, or no drain would wait for its mask. As few words as random layers still fit into.
BUILD = Build(
    Machine(
        row_slot_entries=16,
        reg1_words=16,
        reg2_words=16,
        pipeline_cycles=2,
        ppu_words_per_cycle=2,
        kernel_columns=3,
    ),
    clusters=2,
    groups_per_cluster=3,
    pes_per_group=2,
    buffer_banks=2,
    read_latency_cycles=4,
    bank_lines=256,
    job_words=64,
    rowop_words=32,
    unit_words=16,
    geometry_words=8,
    tile_words=8,
    descriptor_words=256,
    pointer_words=512,
)
SEED, CASES, CYCLES = 2, 100, (200, 1200)
TOPLEVEL = "seeded_bench"
# What a difference is about, by how its text begins, without the number of its tile.
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
    """A fault, and the first case that found it: its number (None: no case did) and all that differed."""

    name: str
    where: str
    case: int | None
    differences: Sequence[str]

    @property
    def found_by(self) -> list[str]:
        """What differed: clock, counters, memory, or the program did not end."""
        return sorted({kind(text) for text in self.differences})


@dataclass(frozen=True)
class Findings:
    """wrong_without: differences in the design as it is. seeded: one for every fault."""

    wrong_without: list[str]
    seeded: list[Finding]


def kind(difference: str) -> str:
    """What a difference is about."""
    text = re.sub(r"^tile \d+: ", "", difference)
    return next((kind for begin, kind in KINDS.items() if text.startswith(begin)), "counters")


# One build carries all faults of the RTL; the bench chooses.


def seeded_design(folder: Path, faults: Sequence[Fault] = FAULTS) -> Path:
    """A copy of design and bench; the input `fault` of its top module is the number of a fault, from 1 on."""
    shutil.copytree(DESIGN, folder)
    shutil.copytree(BENCH, folder, dirs_exist_ok=True)
    for number, fault in enumerate(faults, NO_FAULT + 1):
        chosen = f"({TOPLEVEL}.fault == 8'd{number})"
        _replace(folder / fault.file, fault.right, fault.wrong.replace("FAULT", chosen), fault.name)
    top = (folder / f"{MACHINE_BENCH}.sv").rename(folder / f"{TOPLEVEL}.sv")
    _replace(top, f"module {MACHINE_BENCH} ", f"module {TOPLEVEL} ", "the name of the top module")
    _replace(top, "input logic run,", "input logic run, input logic [7:0] fault,", "the choice of a fault")
    return folder


def _replace(path: Path, right: str, wrong: str, what: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(right) != 1:
        raise ValueError(f"{path.name} has {text.count(right)} places for {what!r}, not 1")
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def _simulated(cases: Sequence[Case], folder: Path) -> Iterator[tuple[int, int, Observed]]:
    """What the bench writes down; everything runs in one process of the simulator."""
    build("verilator", BUILD, folder, design=seeded_design(folder / "design"), toplevel=TOPLEVEL)
    results = folder / "results.jsonl"
    files = {
        "SPARSESIM_RTL_SCRIPT": str(write_cases(cases, folder / "cases.jsonl")),
        "SPARSESIM_RTL_RESULTS": str(results),
        "SPARSESIM_RTL_FAULTS": str(len(FAULTS)),
    }
    if play("verilator", folder, "tests.rtl.fault_bench", TOPLEVEL, files) != PASSED:
        raise RuntimeError((folder / "log.txt").read_text(encoding="utf-8")[-2000:])
    for line in results.read_text(encoding="utf-8").splitlines():
        yield tuple(json.loads(line))


def find_all(folder: Path) -> Findings:
    """Every fault of the RTL, of stepper and engine, and the design as it is before and after them."""
    cases, found = random_cases(BUILD, CASES, SEED, CYCLES), dict[int, Finding]()
    right, wrong_without = list[Observed](), list[str]()
    for number, at, observed in _simulated(cases, folder):
        wrong = differences(cases[at], observed)
        if number == NO_FAULT:
            wrong_without += wrong
            if at == len(right):  # else the bench has run it before, and it came out otherwise
                right.append(observed)
        else:
            fault = FAULTS[number - 1]
            found[number] = Finding(fault.name, fault.file, at, wrong)
    nothing = [Finding(fault.name, fault.file, None, []) for fault in FAULTS]
    of_rtl = [found.get(number, none) for number, none in enumerate(nothing, NO_FAULT + 1)]
    return Findings(wrong_without, [*of_rtl, *_model_findings(cases, right)])


def _model_findings(cases: Sequence[Case], right: Sequence[Observed]) -> Iterator[Finding]:
    """Faults of stepper and engine, against what the RTL did without a fault."""
    for fault in MODEL_FAULTS:
        with fault.seeded():
            yield _first_found(fault.name, fault.where, zip(cases, right, strict=True))


def _first_found(name: str, where: str, runs: Iterable[tuple[Case, Observed]]) -> Finding:
    for number, (case, observed) in enumerate(runs):
        wrong = differences(case, observed)
        if wrong:
            return Finding(name, where, number, wrong)
    return Finding(name, where, None, [])


def table(findings: Iterable[Finding]) -> str:
    """The findings as a table in Markdown; cases are counted from 1."""
    rows = [
        f"| {finding.name} | `{finding.where}` | {', '.join(finding.found_by) or '**nothing**'} | "
        f"{'' if finding.case is None else finding.case + 1} |"
        for finding in findings
    ]
    return "\n".join(["| fault | in | found by | in case |", "|---|---|---|---|", *rows])


def main() -> None:
    """All faults; exit status 1 if one is not found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", action="store_true", help="also the faults of PE and PPU")
    if parser.parse_args().blocks:
        print(block_table(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        findings = find_all(Path(folder))
    print(table(findings.seeded))
    found = sum(finding.case is not None for finding in findings.seeded)
    print(f"\n{found} of {len(findings.seeded)} faults found; without a fault:")
    print(*findings.wrong_without or ["no difference"], sep="\n")
    raise SystemExit(1 if findings.wrong_without or found < len(findings.seeded) else 0)


if __name__ == "__main__":
    main()
