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
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.levels import Lattice, Levels, level_of, standardised, thresholds
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
_THRESHOLDS = np.linspace(-4.8, 4.8, 49)
_NO_LATTICE = (0.0, 0.0, 0.0, 0.0)
_SLICES = 32
_STEPS = 14
_MOST_CHANGE = 1.5  # of the logarithm of the levels' variance

Counts = npt.NDArray[np.int64]


def with_levels(
    found: Clustering, runs: Sequence[BoolArray], pairs: FloatArray, inside: FloatArray
) -> Clustering:
    """`found` with the levels that the channels of `runs`, each bool [N, C, H, W], have.

    pairs: share of the ordered pairs of positions of a map by their distance (rows, columns); inside:
    correlation, at these distances, of what is common neither to a sample nor to a channel. The shares are
    adjusted so that the levels have variance 1.
    """
    if not _LEAST < found.channel < _MOST_CHANNEL:
        return found
    by_run = [masks.sum(axis=(2, 3), dtype=np.int64).T for masks in runs]
    counts = np.concatenate(by_run)
    density = float(np.mean([masks.mean() for masks in runs]))
    given = _GivenLevel(found, density, runs[0][0, 0].size, _Alike(found, pairs, inside))
    weights = _likely(_of_channels(given.chances(counts), found))
    levels = _quantiles(weights)
    if given.positions == 1:  # zero or one: the density of a channel says nothing about how channels differ
        return _rescaled(given, float(weights @ (_GRID - weights @ _GRID) ** 2), levels)
    variance = float(np.mean([_variance(one) for one in by_run])) / given.positions**2
    return _as_different(given, levels, variance)


def _variance(counts: Counts) -> float:
    """Of any channel of any sample: the estimate from counts [C, N] that is not too low for few samples."""
    within = counts.var(axis=0, ddof=min(1, len(counts) - 1)).mean()
    between = counts.mean(axis=0).var(ddof=1) if counts.shape[1] > 1 else 0.0
    return float(within + between)


def _as_different(given: _GivenLevel, levels: Levels, variance: float) -> Clustering:
    """The field with these levels and with that share of them that gives channels the recorded `variance`."""
    low, high = -_MOST_CHANGE, _MOST_CHANGE
    for _ in range(_STEPS):
        change = (low + high) / 2.0
        found = _rescaled(given, math.exp(change), levels)
        too_low = replace(given, found=found).variance() < variance
        low, high = (change, high) if too_low else (low, change)
    return _rescaled(given, math.exp(low), levels)


def _rescaled(given: _GivenLevel, variance: float, levels: Levels) -> Clustering:
    """Shares of the field whose levels vary that much, divided by what its variance then is."""
    found = given.found
    total = 1.0 + found.channel * (variance - 1.0)
    channel = found.channel * variance / total
    changed = {
        "sample": found.sample / total,
        "channel": channel,
        "persistent": found.persistent * variance / total,
        "place": found.place / total,
        "levels": levels,
        "lattice": _lattice(given, channel, levels),
    }
    return found.model_copy(update=changed)


def _lattice(given: _GivenLevel, channel: float, levels: Levels) -> Lattice:
    """Shifts that give the position classes, under these levels, the densities that they have."""
    if not any(given.found.lattice):
        return given.found.lattice
    classes = (exceedance(t) for t in thresholds(given.density, given.found.lattice))
    of_all, *of_class = (
        thresholds(density, _NO_LATTICE, channel, levels)[0] for density in (given.density, *classes)
    )
    ee, eo, oe, oo = (t - of_all for t in of_class)
    return (ee, eo, oe, oo)


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


def _quantiles(weights: FloatArray) -> Levels:
    at = [exceedance(-score) for score in quantiles(POINTS)]
    middles = np.cumsum(weights) - weights / 2.0
    return standardised(tuple(np.interp(at, middles, _GRID).tolist()))


@dataclass(frozen=True)
class _GivenLevel:
    """Counts of ones of a channel of `positions`, given its level, in masks of this density."""

    found: Clustering
    density: float
    positions: int
    alike: _Alike

    def chances(self, counts: Counts) -> FloatArray:
        """Probability of every count at every level of _GRID: an axis more than `counts` has."""
        values, places = np.unique(counts, return_inverse=True)
        table = np.stack([self._at(float(level), values) for level in _GRID], axis=1)
        return np.asarray(table[places.reshape(counts.shape)])

    def variance(self) -> float:
        """Variance of a channel's density."""
        means = [self._mean(float(level)) for level in level_of(quantiles(_SLICES), self.found.levels)]
        inside = [mean * (1.0 - mean) * self.alike(mean) for mean in means]
        return float(np.var(means) + np.mean(inside))

    def _at(self, level: float, values: Counts) -> FloatArray:
        mean = self._mean(level)
        alike = (self.positions * self.alike(mean) - 1.0) / max(1, self.positions - 1)
        return _beta_binomial(values, self.positions, mean, min(max(alike, _LEAST), 1.0 - _LEAST))

    def _mean(self, level: float) -> float:
        """Density of a channel at this level."""
        deviation = math.sqrt(1.0 - self.found.channel)
        offset = math.sqrt(self.found.channel) * level
        cuts = thresholds(self.density, self.found.lattice, self.found.channel, self.found.levels)
        mean = sum(exceedance((t - offset) / deviation) for t in cuts) / len(cuts)
        return min(max(mean, _LEAST), 1.0 - _LEAST)


class _Alike:
    """Mean correlation of all ordered pairs of positions of a channel, each with itself included, by density.

    It does not depend on C: S / (1 - C) is what of the rest of the field is common to a sample.
    """

    def __init__(self, found: Clustering, pairs: FloatArray, inside: FloatArray):
        sample = found.sample / (1.0 - found.channel)
        self._r = sample + (1.0 - sample) * inside
        self._pairs = pairs
        self._values = np.array([self._at(float(t)) for t in _THRESHOLDS])

    def _at(self, t: float) -> float:
        density = exceedance(t)
        curve = covariance(_R, t, t) / (density * (1.0 - density))
        curve[-1] = 1.0
        return float((self._pairs * np.interp(self._r, _R, curve)).sum())

    def __call__(self, density: float) -> float:
        return float(np.interp(threshold(density), _THRESHOLDS, self._values))


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
