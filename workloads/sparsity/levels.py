"""How the channels of a sample differ: levels that need not be normal, and the thresholds that go with them.

A channel's level l is the part of the field that all its positions have in common, of mean 0 and variance 1
(clustering.py). Its distribution is kept as quantiles: the middles of equally likely slices, in the places of
`normal.quantiles`. Pruned gradients, for one, have more empty channels than normal levels make.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from workloads.sparsity.normal import FloatArray, exceedance, quantiles

Lattice = tuple[float, float, float, float]
Levels = tuple[float, ...]

_SLICES = 64  # of the levels, where a mean over them is taken
_LEAST = 1e-9  # of the variance inside a channel
_BEYOND = 40.0  # no threshold lies there
_PRECISION = 1e-9


def level_of(scores: FloatArray, levels: Levels) -> FloatArray:
    """The levels of channels with these standard normal scores; without any given: the scores themselves.

    Linear between the quantiles and, with the slope of the last two, beyond them.
    """
    if not levels:
        return scores
    at, values = quantiles(len(levels)), np.array(levels)
    inside = np.interp(scores, at, values)
    below = np.minimum(scores - at[0], 0.0) * (values[1] - values[0]) / (at[1] - at[0])
    above = np.maximum(scores - at[-1], 0.0) * (values[-1] - values[-2]) / (at[-1] - at[-2])
    return np.asarray(inside + below + above)


def standardised(levels: Levels) -> Levels:
    """The same distribution with mean 0 and variance 1."""
    drawn = level_of(quantiles(_SLICES), levels)
    mean, deviation = float(drawn.mean()), float(drawn.std()) or 1.0
    return tuple((level - mean) / deviation for level in levels)


@lru_cache(maxsize=4096)
def thresholds(density: float, lattice: Lattice, channel: float = 0.0, levels: Levels = ()) -> Lattice:
    """Thresholds of the four position classes: t + shift, with t such that the mean density is met.

    channel: C, the share of the variance that the levels have.
    """
    low, high = -_BEYOND, _BEYOND
    offsets = math.sqrt(channel) * level_of(quantiles(_SLICES), levels) if levels and channel else None
    while high - low > _PRECISION:
        t = (low + high) / 2.0
        above = sum(_exceedance(t + shift, channel, offsets) for shift in lattice) / 4.0 > density
        low, high = (t, high) if above else (low, t)
    ee, eo, oe, oo = (low + shift for shift in lattice)
    return (ee, eo, oe, oo)


def _exceedance(t: float, channel: float, offsets: FloatArray | None) -> float:
    """P(z > t) of a field whose channels have these levels, times sqrt(C), equally likely; None: normal."""
    if offsets is None:
        return exceedance(t)
    deviation = math.sqrt(2.0 * max(_LEAST, 1.0 - channel))
    return sum(math.erfc((t - offset) / deviation) for offset in offsets.tolist()) / (2.0 * _SLICES)
