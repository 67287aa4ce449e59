"""What is counted while the machine steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# States of a PE, the last axis of TileCounts.pe_states (docs/microarchitecture.md section 8).
BUSY, REJECT, IMBALANCE, BUFFER, PPU, DISPATCH = range(6)
STATE_NAMES = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch")


@dataclass
class TileCounts:
    """Counters of one tile, whole numbers.

    cycles: length of the tile, tile_switch_cycles included.
    pe_states: int64[groups, pes_per_group, 6]: cycles of each PE in BUSY .. DISPATCH; their sum is `cycles`.
        Group g of cluster k is row k * groups_per_cluster + g.
    useful_products: products computed by all PEs; entries: ch0 entries processed, summed over the PEs.
    headers: items whose header was read (mask items, ch1 items and empty operations too).
    operations, empty_operations: row operations per stream, not per group.
    lines_read: lines the fetch ports transferred. lines_sums_read, lines_written: lines the write ports
        read as earlier partial sums, and wrote.
    ch0_entries_delivered: entries times active groups. ch1_words_delivered: words written into Reg-1s;
        SRC and MSRC out_count x Kw per non-empty operation; OSRC, per ch1 item, its non-zero values
        (its positions in the dense machine).
    drained_words: sum of n_acc over the drains. result_words: words of finished results plus partial
        sums (one per sum, whatever its width) given to the write ports. jobs: jobs dispatched.
    """

    pe_states: NDArray[np.int64]
    cycles: int = 0
    useful_products: int = 0
    entries: int = 0
    headers: int = 0
    operations: int = 0
    empty_operations: int = 0
    lines_read: int = 0
    lines_sums_read: int = 0
    lines_written: int = 0
    ch0_entries_delivered: int = 0
    ch1_words_delivered: int = 0
    drained_words: int = 0
    result_words: int = 0
    jobs: int = 0


@dataclass(frozen=True)
class ProgramCounts:
    """Counters of a program: its tiles, and both accountings of docs/microarchitecture.md section 9.

    on_chip_cycles: sum of the tile lengths. with_dram_cycles: end of the DMA schedule.
    dram_cycles: cycles of the schedule in which no tile runs. dma_busy_cycles: cycles in which the channel
    transfers, latency included.
    """

    tiles: tuple[TileCounts, ...]
    on_chip_cycles: int
    with_dram_cycles: int
    dram_cycles: int
    dma_busy_cycles: int
