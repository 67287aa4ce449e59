"""Channels differ: how dense the densest of several is expected to be.

The groups of a cluster share their ch0 rows and wait for each other, so a job lasts as long as its slowest
group. Where the groups' work depends on an operand of their own (ch1), that is the group with the densest
channel.
The density of a channel with the normal deviate q is Phi((sqrt(C) q - t) / sqrt(1 - C)), Phi(-t) the mean
density and C the channel's share of the variance: the model that masks are drawn from
(workloads/sparsity/clustering.py).
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_SLICES = 32
_NORMAL = NormalDist()
# Middles of equally likely slices of the normal distribution.
_DEVIATES = tuple(_NORMAL.inv_cdf((i + 0.5) / _SLICES) for i in range(_SLICES))


@lru_cache(maxsize=1024)
def channel_densities(density: float, share: float) -> tuple[float, ...]:
    """Equally likely densities of a channel, ascending; only the mean where channels do not differ.

    density: mean over the channels, 0..1; share: C, 0..1.
    """
    if not 0.0 < density < 1.0 or share <= 0.0:
        return (density,)
    threshold, own = _NORMAL.inv_cdf(1.0 - density), math.sqrt(max(1.0 - share, 1e-6))
    return tuple(_NORMAL.cdf((math.sqrt(share) * q - threshold) / own) for q in _DEVIATES)


@lru_cache(maxsize=1024)
def expected_largest(values: tuple[float, ...], count: int) -> tuple[float, float]:
    """Mean and standard deviation of the largest of `count` draws from equally likely, ascending values."""
    n = len(values)
    chances = [((i + 1) / n) ** count - (i / n) ** count for i in range(n)]
    mean = sum(chance * value for chance, value in zip(chances, values, strict=True))
    variance = sum(chance * (value - mean) ** 2 for chance, value in zip(chances, values, strict=True))
    return mean, math.sqrt(variance)


@lru_cache(maxsize=256)
def slowest_of(count: int) -> float:
    """Expected largest of `count` independent standard normal values; 0 for one."""
    return expected_largest(_DEVIATES, count)[0]


@lru_cache(maxsize=1024)
def relative_deviation(values: tuple[float, ...]) -> float:
    """Standard deviation over mean of equally likely values; 0 where the mean is 0."""
    mean = sum(values) / len(values)
    if mean == 0.0:
        return 0.0
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / mean
