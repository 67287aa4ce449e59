"""Does the machine's pruning keep what it must, and keep the mean of what it changes?"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from workloads.errors import UserError
from workloads.sparsity.hardware_pruning import prune_with, prune_words, xorshift32

THRESHOLDS = (1, 2, 3, 100, 1000, 12345, 32766, 32767)
EVERY_RANDOM_NUMBER = np.arange(1 << 16)


def test_the_generator_gives_the_published_sequence() -> None:
    # From the seed of Marsaglia's routine xor() ("Xorshift RNGs", 2003), as others print it.
    state, found = 2463534242, []
    for _ in range(3):
        state = xorshift32(state)
        found.append(state)
    assert found == [723471715, 2497366906, 2064144800]


def test_the_generator_can_be_run_backwards_so_it_never_falls_to_0() -> None:
    steps = np.array([[xorshift32(1 << i) >> row & 1 for i in range(32)] for row in range(32)], np.uint8)
    for column in range(32):
        pivots = column + np.flatnonzero(steps[column:, column])
        assert pivots.size, "the steps have no inverse over GF(2)"
        steps[[column, pivots[0]]] = steps[[pivots[0], column]]
        below = column + 1 + np.flatnonzero(steps[column + 1 :, column])
        steps[below] ^= steps[column]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_mean_of_a_pruned_word_is_the_word(threshold: int) -> None:
    for magnitude in sorted({0, 1, threshold // 3, threshold // 2, threshold - 1}):
        for value in (magnitude, -magnitude):
            pruned = prune_with(value, threshold, EVERY_RANDOM_NUMBER)
            excess = abs(Fraction(int(pruned.sum()), 1 << 16)) - magnitude
            assert 0 <= excess < Fraction(threshold, 1 << 16)
            assert set(pruned.tolist()) <= {0, threshold if value > 0 else -threshold}


def test_the_mean_of_a_long_gradient_survives_its_generator() -> None:
    values = np.random.default_rng(3).integers(-999, 1000, 200_000)
    pruned, _ = prune_words(values, 1000, 2020)
    # The variance of a pruned word is |x| (T - |x|): 500 * 500 at most.
    assert abs((pruned - values).mean()) < 4 * 500 / np.sqrt(values.size)
    assert np.corrcoef(np.abs(pruned), np.abs(values))[0, 1] > 0.5


@pytest.mark.parametrize("threshold", [1, 700, 32767, 32768])
def test_words_at_or_above_the_threshold_stay(threshold: int) -> None:
    words = np.array([-32768, 32767, threshold, -threshold])
    words = words[(np.abs(words) >= threshold) & (words <= 32767)]
    pruned = prune_with(words[:, None], threshold, EVERY_RANDOM_NUMBER)
    assert (pruned == words[:, None]).all()


def test_a_threshold_above_every_word_raises_to_the_largest() -> None:
    pruned = prune_with([[-32768], [32767]], 65535, EVERY_RANDOM_NUMBER)
    assert set(pruned[0].tolist()) == {0, -32767}
    assert set(pruned[1].tolist()) == {0, 32767}


def test_a_result_in_pieces_is_pruned_like_the_whole() -> None:
    values = np.random.default_rng(5).integers(-32768, 32768, 300)
    whole, end = prune_words(values, 20_000, 77)
    first, middle = prune_words(values[:111], 20_000, 77)
    second, last = prune_words(values[111:].reshape(3, -1), 20_000, middle)
    assert np.array_equal(np.concatenate([first, second.ravel()]), whole)
    assert (last, second.shape) == (end, (3, 63))


def test_every_word_takes_a_step_of_the_generator_needed_or_not() -> None:
    _, state = prune_words([32767, 0, -32768], 5, 9)
    assert state == xorshift32(xorshift32(xorshift32(9)))


@pytest.mark.parametrize("threshold", [0, 65536])
def test_a_threshold_of_no_16_bits_is_refused(threshold: int) -> None:
    with pytest.raises(UserError, match=f"1 to 65535.*got {threshold}"):
        prune_with([1], threshold, [0])


@pytest.mark.parametrize("state", [0, 1 << 32])
def test_a_state_the_generator_cannot_have_is_refused(state: int) -> None:
    with pytest.raises(UserError, match=f"1 to 4294967295.*got {state}"):
        prune_words([1], 10, state)
