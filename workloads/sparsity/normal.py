"""Thresholded normal variables: how the correlation of two of them becomes that of their signs.

Two standard normal variables with correlation r, cut at the thresholds h and k, give two zero/one
variables with covariance

    c(r; h, k) = integral from 0 to r of exp(-(h^2 - 2 h k s + k^2) / (2 (1 - s^2))) / (2 pi sqrt(1 - s^2)) ds

(the derivative of the bivariate normal orthant probability by its correlation, Plackett 1954).
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_STANDARD = NormalDist()
_NODES = 64


def threshold(density: float) -> float:
    """The t with P(z > t) = density for a standard normal z; 0 < density < 1."""
    return -_STANDARD.inv_cdf(density)


def exceedance(t: float) -> float:
    """P(z > t) for a standard normal z."""
    return _STANDARD.cdf(-t)


@lru_cache(maxsize=256)
def quantiles(count: int) -> FloatArray:
    """The middles of `count` equally likely slices of the standard normal distribution, ascending.

    Scaled to variance 1: middles alone leave out the tails. A single one is 0.
    """
    middles = np.array([_STANDARD.inv_cdf((i + 0.5) / count) for i in range(count)])
    return middles / (middles.std() or 1.0)


def covariance(r: FloatArray, h: float, k: float) -> FloatArray:
    """c(r; h, k) of the module's equation for correlations 0 <= r <= 1; same shape as r."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    top = np.arcsin(np.clip(r, 0.0, 1.0))[..., None]
    sine = np.sin(top * (nodes + 1.0) / 2.0)  # s = sin(angle) removes the singularity at s = 1
    exponent = (h * h - 2.0 * h * k * sine + k * k) / (2.0 * (1.0 - sine * sine))
    return np.asarray((np.exp(-exponent) * weights).sum(axis=-1) * top[..., 0] / (4.0 * np.pi))
