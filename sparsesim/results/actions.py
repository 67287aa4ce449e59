"""From raw records to the counts energy is charged for."""

from __future__ import annotations

from compiler.program import Stage
from sparsesim.energy import ActionCounts
from sparsesim.engine.kernels import layout
from sparsesim.engine.record import OtherRecord, StageRecord
from sparsesim.machine import Machine


def line_bytes(machine: Machine) -> float:
    """Bytes of one buffer line."""
    return machine.buffer.line_bits / 8


def stage_actions(record: StageRecord, machine: Machine) -> ActionCounts:
    """The actions of a record, totals over its samples; `cycles` is the on-chip duration."""
    counts = record.counts
    states = record.states.sum(axis=0)
    drained = int(counts[layout.DRAINED_WORDS])
    # OSRC keeps every weight gradient in one PE only; SRC and MSRC add up the registers of all PEs of the
    # group.
    others = 0 if record.stage is Stage.GTW else machine.array.pes_per_group - 1
    return ActionCounts(
        macs=int(counts[layout.USEFUL]),
        rejects=int(states[layout.REJECT]),
        entries=int(counts[layout.ENTRIES]),
        entries_delivered=int(counts[layout.ENTRIES_DELIVERED]),
        ch1_words_delivered=int(counts[layout.CH1_WORDS]),
        drained_words=drained,
        added_words=others * drained,
        result_words=int(counts[layout.RESULT_WORDS]),
        lines_read=int(counts[layout.LINES_READ] + counts[layout.LINES_SUMS_READ]),
        lines_written=int(counts[layout.LINES_WRITTEN]),
        headers=int(counts[layout.HEADERS]),
        jobs=int(counts[layout.JOBS]),
        dram_read_bytes=record.dram_read_bytes,
        dram_write_bytes=record.dram_write_bytes,
        dma_lines=(record.dram_read_bytes + record.dram_write_bytes) / line_bytes(machine),
        pe_busy_cycles=int(states[layout.BUSY]),
        cycles=record.on_chip_cycles,
    )


def other_actions(record: OtherRecord, machine: Machine) -> ActionCounts:
    """The actions of other work, per sample: it streams through the buffer to the PPUs and back."""
    read = record.dram_read_bytes / line_bytes(machine)
    written = record.dram_write_bytes / line_bytes(machine)
    return ActionCounts(
        lines_read=read,
        lines_written=written,
        dram_read_bytes=record.dram_read_bytes,
        dram_write_bytes=record.dram_write_bytes,
        dma_lines=read + written,
        vector_operations=record.vector_operations,
        cycles=record.cycles,
    )
