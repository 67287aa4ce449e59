"""Exponents: least squares of log y over log x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Exponent:
    """y = factor * x ** value, fitted to logarithms; error: standard error of value."""

    value: float
    error: float
    factor: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ± {self.error:.2f}"


def fitted_exponent(x: Sequence[float], y: Sequence[float]) -> Exponent:
    """Exponent of y over x, at least three points, all above 0 and not all x equal.

    Standard error: sqrt(sum of squared residuals / (n - 2) / sum of squared deviations of log x).
    """
    if len(x) < 3 or min(*x, *y) <= 0 or len(set(x)) == 1:
        raise ValueError(f"An exponent needs three points above 0 with different x, not x={x}, y={y}.")
    across, up = np.log(x), np.log(y)
    spread = float(((across - across.mean()) ** 2).sum())
    value = float(((across - across.mean()) * up).sum()) / spread
    start = float(up.mean() - value * across.mean())
    residuals = up - start - value * across
    error = float(np.sqrt((residuals**2).sum() / (len(across) - 2) / spread))
    return Exponent(value, error, float(np.exp(start)))
