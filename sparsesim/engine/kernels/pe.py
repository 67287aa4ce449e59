"""One row operation in the PEs of one stream position: its cost per group, and the time it takes them."""

from __future__ import annotations

from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import BUFFER, BUSY, DISPATCH, IMBALANCE, PPU, REJECT
from sparsesim.engine.kernels.log import PeLog, note_state
from sparsesim.engine.kernels.popcount import popcount


@piece
def spend(states, state, since, until, at):  # type: ignore[no-untyped-def]
    """A PE is in a state in the cycles [since, until). at: where they are noted, a PeLog of log.py."""
    states[state] += until - since
    note_state(at, since, until, state)


@piece
def wait(states, since, until, asked, dispatched, slot_free, at):  # type: ignore[no-untyped-def]
    """Attribute the idle cycles [since, until) of one PE to states (docs/microarchitecture.md section 8).

    Cycles before `asked` are PPU, before `dispatched` DISPATCH, before `slot_free` IMBALANCE, later BUFFER.
    """
    if until <= since:
        return
    edge = min(max(since, asked), until)
    spend(states, PPU, since, edge, at)
    since = edge
    edge = min(max(since, dispatched), until)
    spend(states, DISPATCH, since, edge, at)
    since = edge
    edge = min(max(since, slot_free), until)
    spend(states, IMBALANCE, since, edge, at)
    spend(states, BUFFER, edge, until, at)


@piece
def run_in_group(cycles, rejects, g, arrival, asked, dispatched, slot_free, free, states, at):  # type: ignore[no-untyped-def]
    """Run one operation in the PE of group g; returns its end: max(PE free, arrival) + cycles."""
    begin = max(free[g], arrival)
    if begin > free[g]:
        wait(states[g], free[g], begin, asked, dispatched, slot_free, at)
    states[g, BUSY] += cycles - rejects
    states[g, REJECT] += rejects
    free[g] = begin + cycles
    return free[g]


@piece
def run_masked(  # type: ignore[no-untyped-def]
    word, planes, first, active, weights, arrival, asked, dispatched, slot_free, free, states, at
):
    """Run the ch0 row `word` in all active groups, each with its own planes; returns (latest end, useful
    products).

    cycles = sum over planes j of weights[0, j] * popcount(word & planes[j, first + g]), likewise useful
    products (1) and rejects (2).
    planes: uint64[J, C]; weights: int64[3, J]; free: int64[G] and states: int64[G, N_STATES] are updated.
    at: where the cycles of group 0 are noted.
    """
    latest = 0
    total = 0
    for g in range(active):
        cycles, useful, rejects = 0, 0, 0
        for j in range(planes.shape[0]):
            ones = popcount(word & planes[j, first + g])
            cycles += weights[0, j] * ones
            useful += weights[1, j] * ones
            rejects += weights[2, j] * ones
        total += useful
        mine = PeLog(at.log, at.unit + g, at.job)
        latest = max(
            latest,
            run_in_group(cycles, rejects, g, arrival, asked, dispatched, slot_free, free, states, mine),
        )
    return latest, total


@piece
def run_shared(word, planes, active, weights, arrival, asked, dispatched, slot_free, free, states, at):  # type: ignore[no-untyped-def]
    """As run_masked where no mask tells the groups apart: planes uint64[J, 1], one cost for all groups."""
    cycles, useful, rejects = 0, 0, 0
    for j in range(planes.shape[0]):
        ones = popcount(word & planes[j, 0])
        cycles += weights[0, j] * ones
        useful += weights[1, j] * ones
        rejects += weights[2, j] * ones
    latest = 0
    for g in range(active):
        mine = PeLog(at.log, at.unit + g, at.job)
        latest = max(
            latest,
            run_in_group(cycles, rejects, g, arrival, asked, dispatched, slot_free, free, states, mine),
        )
    return latest, useful * active
