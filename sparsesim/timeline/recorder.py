"""The spans of one stage in a window: the engine runs the tiles in it again, with a log."""

from __future__ import annotations

import numpy as np

from compiler.program import StageProgram
from sparsesim.engine.dma import Span, timetable
from sparsesim.engine.kernels.layout import new_state
from sparsesim.engine.kernels.log import (
    END,
    JOB,
    LOG_COLUMNS,
    PE_TRACK,
    START,
    TRACK,
    UNIT,
    WHAT,
    new_log,
)
from sparsesim.engine.kernels.tile import run_tile
from sparsesim.engine.operands import pack_operands
from sparsesim.engine.stage import kernel_machine, run_stage
from sparsesim.timeline.tracks import (
    DRAM,
    LOAD,
    MEMORY_WAIT,
    STORE,
    TILE,
    TILE_TRACK,
    TRANSFER_TRACK,
    Spans,
)
from sparsesim.timeline.window import Window
from workloads.sparsity.masks import LayerMasks


class TooManySpans(Exception):
    """A window holds more spans than there is room for. found: how many."""

    def __init__(self, found: int) -> None:
        super().__init__(found)
        self.found = found


class StageRecorder:
    """A stage that has been run once: outcome and timetable are of the whole of it."""

    def __init__(self, program: StageProgram, masks: LayerMasks) -> None:
        self.program = program
        self.outcome = run_stage(program, masks)
        self.timetable = timetable(self.outcome.tile_cycles, self.outcome.transfers, program.target)
        self._operands = pack_operands(program, masks)
        self._machine = kernel_machine(program.target)

    @property
    def cycles(self) -> int:
        """Length of the schedule with off-chip memory."""
        return self.outcome.schedule.cycles

    @property
    def whole(self) -> Window:
        return Window(0, self.cycles)

    def spans(self, window: Window, most: int) -> Spans:
        """All spans that meet the window, cut to it, in order of track, unit and time.

        Neighbouring spans of a PE in one state and job are one. most: at most so many of them before that;
        TooManySpans if there are more.
        """
        parts = [self._around_tiles(), self._waiting_pes(window)]
        found = len(parts[1])
        for index, (start, end) in enumerate(self.timetable.tiles):
            if start < window.last and end > window.first:
                spans, used = self._of_tile(index, window, most - found)
                parts.append(spans)
                found += used
        if found > most:
            raise TooManySpans(found)
        return _merged(_cut(np.concatenate(parts), window))

    def _of_tile(self, index: int, window: Window, most: int) -> tuple[Spans, int]:
        """Spans of a tile, as many as there is room for, and how many there are."""
        tile, start = self.program.tiles[index], self.timetable.tiles[index][0]
        log = new_log(max(most, 0), window.first - start, window.last - start)
        jobs = self.program.jobs[tile.job_start : tile.job_end]
        run_tile(jobs, self._machine, self._operands, new_state(self._machine, log))
        used = int(log.used[0])
        spans = log.spans[:used].copy()
        spans[:, [START, END]] += start
        spans[spans[:, JOB] >= 0, JOB] += tile.job_start
        return spans, used

    def _around_tiles(self) -> Spans:
        """Tiles, transfers, and the cycles in which no tile runs."""
        rows = [(TILE_TRACK, 0, *span, TILE, -1, i, 0) for i, span in enumerate(self.timetable.tiles)]
        rows += [(TILE_TRACK, 0, *span, MEMORY_WAIT, -1, -1, 0) for span in self._waits()]
        for i, (load, store) in enumerate(self.outcome.transfers):
            rows.append((TRANSFER_TRACK, 0, *self.timetable.loads[i], LOAD, -1, i, load))
            rows.append((TRANSFER_TRACK, 0, *self.timetable.stores[i], STORE, -1, i, store))
        return np.array(rows, dtype=np.int64)

    def _waiting_pes(self, window: Window) -> Spans:
        """The same cycles in every PE."""
        waits = [(start, end) for start, end in self._waits() if start < window.last and end > window.first]
        target = self.program.target
        pes = target.groups * target.pes_per_group
        spans = np.zeros((len(waits) * pes, LOG_COLUMNS), dtype=np.int64)
        spans[:, TRACK], spans[:, WHAT], spans[:, JOB] = PE_TRACK, DRAM, -1
        spans[:, UNIT] = np.tile(np.arange(pes), len(waits))
        spans[:, [START, END]] = np.repeat(np.reshape(waits, (-1, 2)), pes, axis=0)
        return spans

    def _waits(self) -> list[Span]:
        """The cycles in which no tile runs."""
        tiles = self.timetable.tiles
        starts = [start for start, _ in tiles] + [self.cycles]
        ends = [0] + [end for _, end in tiles]
        return [(a, b) for a, b in zip(ends, starts, strict=True) if a < b]


def _cut(spans: Spans, window: Window) -> Spans:
    """Spans cut to the window; those that do not meet it are left out."""
    spans[:, START] = np.maximum(spans[:, START], window.first)
    spans[:, END] = np.minimum(spans[:, END], window.last)
    return spans[spans[:, START] < spans[:, END]]


def _merged(spans: Spans) -> Spans:
    """Spans in order of track, unit and time, with what a PE does on and on as one."""
    spans = spans[np.lexsort((spans[:, START], spans[:, UNIT], spans[:, TRACK]))]
    same = np.all(spans[1:, [TRACK, UNIT, WHAT, JOB]] == spans[:-1, [TRACK, UNIT, WHAT, JOB]], axis=1)
    same &= (spans[1:, TRACK] == PE_TRACK) & (spans[1:, START] == spans[:-1, END])
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    merged = spans[first]
    merged[:, END] = spans[np.append(first[1:], len(spans)) - 1, END]
    return merged
