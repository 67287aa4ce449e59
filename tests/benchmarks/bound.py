"""The floor under the engine: one AND and one population count per row-operation word, on this processor."""

from __future__ import annotations

import time

import numpy as np
from numba import njit

from sparsesim.engine.kernels.popcount import popcount


@njit(nogil=True)
def and_popcount(words, masks):  # type: ignore[no-untyped-def]
    """Sum of popcount(words[i] & masks[i])."""
    total = 0
    for i in range(words.shape[0]):
        total += popcount(words[i] & masks[i])
    return total


def words_per_second(n_words: int = 4096, repeats: int = 20000) -> float:
    """Row-operation words per second and core: operands in the first-level cache, best of five."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**63, n_words, dtype=np.uint64)
    masks = rng.integers(0, 2**63, n_words, dtype=np.uint64)
    and_popcount(words, masks)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(repeats):
            and_popcount(words, masks)
        best = min(best, time.perf_counter() - started)
    return n_words * repeats / best
