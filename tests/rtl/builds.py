"""The machines the PE is built for in the tests, and scripts of random row operations for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.target import Target
from tests.builders import ONE_PE
from tests.rtl.ports import Machine
from tests.rtl.row_operations import PeJob, drawn_geometries, random_job, random_layer
from tests.rtl.script import Script

# The default machine; one without mask skipping, with a short pipeline; a wide one of odd sizes.
MACHINES = {
    "default": Machine(),
    "two_macs": Machine(
        macs_per_pe=2, row_slots=3, pipeline_cycles=1, ppu_words_per_cycle=2, line_bits=64, mask_skipping=0
    ),
    "four_macs": Machine(
        macs_per_pe=4,
        row_slots=1,
        row_slot_entries=48,
        reg1_words=24,
        reg2_words=40,
        pipeline_cycles=2,
        ppu_words_per_cycle=3,
        line_bits=256,
        input_skipping=0,
    ),
}


@dataclass(frozen=True)
class Cases:
    """A script and the row operations in it."""

    script: Script
    jobs: list[PeJob]

    @property
    def row_operations(self) -> int:
        return sum(len(job.operations) for job in self.jobs)


def target_of(machine: Machine, rng: np.random.Generator) -> Target:
    """The machine as the stepper and the engine see it; what it can skip is switched on and off."""
    return replace(
        ONE_PE,
        macs_per_pe=machine.macs_per_pe,
        row_slots=machine.row_slots,
        row_slot_entries=machine.row_slot_entries,
        reg1_words=machine.reg1_words,
        reg2_words=machine.reg2_words,
        pipeline_cycles=machine.pipeline_cycles,
        ppu_words_per_cycle=machine.ppu_words_per_cycle,
        words_per_line=machine.words_per_line,
        mask_skipping=bool(machine.mask_skipping and rng.random() < 0.8),
        input_skipping=bool(machine.input_skipping and rng.random() < 0.8),
    )


def random_cases(machine: Machine, row_operations: int, seed: int) -> Cases:
    """At least so many row operations, a few jobs of a layer behind each other, layer after layer."""
    rng, drawn = np.random.default_rng(seed), drawn_geometries(seed)
    cases = Cases(Script(machine, rng), [])
    while cases.row_operations < row_operations:
        layer = random_layer(target_of(machine, rng), rng, drawn)
        jobs = [random_job(layer, rng) for _ in range(int(rng.integers(1, 5)))]
        cases.jobs.extend(jobs)
        cases.script.play(jobs)
    return cases
