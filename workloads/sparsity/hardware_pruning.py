"""Stochastic pruning as the machine does it: 16-bit words, a threshold, and a 32-bit xorshift generator.

tests/rtl/design/ppu.sv and finish.sv are the same arithmetic in hardware; both give the same bits. A word x
with |x| < T keeps its mean, as in Dai et al. (DAC 2020): it becomes sign(x) T with a probability of |x| / T,
else 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workloads.errors import UserError

Int64Array = npt.NDArray[np.int64]

LARGEST_WORD = 32767
LARGEST_THRESHOLD = 65535
_STATE_MASK = 0xFFFFFFFF


def xorshift32(state: int) -> int:
    """The state after `state`, both in [1, 2^32): Marsaglia (2003), shifts 13, 17, 5; period 2^32 - 1."""
    state ^= (state << 13) & _STATE_MASK
    state ^= state >> 17
    return state ^ ((state << 5) & _STATE_MASK)


def prune_with(values: npt.ArrayLike, threshold: int, random: npt.ArrayLike) -> Int64Array:
    """Words after pruning with given random numbers.

    `values` are integers in [-32768, 32767], `threshold` in [1, 65535], `random` integers in [0, 65535];
    the arrays have one shape or broadcast to it. A word x with |x| < T becomes sign(x) min(T, 32767) if
    |x| > floor(random T / 2^16), else 0; all others stay. As long as T is itself a word (up to 32767), the
    mean magnitude over all random numbers is at least |x| and less than |x| + T / 2^16. UserError for a
    threshold outside its range.
    """
    if not 1 <= threshold <= LARGEST_THRESHOLD:
        raise UserError(f"pruning threshold must lie in 1 to {LARGEST_THRESHOLD} (got {threshold}).")
    words = np.asarray(values, np.int64)
    magnitudes = np.abs(words)
    raised = np.sign(words) * min(threshold, LARGEST_WORD)
    passes = magnitudes > (np.asarray(random, np.int64) * threshold) >> 16
    return np.where(magnitudes >= threshold, words, np.where(passes, raised, 0))


def prune_words(values: npt.ArrayLike, threshold: int, state: int) -> tuple[Int64Array, int]:
    """Words after pruning, and the state of the generator after them.

    The words (any shape, last index fastest; ranges as in prune_with) are pruned one after the other: before
    each, also where it needs no random number, the state takes one step, and the upper 16 bits of the new
    state are its random number. `state` lies in [1, 2^32); UserError otherwise.
    """
    if not 1 <= state <= _STATE_MASK:
        raise UserError(f"state of the pruning generator must lie in 1 to {_STATE_MASK} (got {state}).")
    words = np.asarray(values, np.int64)
    random = np.empty(words.shape, np.int64)
    for place in range(words.size):
        state = xorshift32(state)
        random.flat[place] = state >> 16
    return prune_with(words, threshold, random), state
