"""A processing element: one entry at a time, macs_per_pe products a cycle."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from sparsesim.stepper.counters import BUFFER, BUSY, IMBALANCE, REJECT, TileCounts
from sparsesim.stepper.items import Operation
from sparsesim.stepper.jobs import Job


class PE:
    """PE of group `group` (of its cluster) at one stream position.

    states: int64[6], this PE's row of TileCounts.pe_states.
    """

    def __init__(self, group: int, macs_per_pe: int, states: NDArray[np.int64], counts: TileCounts) -> None:
        self._group = group
        self._macs = macs_per_pe
        self._states = states
        self._counts = counts
        self._todo: deque[Operation] = deque()
        self._running: Operation | None = None
        self._entry = 0
        self._products_left = 0
        # Idle cycles after dispatch, by whether the slot of the next operation was free. What they were is
        # known when that operation starts, or when there turns out to be none (rules 4 and 5 of section 8).
        self._waited_slot_free = 0
        self._waited_slot_held = 0

    def issue(self, operation: Operation) -> None:
        """The PE will execute this operation after those issued before."""
        self._todo.append(operation)

    def has_work_of(self, job: Job) -> bool:
        """Whether an issued operation of the job is not finished here."""
        running = self._running is not None and self._running.job is job
        return running or any(operation.job is job for operation in self._todo)

    def next_number(self, stream_next_number: int) -> int:
        """Number of the operation this PE executes next."""
        return self._todo[0].number if self._todo else stream_next_number

    def start(self, cycle: int, job: Job | None) -> None:
        """Start the next operation if it has arrived and belongs to the job whose sums Reg-2 may hold."""
        if self._running is not None or not self._todo or self._todo[0].job is not job:
            return
        arrives_at = self._todo[0].arrives_at
        if arrives_at is not None and arrives_at <= cycle:
            self._running = self._todo.popleft()
            self._load_entry(0)
            self._resolve_wait(free=BUFFER, held=IMBALANCE)

    def execute(self) -> bool:
        """One cycle of work; False if there is none."""
        if self._running is None:
            return False
        self._states[BUSY if self._products_left else REJECT] += 1
        retired = min(self._products_left, self._macs)
        self._products_left -= retired
        self._counts.useful_products += retired
        if self._products_left == 0:
            self._counts.entries += 1
            self._load_entry(self._entry + 1)
        return True

    def _load_entry(self, entry: int) -> None:
        assert self._running is not None
        self._entry = entry
        if entry < self._running.entries:
            self._products_left = self._running.products[self._group][entry]

    def clock_edge(self) -> None:
        """Finish the operation if the last cycle ended its last entry."""
        if self._running is not None and self._entry == self._running.entries:
            self._running.finished_by.add(self._group)
            self._running = None

    def idle(self, state: int) -> None:
        """An idle cycle whose state is known at once."""
        self._states[state] += 1

    def wait(self, slot_free: bool) -> None:
        """An idle cycle in which the PE waits for an operation that may or may not come."""
        if slot_free:
            self._waited_slot_free += 1
        else:
            self._waited_slot_held += 1

    def no_further_operation(self) -> None:
        """The job is done: what the PE waited for since its last operation did not come."""
        self._resolve_wait(free=IMBALANCE, held=IMBALANCE)

    def _resolve_wait(self, free: int, held: int) -> None:
        self._states[free] += self._waited_slot_free
        self._states[held] += self._waited_slot_held
        self._waited_slot_free = self._waited_slot_held = 0
