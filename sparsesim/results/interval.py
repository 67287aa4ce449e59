"""Confidence intervals of means over samples, and of ratios of means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CONFIDENCE = 0.95


def student_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The t so that a Student variable with `degrees` >= 1 is within +-t with probability `confidence`.

    The probability has a closed form for whole degrees (Abramowitz and Stegun 26.7.3, 26.7.4); it is inverted
    by bisection.
    """
    low, high = 0.0, 1.0
    while _probability_within(high, degrees) < confidence:
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _probability_within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def _probability_within(t: float, degrees: int) -> float:
    angle = math.atan(t / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    series = term if degrees > 1 or not odd else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= (k - 1) / k * cosine**2
        series += term
    return 2 / math.pi * (angle + sine * series) if odd else sine * series


def mean_half_width(values: FloatArray) -> FloatArray | None:
    """Half width of the interval of the mean over axis 0 (samples); None for fewer than two samples."""
    n = len(values)
    if n < 2:
        return None
    deviation: FloatArray = np.asarray(values.std(axis=0, ddof=1))
    return student_quantile(n - 1) * deviation / math.sqrt(n)


def ratio_half_width(numerators: FloatArray, denominators: FloatArray) -> FloatArray | None:
    """Half width of the interval of mean(numerators) / mean(denominators), samples on axis 0 and paired.

    None for fewer than two samples and where a mean of the denominators is zero.

    Delta method: with the ratio R, the residuals n - R d have mean zero, and R varies like their mean over
    mean(d).
    """
    divisor = denominators.mean(axis=0)
    if not divisor.all():
        return None
    residuals = numerators - numerators.mean(axis=0) / divisor * denominators
    width = mean_half_width(residuals)
    return None if width is None else width / divisor
