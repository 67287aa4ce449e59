"""Whose event is next: a tournament among the clusters, so that an event costs log2(clusters) comparisons.

The tree is full: the root is node 1, the children of node n are 2 n and 2 n + 1, and leaf c is node leaves +
c. A node holds the winner of its children: the cluster with the smaller key, the lower cluster in a tie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparsesim.engine.kernels.jit import piece


def leaves_for(clusters: int) -> int:
    """Leaves of the tree: `clusters` (1 or more) rounded up to a power of two."""
    return 1 << (clusters - 1).bit_length()


def first_winners(leaves: int) -> NDArray[np.int64]:
    """The tree, int64[2 * leaves], while all keys are equal: the lowest leaf below each node."""
    winners = np.zeros(2 * leaves, dtype=np.int64)
    level = 1
    while level <= leaves:
        winners[level : 2 * level] = np.arange(0, leaves, leaves // level)
        level *= 2
    return winners


@piece
def winner(winners):  # type: ignore[no-untyped-def]
    """The cluster with the smallest key, the lowest in a tie."""
    return winners[1]


@piece
def decide(winners, keys, c):  # type: ignore[no-untyped-def]
    """Play the games of cluster c again after its key has changed. keys: int64[leaves]."""
    node, best, least = keys.shape[0] + c, c, keys[c]
    while node > 1:
        other = winners[node ^ 1]
        # A neighbour on the left, which an odd node has, wins a tie.
        if keys[other] < least + (node & 1):
            best, least = other, keys[other]
        node >>= 1
        winners[node] = best
