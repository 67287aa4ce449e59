"""The DMA channel against the array: the schedule of docs/microarchitecture.md section 9, clock by clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from compiler.target import Target


@dataclass(frozen=True)
class DmaTransfer:
    """The load or the store of a tile, and the cycles it holds the channel."""

    is_store: bool
    tile: int
    cycles: int


def transfer_cycles(transferred_bytes: float, target: Target) -> int:
    """Cycles of one transfer: latency plus bytes over bandwidth, rounded up; nothing for 0 bytes."""
    if transferred_bytes == 0:
        return 0
    rate = Fraction(str(target.dram_bytes_per_cycle)).limit_denominator(1_000_000)
    return target.dram_latency_cycles + math.ceil(Fraction(transferred_bytes) / rate)


def transfer_order(transfers: Sequence[tuple[float, float]], target: Target) -> list[DmaTransfer]:
    """load 0, load 1, store 0, load 2, store 1, ... of (load bytes, store bytes) per tile."""
    loads = [DmaTransfer(False, i, transfer_cycles(load, target)) for i, (load, _) in enumerate(transfers)]
    stores = [DmaTransfer(True, i, transfer_cycles(store, target)) for i, (_, store) in enumerate(transfers)]
    order = loads[:1]
    for i, store in enumerate(stores):
        order += [*loads[i + 1 : i + 2], store]
    return order


class Schedule:
    """Runs tiles of known lengths against the transfers, in order and one cycle at a time."""

    def __init__(self, tile_cycles: Sequence[int], order: Sequence[DmaTransfer]) -> None:
        self._tile_cycles = tile_cycles
        self._order = list(order)
        self.cycle = 0
        self.dram_cycles = 0
        self.dma_busy_cycles = 0
        self._loaded = 0  # tiles whose load is complete
        self._started = 0
        self._ended = 0
        self._tile_left = 0
        self._transfer: DmaTransfer | None = None
        self._transfer_left = 0

    def run(self) -> None:
        """Step until the last tile and the last store are complete."""
        self._settle()
        while self._order or self._transfer is not None or self._ended < len(self._tile_cycles):
            self._tick()

    def _tick(self) -> None:
        self._transfer_left -= 1
        self._tile_left -= 1
        self.dma_busy_cycles += self._transfer is not None
        self.dram_cycles += self._started == self._ended
        self.cycle += 1
        self._settle()

    def _settle(self) -> None:
        """What ends at this clock edge, and what it lets begin; what has no length ends at once."""
        while self._end_transfer() or self._end_tile() or self._start_tile() or self._start_transfer():
            pass

    def _end_transfer(self) -> bool:
        if self._transfer is None or self._transfer_left > 0:
            return False
        self._loaded += not self._transfer.is_store
        self._transfer = None
        return True

    def _end_tile(self) -> bool:
        if self._started == self._ended or self._tile_left > 0:
            return False
        self._ended += 1
        return True

    def _start_tile(self) -> bool:
        if self._started > self._ended or self._started == self._loaded:
            return False
        self._tile_left = self._tile_cycles[self._started]
        self._started += 1
        return True

    def _start_transfer(self) -> bool:
        if self._transfer is not None or not self._order or not self._may_start(self._order[0]):
            return False
        self._transfer = self._order.pop(0)
        self._transfer_left = self._transfer.cycles
        return True

    def _may_start(self, transfer: DmaTransfer) -> bool:
        return not transfer.is_store or transfer.tile < self._ended
