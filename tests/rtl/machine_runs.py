"""Runs random cases on machines in RTL and holds them against stepper, engine and interpreter.

`python -m tests.rtl.machine_runs --cases 4000 --seed 1` is the long run: machines of any shape, in turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.rtl.layers import Case, random_build, random_case
from tests.rtl.machine_build import Build
from tests.rtl.machine_cases import differences, read_observed, write_cases
from tests.rtl.ports import Machine
from tests.rtl.simulators import DESIGN, MACHINE_BENCH, PASSED, build, play

# What CI runs: a single PE, the default PEs in two clusters, and machines at the ends of what is small.
BUILDS = {
    "one_pe": Build(Machine(kernel_columns=5), 1, 1, 1, buffer_banks=2),
    "default_pes": Build(Machine(kernel_columns=5), clusters=2, groups_per_cluster=2, pes_per_group=3),
    "four_clusters": Build(
        Machine(
            row_slots=1,
            reg2_words=40,
            pipeline_cycles=1,
            line_bits=256,
            ppu_words_per_cycle=8,
            kernel_columns=5,
        ),
        clusters=4,
        groups_per_cluster=1,
        pes_per_group=2,
        buffer_banks=8,
        read_latency_cycles=1,
    ),
    "four_groups": Build(
        Machine(
            row_slots=3,
            reg1_words=48,
            pipeline_cycles=2,
            ppu_words_per_cycle=1,
            kernel_columns=5,
            macs_per_pe=2,
        ),
        clusters=1,
        groups_per_cluster=4,
        pes_per_group=3,
        buffer_banks=5,
    ),
    "narrow_lines": Build(
        Machine(
            macs_per_pe=4,
            row_slot_entries=24,
            reg1_words=24,
            reg2_words=40,
            ppu_words_per_cycle=3,
            line_bits=64,
            kernel_columns=5,
        ),
        clusters=2,
        groups_per_cluster=3,
        pes_per_group=1,
        buffer_banks=3,
        read_latency_cycles=5,
    ),
    "no_skipping": Build(
        Machine(mask_skipping=0, input_skipping=0, ppu_words_per_cycle=2, kernel_columns=5),
        clusters=3,
        groups_per_cluster=2,
        pes_per_group=2,
        buffer_banks=4,
        read_latency_cycles=3,
    ),
}


@dataclass
class Tally:
    """What a run covered, and where it found a difference."""

    cases: int = 0
    cycles: int = 0
    tiles: int = 0
    jobs: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    def add(self, case: Case, found: Sequence[str]) -> None:
        """Count one case and keep what differs."""
        program = case.program
        self.cases += 1
        self.cycles += case.cycles
        self.tiles += len(program.tiles)
        self.jobs += len(program.jobs)
        self.forms[
            f"{program.operation} {program.broadcast}" if program.broadcast == "I" else program.operation
        ] += 1
        if found:
            self.different.append(f"{program.operation} on {case.build}: " + "; ".join(found))


def random_cases(machine: Build, count: int, seed: int, cycles: tuple[int, int] = (100, 4000)) -> list[Case]:
    """Cases of a build; the same for the same seed."""
    rng = np.random.default_rng(seed)
    return [random_case(rng, machine, cycles) for _ in range(count)]


def run_cases(
    simulator: str, machine: Build, cases: Sequence[Case], folder: Path, design: Path = DESIGN
) -> list[list[str]]:
    """The differences of each case. All of them run in one process of the simulator."""
    build(simulator, machine, folder, design=design, toplevel=MACHINE_BENCH)
    results = folder / "results.jsonl"
    results.write_text("", encoding="utf-8")
    files = {
        "SPARSESIM_RTL_SCRIPT": str(write_cases(cases, folder / "cases.jsonl")),
        "SPARSESIM_RTL_RESULTS": str(results),
    }
    outcome = play(simulator, folder, "tests.rtl.machine_bench", MACHINE_BENCH, files)
    observed = read_observed(results)
    found = [differences(case, one) for case, one in zip(cases, observed, strict=False)]
    if outcome != PASSED or len(found) < len(cases):
        found += [["the simulator ended before this case did"]] * (len(cases) - len(found) or 1)
    return found


def long_run(cases: int, seed: int, per_build: int) -> Tally:
    """Random machines with `per_build` cases each, until there are enough."""
    rng, tally = np.random.default_rng(seed), Tally()
    while tally.cases < cases:
        machine, case_seed = random_build(rng), int(rng.integers(1 << 32))
        drawn = random_cases(machine, min(per_build, cases - tally.cases), case_seed)
        with tempfile.TemporaryDirectory() as folder:
            for case, found in zip(drawn, run_cases("verilator", machine, drawn, Path(folder)), strict=True):
                tally.add(case, found)
        print(f"{tally.cases} cases, {tally.cycles} cycles, {len(tally.different)} different", flush=True)
    return tally


def main() -> None:
    """The long run; exit status 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-build", type=int, default=100)
    chosen, begin = parser.parse_args(), time.perf_counter()
    tally = long_run(chosen.cases, chosen.seed, chosen.per_build)
    print(*tally.different, sep="\n")
    forms = ", ".join(f"{count} {form}" for form, count in sorted(tally.forms.items()))
    print(
        f"{tally.cases} cases ({forms}), {tally.tiles} tiles, {tally.jobs} jobs, {tally.cycles} cycles: ",
        end="",
    )
    print(f"{len(tally.different)} different; {time.perf_counter() - begin:.0f} s")
    raise SystemExit(1 if tally.different else 0)


if __name__ == "__main__":
    main()
