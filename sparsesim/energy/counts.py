"""What a layer and stage did, as counts: the input of the energy model."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ActionCounts:
    """Counts of one layer and stage, per sample (so they may be fractional); all finite and >= 0.

    The words are those of docs/microarchitecture.md. "Summed over PEs" means that an entry broadcast to
    eight groups counts eight times. Raises ValueError for a negative or non-finite count.

    macs: products computed (in the dense machine: all taps that fall inside).
    rejects: entries without a useful product, summed over PEs; each also counts in `entries`.
    entries: ch0 entries executed, summed over PEs.
    entries_delivered: ch0 entries written into slots, summed over the active groups.
    ch1_words_delivered: operand words written into Reg-1.
    drained_words: sums the PPUs take over (n_acc, once per accumulated position).
    added_words: sums of other PEs added at the drain: (P - 1) n_acc for SRC and MSRC, 0 for OSRC.
    result_words: operand words presented to the write ports.
    lines_read, lines_written: buffer lines moved between banks and array (partial sums included).
    headers: items whose row pointer was read by a fetch unit.
    jobs: jobs dispatched.
    dram_read_bytes, dram_write_bytes: off-chip traffic.
    dma_lines: buffer lines moved between banks and DMA.
    vector_operations: element operations of other work (batch-norm, pooling, additions, weight update).
    pe_busy_cycles: PE cycles in state busy, summed over PEs (rejects not included).
    cycles: duration in clock cycles, for leakage.
    """

    macs: float = 0.0
    rejects: float = 0.0
    entries: float = 0.0
    entries_delivered: float = 0.0
    ch1_words_delivered: float = 0.0
    drained_words: float = 0.0
    added_words: float = 0.0
    result_words: float = 0.0
    lines_read: float = 0.0
    lines_written: float = 0.0
    headers: float = 0.0
    jobs: float = 0.0
    dram_read_bytes: float = 0.0
    dram_write_bytes: float = 0.0
    dma_lines: float = 0.0
    vector_operations: float = 0.0
    pe_busy_cycles: float = 0.0
    cycles: float = 0.0

    def __post_init__(self) -> None:
        for name, count in vars(self).items():
            if not 0 <= count < math.inf:
                raise ValueError(f"{name} must be finite and not negative (got {count})")

    def __add__(self, other: ActionCounts) -> ActionCounts:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return ActionCounts(*(mine + others for mine, others in pairs))

    def times(self, factor: float) -> ActionCounts:
        """Every count multiplied by `factor` >= 0."""
        return ActionCounts(*(count * factor for count in vars(self).values()))
