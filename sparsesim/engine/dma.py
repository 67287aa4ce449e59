"""The DMA schedule of a program: when tiles start, given how long they take and what they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from compiler.target import Target


@dataclass(frozen=True)
class Schedule:
    """cycles: end of the program with memory behind the buffers; stalled_cycles: how long the array waited
    for it.
    """

    cycles: int
    stalled_cycles: int


def transfer_cycles(n_bytes: int, target: Target) -> int:
    """Cycles of one DMA transfer: latency + ceil(bytes / bandwidth); nothing for 0 bytes."""
    if n_bytes == 0:
        return 0
    rate = Fraction(target.dram_bytes_per_cycle).limit_denominator(1_000_000)
    return target.dram_latency_cycles + -(-n_bytes * rate.denominator // rate.numerator)


def schedule(tile_cycles: Sequence[int], transfers: Sequence[tuple[int, int]], target: Target) -> Schedule:
    """Run the tiles behind one in-order DMA channel (docs/microarchitecture.md section 9).

    transfers: (load bytes, store bytes) of each tile. Order on the channel: load 0, load 1, store 0, load
    2, store 1, ...
    """
    loads = [transfer_cycles(load, target) for load, _ in transfers]
    stores = [transfer_cycles(store, target) for _, store in transfers]
    channel, done, last_store = 0, 0, 0
    loaded = [0] * len(loads)
    for i, length in enumerate(tile_cycles):
        if i == 0:
            channel += loads[0]
            loaded[0] = channel
        if i + 1 < len(loads):
            # Load i + 1 goes before store i, behind store i - 1.
            channel += loads[i + 1]
            loaded[i + 1] = channel
        done = max(done, loaded[i]) + length
        # Also a store of nothing keeps its place: the half of tile i is in use until the tile ends.
        channel = max(channel, done) + stores[i]
        if stores[i]:
            last_store = channel
    end = max(done, last_store)
    return Schedule(end, end - sum(tile_cycles))
