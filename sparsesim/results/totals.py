"""All actions of a run, per sample, in both accountings: what its energy is computed from.

Energy is linear in the counts, so a run's total with any table is that of these; layer by layer it is
sparsesim.results.result that computes it, from the same means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from sparsesim.energy import ActionCounts
from sparsesim.engine.record import StageRecord, StepRecords
from sparsesim.machine import Machine
from sparsesim.results.actions import other_actions, stage_actions
from sparsesim.results.parts import STAGES, Accounts
from sparsesim.results.samples import Costed


class TotalActions(NamedTuple):
    """The actions of a run per sample; `cycles` is the duration that leaks.

    on_chip: convolution and FC stages in on-chip cycles, nothing off chip. with_dram: the whole step.
    """

    on_chip: ActionCounts
    with_dram: ActionCounts


def costed(records: StepRecords, run: str, machine: Machine) -> list[Costed]:
    """The records of a run with their actions."""
    return [(record, stage_actions(record, machine)) for record in records.stages if record.run == run]


def by_layer_and_stage(items: Sequence[Costed]) -> Iterator[list[Costed]]:
    """The records of each layer and stage, in forward order."""

    def place(item: Costed) -> tuple[int, str, int]:
        return item[0].index, item[0].layer, STAGES.index(item[0].stage.value)

    for _, found in groupby(sorted(items, key=place), key=place):
        yield list(found)


def sample_count(records: Sequence[StageRecord]) -> int:
    """Samples that the records of one layer and stage stand for together."""
    return sum(record.samples for record in records)


def mean_actions(items: Sequence[Costed]) -> ActionCounts:
    """Actions of one layer and stage per sample, in on-chip cycles."""
    totals = sum((actions for _, actions in items), ActionCounts())
    return totals.times(1 / sample_count([record for record, _ in items]))


def mean_cycles(records: Sequence[StageRecord]) -> Accounts:
    """Cycles of one layer and stage per sample."""
    samples = sample_count(records)
    return Accounts(
        sum(record.on_chip_cycles for record in records) / samples,
        sum(record.with_dram_cycles for record in records) / samples,
    )


def total_actions(records: StepRecords, run: str, machine: Machine) -> TotalActions:
    """The actions of `run`, one of records.runs, with the work outside the convolutions.

    machine: the one described, for the dense run too (words and lines are as wide in both).
    """
    stages = list(by_layer_and_stage(costed(records, run, machine)))
    inside = sum((mean_actions(items) for items in stages), ActionCounts())
    cycles = sum(mean_cycles([record for record, _ in items]).with_dram for items in stages)
    other = sum((other_actions(record, machine) for record in records.other.get(run, ())), ActionCounts())
    return TotalActions(
        replace(inside, dram_read_bytes=0.0, dram_write_bytes=0.0),
        replace(inside, cycles=cycles) + other,
    )
