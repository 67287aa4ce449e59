"""One row operation in the PEs of one stream position: its cost per group, and the time it takes them."""

from __future__ import annotations

import numpy as np
from sparsesim.engine.kernels.jit import piece
from sparsesim.engine.kernels.layout import BUFFER, BUSY, DISPATCH, IMBALANCE, PPU, REJECT
from sparsesim.engine.kernels.popcount import popcount


@piece
def wait(states, since, until, asked, dispatched, slot_free):  # type: ignore[no-untyped-def]
    """Attribute the idle cycles [since, until) of one PE to states (docs/microarchitecture.md section 8).

    Cycles before `asked` are PPU, before `dispatched` DISPATCH, before `slot_free` IMBALANCE, later BUFFER.
    """
    if until <= since:
        return
    edge = min(max(since, asked), until)
    states[PPU] += edge - since
    since = edge
    edge = min(max(since, dispatched), until)
    states[DISPATCH] += edge - since
    since = edge
    edge = min(max(since, slot_free), until)
    states[IMBALANCE] += edge - since
    states[BUFFER] += until - edge


@piece
def operation_costs(word, planes, first, active, weights, costs):  # type: ignore[no-untyped-def]
    """Fill costs[0..2, g] with cycles, useful products and rejects of group g for the ch0 row `word`.

    cost = sum over planes j of weight[j] * popcount(word & planes[j, first + g]); planes: uint64[J, C];
    weights: int64[3, J]; costs: int64[3, G].
    """
    for g in range(active):
        costs[0, g] = 0
        costs[1, g] = 0
        costs[2, g] = 0
    for j in range(planes.shape[0]):
        cycles, useful, rejects = weights[0, j], weights[1, j], weights[2, j]
        for g in range(active):
            ones = popcount(word & planes[j, first + g])
            costs[0, g] += cycles * ones
            costs[1, g] += useful * ones
            costs[2, g] += rejects * ones


@piece
def shared_costs(word, planes, active, weights, costs):  # type: ignore[no-untyped-def]
    """As operation_costs where no mask tells the groups apart: planes uint64[J, 1]."""
    cycles, useful, rejects = 0, 0, 0
    for j in range(planes.shape[0]):
        ones = popcount(word & planes[j, 0])
        cycles += weights[0, j] * ones
        useful += weights[1, j] * ones
        rejects += weights[2, j] * ones
    for g in range(active):
        costs[0, g] = cycles
        costs[1, g] = useful
        costs[2, g] = rejects


@piece
def run_operation(costs, active, arrival, asked, dispatched, slot_free, free, states):  # type: ignore[no-untyped-def]
    """Run one operation in all active groups; return the latest end and the useful products.

    start = max(PE free, arrival); end = start + cost. free: int64[G], updated; states: int64[G, N_STATES], updated.
    """
    latest = 0
    useful = 0
    for g in range(active):
        begin = max(free[g], arrival)
        if begin > free[g]:
            wait(states[g], free[g], begin, asked, dispatched, slot_free)
        states[g, BUSY] += costs[0, g] - costs[2, g]
        states[g, REJECT] += costs[2, g]
        useful += costs[1, g]
        free[g] = begin + costs[0, g]
        latest = max(latest, free[g])
    return np.int64(latest), np.int64(useful)
