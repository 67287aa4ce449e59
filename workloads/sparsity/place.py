"""What all channels of a sample have in common at a position: drawing it, and fitting it to recorded masks.

Gradients are large where the objects are, and fade towards the borders of a map; pruning with one threshold
for a whole batch then leaves more in some places than in others, in every channel. The machine deals rows to
PEs, so that rows of different density take longer than rows of one density.

h is a first-order autoregressive field, correlated by `decay` per position along each axis, less its mean
over the map (which is part of s) and scaled to variance 1 on average over the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workloads.sparsity.masks import Float32Array
from workloads.sparsity.normal import FloatArray

_STEPS = 40
_MOST = 0.999
_LEAST = 1e-3  # of a share, below which the field is left out
Decays = tuple[float, float]


def place_field(size: tuple[int, int], decays: Decays, generator: np.random.Generator) -> Float32Array:
    """h, float32 [H, W]; decays: along columns and along rows."""
    field = generator.standard_normal(size)
    for axis, decay in enumerate(decays):
        _correlate(field if axis == 0 else field.T, decay)
    field -= field.mean()
    inside = 1.0 - mean_correlation(decays[0], size[0]) * mean_correlation(decays[1], size[1])
    return np.asarray(field / math.sqrt(max(inside, 1.0 - _MOST)), np.float32)


def _correlate(noise: FloatArray, decay: float) -> None:
    """Makes rows of independent values, in place, an autoregressive process along the first axis."""
    gain = math.sqrt(1.0 - decay * decay)
    for i in range(1, len(noise)):
        noise[i] = decay * noise[i - 1] + gain * noise[i]


def mean_correlation(decay: float, length: int) -> float:
    """Of all ordered pairs of `length` positions, each with itself included."""
    distances = np.arange(1, length)
    pairs = float(((length - distances) * decay**distances).sum())
    return (length + 2.0 * pairs) / float(length**2)


def correlations(decays: Decays, size: tuple[int, int]) -> FloatArray:
    """Correlation of h by distance (rows, columns), [H, W], averaged over the map."""
    columns, rows = (decay ** np.arange(length) for decay, length in zip(decays, size, strict=True))
    means = [mean_correlation(decay, length) for decay, length in zip(decays, size, strict=True)]
    common = means[0] * means[1]
    return np.asarray((np.outer(columns, rows) - common) / max(1.0 - common, 1.0 - _MOST))


def place_moments(values: FloatArray) -> tuple[float, float, float]:
    """Correlations of two channels of a sample, from normalised masks [N, C, H, W]: (place, row, column).

    At one position, at two positions of a row, and of a column, each less that at any two positions.
    """
    anywhere = _of_two_channels(values.mean(axis=(2, 3)))
    by_row, by_column = values.mean(axis=3), values.mean(axis=2)
    found = [_of_two_channels(part) - anywhere for part in (values, by_row, by_column)]
    return found[0], found[1], found[2]


def _of_two_channels(means: FloatArray) -> float:
    """Mean product of different channels of means [N, C, ...] at the same place."""
    channels = int(means.shape[1])
    if channels < 2:
        return 0.0
    total = (means.sum(axis=1) ** 2).mean() - channels * (means**2).mean()
    return float(total) / (channels * (channels - 1))


def fit_place(moments: Sequence[float], size: tuple[int, int]) -> tuple[float, Decays]:
    """(share of the mask's variance, decays along columns and rows) that give these place_moments().

    With u and v the row's and the column's moment over that of the position, and r and c the mean
    correlations along a row and a column: u = r (1 - c) / (1 - r c), v = c (1 - r) / (1 - r c), so that
    r = u / (1 - v) and c = v / (1 - u).
    """
    place, row, column = moments
    if place < _LEAST:
        return 0.0, (0.0, 0.0)
    u, v = (min(max(moment / place, 0.0), 0.99) for moment in (row, column))
    along_row, along_column = u / (1.0 - v), v / (1.0 - u)
    return place, (_decay(along_column, size[0]), _decay(along_row, size[1]))


def _decay(mean: float, length: int) -> float:
    """The decay with this mean_correlation()."""
    low, high = 0.0, _MOST
    for _ in range(_STEPS):
        decay = (low + high) / 2.0
        low, high = (decay, high) if mean_correlation(decay, length) < mean else (low, decay)
    return low
