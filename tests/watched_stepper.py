"""The stepper with a witness: what every part does, cycle by cycle, read off its blocks from outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from compiler.program import StageProgram
from sparsesim.engine.kernels import log
from sparsesim.stepper import BUSY, DISPATCH, REJECT
from sparsesim.stepper.items import Ch1Item, Operation
from sparsesim.stepper.machine import Machine
from sparsesim.stepper.pe import PE
from workloads.sparsity.masks import LayerMasks

# (track, unit) -> cycle -> (WHAT, JOB, FIRST, SECOND). The job of a PE is None while it is idle: the machine
# has no idea for which job a PE waits.
Seen = dict[tuple[int, int], dict[int, tuple[Any, ...]]]
_SLOT_FREE, _SLOT_HELD = -1, -2  # waits whose state the future decides


class WatchedPE(PE):
    """Notes its state in every cycle."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.history: list[tuple[int, int | None]] = []
        self._unknown: list[int] = []  # places of waits

    def execute(self) -> bool:
        running, busy = self._running, self._products_left > 0
        done = super().execute()
        if done:
            assert running is not None
            self.history.append((BUSY if busy else REJECT, running.job.index))  # type: ignore[attr-defined]
        return done

    def idle(self, state: int) -> None:
        super().idle(state)
        self.history.append((state, None))

    def wait(self, slot_free: bool) -> None:
        super().wait(slot_free)
        self._unknown.append(len(self.history))
        self.history.append((_SLOT_FREE if slot_free else _SLOT_HELD, None))

    def _resolve_wait(self, free: int, held: int) -> None:
        super()._resolve_wait(free, held)
        for place in self._unknown:
            self.history[place] = (free if self.history[place][0] == _SLOT_FREE else held, None)
        self._unknown.clear()


class WatchedMachine(Machine):
    """Notes before every clock edge what its blocks are at."""

    def __init__(self, program: StageProgram, tile_index: int, masks: LayerMasks) -> None:
        super().__init__(program, tile_index, masks)
        self.program = program
        self.seen: Seen = defaultdict(dict)
        self._fetching: dict[int, Any] = {}
        decode = self._controller._decoder.decode

        def numbered(index: int) -> Any:
            job = decode(index)
            job.index = index  # type: ignore[attr-defined]
            return job

        self._controller._decoder.decode = numbered  # type: ignore[method-assign]

    def _clock_edge(self) -> None:
        serving = self._controller._serving
        if serving is not None and self._controller._cycles_left > 0:
            cluster, job = serving
            self._see(log.CONTROLLER_TRACK, 0, log.JOB_DISPATCH, job.index, self._clusters.index(cluster), 0)
        for number, cluster in enumerate(self._clusters):
            self._see_fetch(number, cluster.fetch_unit)
            self._see_write(number, cluster)
        super()._clock_edge()

    def _see(self, track: int, unit: int, *what: Any) -> None:
        self.seen[track, unit][self._cycle] = what

    def _bursts(self, port: Any) -> Iterator[tuple[int, Any]]:
        """The bank that serves a port at this moment, and how many lines of the burst are over."""
        for number, bank in enumerate(self._banks):
            for burst in bank._bursts:
                if burst.request.requester is port:
                    yield number, burst.request.lines - burst.lines_left

    def _see_fetch(self, number: int, unit: Any) -> None:
        item = unit._port
        if item is None:
            return
        stream = -1 if unit._port_stream is None else unit._port_stream
        job = unit._job.index
        if self._fetching.get(number) is not item:
            self._fetching[number] = item
            self._see(log.FETCH_TRACK, number, log.HEADER, job, stream, 0)
            return
        kinds = {Operation: log.FETCH_OPERATION, Ch1Item: log.FETCH_CH1}
        self._see(log.FETCH_TRACK, number, log.FETCH_WAIT, job, stream, item.bank)
        for bank, _ in self._bursts(unit):
            what = kinds.get(type(item), log.FETCH_MASK)
            self._see(log.FETCH_TRACK, number, what, job, stream, bank)
            self._see(log.BANK_TRACK, bank, what, job, number, stream)

    def _see_write(self, number: int, cluster: Any) -> None:
        groups = cluster._groups
        for group in groups:
            ppu = group._ppu
            if ppu.holds_result:
                what = log.DRAIN if ppu._words_left > 0 else log.RESULT_WAIT
                bank = 0 if what == log.DRAIN else ppu.result.bank
                place = number * len(groups) + group.number
                self._see(log.PPU_TRACK, place, what, ppu._job.index, bank, 0)
        port = cluster.write_port
        ppu = port._serving
        if ppu is None:
            return
        job, result = ppu._job.index, ppu.result
        self._see(log.WRITE_TRACK, number, log.WRITE_WAIT, job, ppu.group, result.bank)
        for bank, over in self._bursts(port):
            what = log.SUMS_READ if over < result.lines_sums_read else log.WRITE
            self._see(log.WRITE_TRACK, number, what, job, ppu.group, bank)
            self._see(log.BANK_TRACK, bank, what, job, number, ppu.group)
            self._see(log.PPU_TRACK, number * len(groups) + ppu.group, log.WRITE, job, bank, 0)

    def finish(self) -> Seen:
        """Step to the end of the tile, the controller's switch included."""
        self.run()
        switch = range(self._cycle, self.counts.cycles)
        for cycle in switch:
            self.seen[log.CONTROLLER_TRACK, 0][cycle] = (log.TILE_SWITCH, -1, -1, 0)
        for c, cluster in enumerate(self._clusters):
            for g, group in enumerate(cluster._groups):
                for p, pe in enumerate(group._pes):
                    assert isinstance(pe, WatchedPE)
                    place = (c * len(group._pes) + p) * len(cluster._groups) + g
                    states = pe.history + [(DISPATCH, None)] * len(switch)
                    assert not pe._unknown
                    self.seen[log.PE_TRACK, place] = dict(enumerate(states))
        return self.seen


def watch_tile(program: StageProgram, tile_index: int, masks: LayerMasks) -> tuple[int, Seen]:
    """Length of a tile in cycles, and what every part did in each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparsesim.stepper.cluster.PE", WatchedPE)
        machine = WatchedMachine(program, tile_index, masks)
        seen = machine.finish()
    return machine.counts.cycles, seen
