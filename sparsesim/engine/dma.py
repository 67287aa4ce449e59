"""The DMA schedule of a program: when tiles run and transfers move, given how long and how large they are."""

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


Span = tuple[int, int]  # cycles [start, end)


@dataclass(frozen=True)
class Timetable:
    """When the parts of a program are under way, one span per tile each; one that moves nothing is empty."""

    loads: tuple[Span, ...]
    tiles: tuple[Span, ...]
    stores: tuple[Span, ...]

    @property
    def cycles(self) -> int:
        """The end of the last tile and of the last store that moves something."""
        stored = [end for start, end in self.stores if end > start]
        return max([end for _, end in self.tiles[-1:]] + stored, default=0)


def transfer_cycles(n_bytes: int, target: Target) -> int:
    """Cycles of one DMA transfer: latency + ceil(bytes / bandwidth); nothing for 0 bytes."""
    if n_bytes == 0:
        return 0
    rate = Fraction(target.dram_bytes_per_cycle).limit_denominator(1_000_000)
    return target.dram_latency_cycles + -(-n_bytes * rate.denominator // rate.numerator)


def timetable(tile_cycles: Sequence[int], transfers: Sequence[tuple[int, int]], target: Target) -> Timetable:
    """Run the tiles behind one in-order DMA channel (docs/microarchitecture.md section 9).

    transfers: (load bytes, store bytes) of each tile. Order on the channel: load 0, load 1, store 0, load
    2, store 1, ...
    """
    lengths = [transfer_cycles(load, target) for load, _ in transfers]
    loads, tiles, stores = [(0, length) for length in lengths[:1]], [], []
    channel, done = sum(lengths[:1]), 0
    for i, length in enumerate(tile_cycles):
        if i + 1 < len(lengths):
            # Load i + 1 goes before store i, behind store i - 1.
            loads.append((channel, channel + lengths[i + 1]))
            channel = loads[-1][1]
        start = max(done, loads[i][1])
        done = start + length
        tiles.append((start, done))
        # Also a store of nothing keeps its place: the half of tile i is in use until the tile ends.
        stored = max(channel, done)
        channel = stored + transfer_cycles(transfers[i][1], target)
        stores.append((stored, channel))
    return Timetable(tuple(loads), tuple(tiles), tuple(stores))


def schedule(tile_cycles: Sequence[int], transfers: Sequence[tuple[int, int]], target: Target) -> Schedule:
    """How long the program takes behind the off-chip memory. Arguments as `timetable`."""
    end = timetable(tile_cycles, transfers, target).cycles
    return Schedule(end, end - sum(tile_cycles))
