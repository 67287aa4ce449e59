"""Fits how the channels of recorded masks differ (levels.py) to their counts of ones.

Given its level, a channel's count is a sum of zeros and ones with the mean and the correlations of a normal
field that is cut; it is taken for beta-binomial with that mean and variance, which has what clustering brings
about, many empty and many full channels (Skellam 1948). The levels' weights are those that make the recorded
counts likely: expectation maximization, from the normal distribution (Laird 1978). Few rounds, because the
most likely weights of all would be a few spikes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.levels import standardised, thresholds
from workloads.sparsity.masks import BoolArray
from workloads.sparsity.normal import FloatArray, covariance, exceedance, quantiles, threshold

POINTS = 17
"""Quantiles that are kept."""

_ROUNDS = 30
_GRID = np.linspace(-4.5, 4.5, 61)
_R = np.linspace(0.0, 1.0, 65)
_R[-1] = 1.0 - 1e-9  # the covariance is finite at 1, its integrand is not
_LEAST = 1e-6  # of a density and of a correlation
_MOST_CHANNEL = 0.999  # a field that is constant in every channel has no counts between empty and full
_TINY = 1e-300

Counts = npt.NDArray[np.int64]


def with_levels(
    found: Clustering, runs: Sequence[BoolArray], pairs: FloatArray, inside: FloatArray
) -> Clustering:
    """`found` with the levels that the channels of `runs`, each bool [N, C, H, W], have.

    pairs: share of the ordered pairs of positions of a map by their distance (rows, columns); inside:
    correlation of w at these distances. The shares are adjusted so that the levels have variance 1.
    """
    if not _LEAST < found.channel < _MOST_CHANNEL:
        return found
    positions = runs[0][0, 0].size
    counts = np.concatenate([masks.sum(axis=(2, 3), dtype=np.int64).T for masks in runs])
    given = _GivenLevel(found, float(counts.mean()) / positions, positions, pairs, inside)
    weights = _likely(_of_channels(given.chances(counts), found))
    mean = float(weights @ _GRID)
    variance = float(weights @ (_GRID - mean) ** 2)
    return _rescaled(found, variance, _quantiles(weights))


def _of_channels(chances: FloatArray, found: Clustering) -> FloatArray:
    """Chances [channel or (channel, sample), level] from [channel, sample, level].

    Where most of a level stays with its channel, all samples of a channel tell of one level.
    """
    if 2.0 * found.persistent <= found.channel:
        return chances.reshape(-1, len(_GRID))
    logs = np.log(np.maximum(chances, _TINY)).sum(axis=1)
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


def _likely(chances: FloatArray) -> FloatArray:
    """Weights of the levels after some rounds of expectation maximization."""
    weights = np.exp(-(_GRID**2) / 2.0)
    weights /= weights.sum()
    for _ in range(_ROUNDS):
        joint = chances * weights + _TINY
        weights = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(weights)


def _quantiles(weights: FloatArray) -> tuple[float, ...]:
    at = [exceedance(-score) for score in quantiles(POINTS)]
    middles = np.cumsum(weights) - weights / 2.0
    return standardised(tuple(np.interp(at, middles, _GRID).tolist()))


def _rescaled(found: Clustering, variance: float, levels: tuple[float, ...]) -> Clustering:
    """Shares of the field whose levels vary that much, divided by what its variance then is."""
    total = 1.0 + found.channel * (variance - 1.0)
    ee, eo, oe, oo = (shift / math.sqrt(total) for shift in found.lattice)
    changed = {
        "sample": found.sample / total,
        "channel": found.channel * variance / total,
        "persistent": found.persistent * variance / total,
        "lattice": (ee, eo, oe, oo),
        "levels": levels,
    }
    return found.model_copy(update=changed)


@dataclass(frozen=True)
class _GivenLevel:
    """Counts of ones of a channel of `positions`, given its level, in masks of this density."""

    found: Clustering
    density: float
    positions: int
    pairs: FloatArray
    inside: FloatArray

    def chances(self, counts: Counts) -> FloatArray:
        """Probability of every count at every level of _GRID: an axis more than `counts` has."""
        values, places = np.unique(counts, return_inverse=True)
        table = np.stack([self._at(float(level), values) for level in _GRID], axis=1)
        return np.asarray(table[places.reshape(counts.shape)])

    def _at(self, level: float, values: Counts) -> FloatArray:
        mean = self._mean(level)
        alike = (self.positions * self._alike(mean) - 1.0) / max(1, self.positions - 1)
        return _beta_binomial(values, self.positions, mean, min(max(alike, _LEAST), 1.0 - _LEAST))

    def _mean(self, level: float) -> float:
        """Density of a channel at this level."""
        deviation = math.sqrt(1.0 - self.found.channel)
        offset = math.sqrt(self.found.channel) * level
        cuts = thresholds(self.density, self.found.lattice)
        mean = sum(exceedance((t - offset) / deviation) for t in cuts) / len(cuts)
        return min(max(mean, _LEAST), 1.0 - _LEAST)

    def _alike(self, mean: float) -> float:
        """Mean correlation of all ordered pairs of positions, each with itself included."""
        sample = self.found.sample / (1.0 - self.found.channel)
        t = threshold(mean)
        curve = covariance(_R, t, t) / (mean * (1.0 - mean))
        curve[-1] = 1.0
        r = np.interp(sample + (1.0 - sample) * self.inside, _R, curve)
        return float((self.pairs * r).sum())


def _beta_binomial(values: Counts, positions: int, mean: float, alike: float) -> FloatArray:
    """P(k) of k ones among `positions` with this mean, where two of them have the correlation `alike`."""
    strength = 1.0 / alike - 1.0
    a, b = mean * strength, (1.0 - mean) * strength
    whole = _log_beta(a, b)
    return np.array([math.exp(_log_term(int(k), positions, a, b) - whole) for k in values])


def _log_term(k: int, n: int, a: float, b: float) -> float:
    """Logarithm of (n over k) B(k + a, n - k + b)."""
    return _log_beta(k + a, n - k + b) - _log_beta(k + 1, n - k + 1) - math.log(n + 1)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
