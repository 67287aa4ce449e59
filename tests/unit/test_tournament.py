"""Does the tournament find the cluster that a scan over all of them finds, ties included?"""

from __future__ import annotations

import numpy as np
import pytest

from sparsesim.engine.kernels.layout import NEVER
from sparsesim.engine.kernels.tournament import decide, first_winners, leaves_for, winner


@pytest.mark.parametrize("clusters", [1, 2, 3, 7, 8, 9, 56, 64, 513])
@pytest.mark.parametrize("cycles", [3, 1000])  # few: ties are the rule
def test_winner_is_the_lowest_of_the_earliest(clusters: int, cycles: int) -> None:
    rng = np.random.default_rng(clusters)
    keys = np.full(leaves_for(clusters), NEVER, dtype=np.int64)
    keys[:clusters] = 0
    winners = first_winners(len(keys))
    for _ in range(4 * clusters + 20):
        assert winner(winners) == np.argmin(keys)  # numpy takes the first of equal ones
        c = int(rng.integers(clusters))
        keys[c] = NEVER if rng.random() < 0.1 else rng.integers(cycles)
        decide(winners, keys, c)


def test_clusters_leave_the_tournament_in_order_of_their_last_event() -> None:
    keys = np.array([5, 3, 5, 3, NEVER, NEVER, NEVER, NEVER], dtype=np.int64)
    winners = first_winners(len(keys))
    for c in range(len(keys)):
        decide(winners, keys, c)
    order = []
    while keys[winner(winners)] < NEVER:
        order.append(int(winner(winners)))
        keys[order[-1]] = NEVER
        decide(winners, keys, order[-1])
    assert order == [1, 3, 0, 2]
