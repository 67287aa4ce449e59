"""Confidence intervals of means over samples, of ratios of means, and of averages of such ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence

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

    Delta method: with the ratio R, the residuals (n - R d) / mean(d) have mean zero, and R varies like their
    mean.
    """
    residuals = _residuals(numerators, denominators)
    return None if residuals is None else mean_half_width(residuals)


def _residuals(numerators: FloatArray, denominators: FloatArray) -> FloatArray | None:
    divisor = denominators.mean(axis=0)
    if not divisor.all():
        return None
    residuals: FloatArray = (numerators - numerators.mean(axis=0) / divisor * denominators) / divisor
    return residuals


def average_half_width(half_widths: Sequence[float]) -> float:
    """Half width of the average of n >= 1 ratios that were measured independently: sqrt(sum w^2) / n.

    Networks whose masks were drawn with the same seed are not independent: layers of the same sizes and
    densities have the same masks, as those of one network on CIFAR-10 and CIFAR-100. For these,
    `average_ratio_half_width`.
    """
    return math.hypot(*half_widths) / len(half_widths)


def average_ratio_half_width(ratios: Sequence[tuple[FloatArray, FloatArray]]) -> FloatArray | None:
    """Half width of the average of n >= 1 ratios, (numerators, denominators) each as of ratio_half_width.

    Samples of all ratios are paired: sample i of every network is the i-th draw, so what networks share in
    it is not averaged away. Holds for independent networks as well. None as ratio_half_width, and for
    networks with different numbers of samples.
    """
    found = [_residuals(*ratio) for ratio in ratios]
    residuals = [one for one in found if one is not None]
    if len(residuals) < len(found) or len({len(one) for one in residuals}) > 1:
        return None
    return mean_half_width(np.asarray(np.mean(residuals, axis=0)))
