"""One tile, exactly, without stepping the clock: events at banks and controller in order of time.

Between two events nothing interacts: a PE's timeline follows from the arrival of its rows (pe.py), so the
state
at the next event is computed, not stepped. Events are bank requests of fetch units and write ports and job
requests
to the controller; they are served in the order of docs/microarchitecture.md sections 5 and 7.
"""

from __future__ import annotations

from compiler.program import JOB_OUT_COUNT
from sparsesim.engine.kernels.fetch import choose_item, serve_item, set_ready, start_stream
from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import (
    CONTROLLER_FREE,
    EVENT_DISPATCH,
    EVENT_FETCH,
    EVENT_WRITE,
    JOBS,
    NEVER,
    NEXT_JOB,
)
from sparsesim.engine.kernels.log import CONTROLLER_TRACK, JOB_DISPATCH, TILE_SWITCH, note
from sparsesim.engine.kernels.ppu import close_tile, finish_job, serve_write
from sparsesim.engine.kernels.tournament import decide, winner


@piece
def take_job(machine, state, c, n_jobs):  # type: ignore[no-untyped-def]
    """Next job for cluster c by the hand-out policy, or -1."""
    if machine.jobs_dynamic:
        job = state.shared[NEXT_JOB]
        state.shared[NEXT_JOB] += 1
    else:
        job = state.job_queue[c]
        state.job_queue[c] += machine.clusters
    return job if job < n_jobs else -1


@piece
def dispatch(jobs, machine, operands, state, c):  # type: ignore[no-untyped-def]
    """The controller's event: a cluster that asks gets its next job and its streams their first items."""
    now = state.ask_event[c]
    state.ask_event[c] = NEVER
    state.asked[c] = now
    number = take_job(machine, state, c, jobs.shape[0])
    if number < 0:
        return
    taken = max(now, state.shared[CONTROLLER_FREE])
    start = taken + machine.dispatch_cycles
    state.shared[CONTROLLER_FREE] = start
    note(state.log, CONTROLLER_TRACK, 0, taken, start, JOB_DISPATCH, number, c, 0)
    state.counts[JOBS] += 1
    state.job[c] = number
    state.dispatched[c] = start
    state.port_free[c] = max(start, state.port_free[c])
    state.fetched[c] = NEVER
    state.next_index[c] = machine.streams
    open_streams(jobs[number], machine, operands, state, c, start)


@piece
def open_streams(job, machine, operands, state, c, start):  # type: ignore[no-untyped-def]
    """First items of a dispatched job; a job without any is fetched at once."""
    state.streams_left[c] = 0
    kernel_words = job[JOB_OUT_COUNT] * operands.kernel_width
    state.kernel_lines[c] = (kernel_words + machine.words_per_line - 1) // machine.words_per_line
    state.prologue[c] = job[JOB_OUT_COUNT] if operands.masked else 0
    for p in range(machine.streams):
        state.ready[c, p] = NEVER
        if start_stream(job, machine, operands, state, c, p):
            state.streams_left[c] += 1
            set_ready(job, machine, operands, state, c, p, start)
    if state.streams_left[c] > 0 or state.prologue[c] > 0:
        choose_item(machine, state, c)
    else:
        state.fetched[c] = start


@piece
def update_event(state, c):  # type: ignore[no-untyped-def]
    """Earliest event of a cluster as one key, 4 * cycle + kind, and its place among the clusters."""
    state.first_event[c] = min(
        4 * state.ask_event[c] + EVENT_DISPATCH,
        4 * state.fetch_event[c] + EVENT_FETCH,
        4 * state.write_event[c] + EVENT_WRITE,
    )
    decide(state.winners, state.first_event, c)


@piece
def run_tile(jobs, machine, operands, state):  # type: ignore[no-untyped-def]
    """Run the jobs of one tile (int32[n, JOB_COLUMNS]) to the end; returns its length in cycles.

    `state` must be fresh (layout.new_state); its `states` and `counts` hold the result.
    """
    while True:
        c = winner(state.winners)
        key = state.first_event[c]
        if key >= 4 * NEVER:
            break
        kind = key & 3
        if kind == EVENT_FETCH:
            serve_item(jobs[state.job[c]], machine, operands, state, c)
        elif kind == EVENT_WRITE:
            serve_write(jobs[state.write_job[c]], machine, operands, state, c)
        else:
            dispatch(jobs, machine, operands, state, c)
        if state.job[c] >= 0 and state.fetched[c] != NEVER and state.unwritten[c] == 0:
            finish_job(jobs[state.job[c]], machine, operands, state, c)
        update_event(state, c)
    end = close_tile(machine, state)
    note(state.log, CONTROLLER_TRACK, 0, end, end + machine.switch_cycles, TILE_SWITCH, -1, -1, 0)
    return end + machine.switch_cycles
