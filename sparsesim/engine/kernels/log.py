"""What was when: spans of time that the tile kernel notes down if it is given a log.

Without one (None) numba drops every note before it compiles: the kernels that count carry nothing of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import BUSY, REJECT

# Columns of Log.spans. Cycles count from the start of the tile, jobs from its first; job -1: of none.
TRACK, UNIT, START, END, WHAT, JOB, FIRST, SECOND = range(8)
LOG_COLUMNS = 8

# Tracks: what UNIT, FIRST and SECOND are. c: cluster, g: group of the cluster, p: stream.
PE_TRACK = 0  # (c * streams + p) * groups + g
FETCH_TRACK = 1  # c; stream (-1: a mask item), bank (of a header 0)
WRITE_TRACK = 2  # c; group, bank
BANK_TRACK = 3  # bank; cluster, stream or group
PPU_TRACK = 4  # c * groups + g; bank
CONTROLLER_TRACK = 5  # 0; cluster
N_TRACKS = 6

# WHAT of a PE are the states of layout.py; of the others:
HEADER, FETCH_WAIT, FETCH_OPERATION, FETCH_CH1, FETCH_MASK = range(5)  # also of a bank: what is fetched
WRITE_WAIT, SUMS_READ, WRITE = 5, 6, 7  # waiting for the bank; its lines read and written
DRAIN, RESULT_WAIT = 8, 9  # of a PPU, which holds its result until it is written
JOB_DISPATCH, TILE_SWITCH = 10, 11


class Log(NamedTuple):
    """Where spans are noted down.

    spans: int64[capacity, LOG_COLUMNS]. used: int64[1], spans met, also those there was no room for. window:
    int64[2], cycles [first, last) of the tile; spans that do not meet it are left out, the others stay whole.
    """

    spans: NDArray[np.int64]
    used: NDArray[np.int64]
    window: NDArray[np.int64]


class PeLog(NamedTuple):
    """The log with the PE and the job whose cycles are noted."""

    log: Any  # Log or None
    unit: int
    job: int


def new_log(capacity: int, first: int, last: int) -> Log:
    """An empty log of the cycles [first, last) of a tile."""
    spans = np.empty((capacity, LOG_COLUMNS), dtype=np.int64)
    return Log(spans, np.zeros(1, dtype=np.int64), np.array([first, last], dtype=np.int64))


@piece
def note(log, track, unit, start, end, what, job, first, second):  # type: ignore[no-untyped-def]
    """Note down that a unit did something in the cycles [start, end)."""
    if log is None:
        return
    if start < end and start < log.window[1] and end > log.window[0]:
        place = log.used[0]
        log.used[0] = place + 1
        if place < log.spans.shape[0]:
            log.spans[place, TRACK] = track
            log.spans[place, UNIT] = unit
            log.spans[place, START] = start
            log.spans[place, END] = end
            log.spans[place, WHAT] = what
            log.spans[place, JOB] = job
            log.spans[place, FIRST] = first
            log.spans[place, SECOND] = second


@piece
def pe_log(machine, state, c, p, g):  # type: ignore[no-untyped-def]
    """Where the cycles of PE (c, p, g) are noted; its job is the one its cluster fetches."""
    return PeLog(state.log, (c * machine.streams + p) * machine.groups + g, state.job[c])


@piece
def note_state(at, start, end, state):  # type: ignore[no-untyped-def]
    """Note down that a PE was in a state in the cycles [start, end). at: a PeLog."""
    note(at.log, PE_TRACK, at.unit, start, end, state, at.job, 0, 0)


@piece
def entry_cost(planes, column, weights, q):  # type: ignore[no-untyped-def]
    """(cycles, rejects) of the ch0 entry at position q: what pe.run_masked sums over all entries at once."""
    cycles, rejects = 0, 0
    for j in range(planes.shape[0]):
        one = np.int64((planes[j, column] >> np.uint64(q)) & np.uint64(1))
        cycles += weights[0, j] * one
        rejects += weights[2, j] * one
    return cycles, rejects


@piece
def note_entries(at, end, word, planes, column, weights):  # type: ignore[no-untyped-def]
    """Note down runs of busy and of reject cycles of an operation that ends in a PE in cycle `end`.

    Backwards: the last entry comes first.
    """
    since, state = end, BUSY
    for place in range(64):
        q = 63 - place
        if (word >> np.uint64(q)) & np.uint64(1) == np.uint64(0):
            continue
        cycles, rejects = entry_cost(planes, column, weights, q)
        found = REJECT if rejects > 0 else BUSY
        if found != state:
            note_state(at, since, end, state)
            end, state = since, found
        since -= cycles
    note_state(at, since, end, state)


@piece
def note_operation(log, unit, job, free, word, planes, first, active, weights):  # type: ignore[no-untyped-def]
    """Note down what the PEs of a stream do with an operation they have just run.

    unit: PE of group 0; free: int64[G], the cycles in which they end; the others as in pe.run_masked.
    """
    if log is None:
        return
    for g in range(active):
        column = first + g if planes.shape[1] > 1 else 0
        note_entries(PeLog(log, unit + g, job), free[g], word, planes, column, weights)
