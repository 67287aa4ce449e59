"""Turns jobs into a script for the PE: what its inputs are in every cycle, and what its outputs must be.

When an operation starts, and whether a cycle is busy or a reject, is said by the stepper's PE, which runs
along; the loads keep the rules of docs/microarchitecture.md for slots, ch1 vectors, masks and the drain. The
script does not depend on the RTL, so a PE that is late by a cycle is seen at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler.program import RowOperation
from sparsesim.stepper.counters import BUSY, REJECT, TileCounts
from sparsesim.stepper.items import Operation
from sparsesim.stepper.jobs import Job
from sparsesim.stepper.pe import PE
from tests.rtl.ports import (
    Inputs,
    Machine,
    fill_steps,
    mask_word,
    operation_word,
    packed,
    reg1_steps,
    tap_step,
)
from tests.rtl.row_operations import PeJob, RowOp


@dataclass
class Cycle:
    """Inputs that are not 0, and outputs that must be seen before the next clock edge."""

    inputs: Inputs = field(default_factory=dict)
    outputs: Inputs = field(default_factory=dict)


@dataclass(eq=False)
class _Load:
    """On its way into the PE, one dict of inputs a cycle.

    It waits until operations 0..after_operation have ended and the drain of job after_drain is over.
    """

    steps: list[Inputs]
    job: int
    after_operation: int = -1
    after_drain: int = -1
    operation: Operation | None = None


@dataclass(eq=False)
class _Running:
    """A job, its identity for the stepper, and its operations that have not ended."""

    job: PeJob
    identity: Job
    loads_left: int = 0
    operations: list[Operation] = field(default_factory=list)


class Script:
    """Plays jobs through the stepper's PE and records the cycles, for any number of calls of `play`."""

    def __init__(self, machine: Machine, rng: np.random.Generator) -> None:
        self.cycles: list[Cycle] = []
        self._machine = machine
        self._rng = rng
        self._states = np.zeros(6, np.int64)
        counts = TileCounts(self._states.reshape(1, 1, 6))
        self._pe = PE(0, machine.macs_per_pe, self._states, counts)
        self._jobs: list[_Running] = []
        self._loads: deque[_Load] = deque()
        self._operations: list[Operation] = []
        self._last_of_set = [-1, -1]  # number of the last operation that uses each ch1 vector and tap set
        self._blocks = 0
        self._issued = 0
        self._current = 0
        self._last_slot = 0
        self._gap = 0
        self._drain_at = -1

    def play(self, jobs: Sequence[PeJob]) -> None:
        """The jobs in order, loads running ahead as far as there is room, until all are drained."""
        for job in jobs:
            self._jobs.append(_Running(job, Job(range(1), len(job.sums), [])))
            self._add_loads(self._jobs[-1], len(self._jobs) - 1)
        hurry = self._rng.random() < 0.5
        while self._current < len(self._jobs):
            self._step(0 if hurry else 3)

    # What is loaded, in order.

    def _add_loads(self, running: _Running, number: int) -> None:
        job, before = running.job, len(self._loads)
        is_osrc = job.operation is RowOperation.OSRC
        for place in range(len(job.blocks)):
            tap_set = self._blocks % 2 if is_osrc else number % 2
            self._blocks += is_osrc
            self._add_block(running, place, number, tap_set)
            for operation in job.operations:
                if operation.block == place:
                    self._add_operation(running, operation, number, tap_set)
        running.loads_left = len(self._loads) - before

    def _add_block(self, running: _Running, place: int, number: int, tap_set: int) -> None:
        block, base = running.job.blocks[place], tap_set * self._machine.reg1_words
        steps = reg1_steps(self._machine, [(base + at, word) for at, word in block.ch1]) or [{}]
        steps[0] = steps[0] | tap_step(self._machine, tap_set, block.taps)
        if running.job.operation is RowOperation.OSRC:
            steps[0]["reg1_clear"] = 1 << tap_set
        self._loads.append(_Load(steps, number, self._last_of_set[tap_set], number - 2))

    def _add_operation(self, running: _Running, operation: RowOp, number: int, tap_set: int) -> None:
        machine, order = self._machine, len(self._operations)
        slot, last = self._take_slot(order)
        kernel_row = slot * len(operation.weights)
        base = tap_set * machine.reg1_words if running.job.operation is RowOperation.OSRC else kernel_row
        steps = fill_steps(machine, operation.entries, self._rng)
        steps += reg1_steps(machine, list(enumerate(operation.weights, kernel_row)))
        steps += [{} for _ in range(int(self._rng.integers(0, 3)))]
        word = operation_word(machine, running.job, number % 2, tap_set, base, operation)
        steps = [step | {"fill_slot": slot} for step in steps]
        steps[-1] |= {"arrive": 1, "arriving_operation": word}
        stepped = Operation(0, len(steps), running.identity, (operation.products,), 0)
        self._operations.append(stepped)
        running.operations.append(stepped)
        self._last_of_set[tap_set] = order
        self._loads.append(_Load(steps, number, last, number - 2, stepped))

    def _take_slot(self, order: int) -> tuple[int, int]:
        """(slot, the operation that must have ended). A PE that was left out of a job sees a slot skipped."""
        slots = self._machine.row_slots
        skip = int(self._rng.integers(0, slots)) if self._rng.random() < 0.1 else 0
        self._last_slot = (self._last_slot + 1 + skip) % slots
        return self._last_slot, order - (1 if skip else slots)

    # The clock.

    def _step(self, most_gap: int) -> None:
        now, running = len(self.cycles), self._jobs[self._current]
        cycle = Cycle({"current_job": self._current % 2, "sums_mask": mask_word(running.job.mask)})
        self.cycles.append(cycle)
        if self._drain_at < 0 and not running.loads_left and all(op.finished_by for op in running.operations):
            wait = int(self._rng.integers(0, most_gap + 1))
            self._drain_at = now + self._machine.pipeline_cycles + wait
        last_drain = self._drain(cycle, now, running)
        self._load(cycle, now, most_gap)
        self._execute(cycle, now, running)
        if last_drain:
            self._current, self._drain_at = self._current + 1, -1

    def _drain(self, cycle: Cycle, now: int, running: _Running) -> bool:
        """One cycle of the drain if it has begun; whether it is the last."""
        per_cycle, address = self._machine.ppu_words_per_cycle, 0
        if self._drain_at < 0 or now < self._drain_at:
            return False
        address = (now - self._drain_at) * per_cycle
        cycle.inputs |= {"drain": 1, "drain_address": address}
        sums = running.job.sums[address : address + per_cycle]
        cycle.outputs["drained"] = packed((value, self._machine.sum_bits) for value in sums)
        return address + per_cycle >= len(running.job.sums)

    def _load(self, cycle: Cycle, now: int, most_gap: int) -> None:
        load = self._loads[0] if self._loads else None
        if self._gap or load is None or not self._may_load(load):
            self._gap -= self._gap > 0
            return
        if load.operation is not None and load.operation.number < 0:
            load.operation.number = self._issued
            self._issued += 1
            self._pe.issue(load.operation)
        cycle.inputs |= load.steps.pop(0)
        if load.steps:
            return
        self._loads.popleft()
        self._jobs[load.job].loads_left -= 1
        self._gap = int(self._rng.integers(0, most_gap + 1))
        if load.operation is not None:
            load.operation.arrives_at = now + 1

    def _may_load(self, load: _Load) -> bool:
        # Operations end in order.
        last = load.after_operation
        ended = last < 0 or bool(self._operations[last].finished_by)
        return ended and self._current > load.after_drain

    def _execute(self, cycle: Cycle, now: int, running: _Running) -> None:
        before, ended = self._states.copy(), sum(1 for op in running.operations if op.finished_by)
        self._pe.start(now, running.identity)
        self._pe.execute()
        self._pe.clock_edge()
        cycle.outputs["busy"] = int(self._states[BUSY] - before[BUSY])
        cycle.outputs["reject"] = int(self._states[REJECT] - before[REJECT])
        cycle.outputs["done"] = sum(1 for op in running.operations if op.finished_by) - ended
