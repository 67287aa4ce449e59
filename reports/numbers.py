"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable

_SUFFIXES = ("", "k", "M", "G", "T", "P")
# Of energies, and what 1 of each is in pJ; the largest first.
ENERGY_UNITS = (("mJ", 1e9), ("uJ", 1e6), ("nJ", 1e3), ("pJ", 1.0))


def short(value: float) -> str:
    """Three digits with the suffix of a power of a thousand: 987, 12.3k, 4.56M; for numbers >= 0."""
    if value and value < 1:
        return f"{value:.2g}"
    power = 0
    while _rounded(value) >= 1000 and power < len(_SUFFIXES) - 1:
        value, power = value / 1000, power + 1
    if not power:
        return f"{value:.0f}"
    return f"{_three_digits(value)}{_SUFFIXES[power]}"


def times(ratio: float) -> str:
    """A ratio as 2.71x; a dash for nan, a ratio without a denominator."""
    return "-" if math.isnan(ratio) else f"{ratio:.2f}x"


def percent(fraction: float) -> str:
    """A fraction from 0 to 1 as a whole percentage; what is above zero is never shown as 0, nan is a dash."""
    if math.isnan(fraction):
        return "-"
    return "<1%" if 0 < fraction < 0.005 else f"{fraction:.0%}"


def density(value: float | None) -> str:
    """A density as .53, 1 as 1.00, None as a dash."""
    if value is None:
        return "-"
    return f"{value:.2f}".removeprefix("0")


def energy(picojoules: float) -> str:
    """An energy given in pJ with the unit that fits: 12.3 uJ."""
    rounded = _rounded(picojoules)
    unit, size = next((found for found in ENERGY_UNITS if rounded >= found[1]), ENERGY_UNITS[-1])
    return f"{_three_digits(picojoules / size)} {unit}"


def extremes(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest finite value; nan where there is none.

    Of a ratio by the columns of the energy table low and high are columns, not extremes: any may be largest.
    """
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _three_digits(value: float) -> str:
    value = _rounded(value)
    decimals = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{decimals}f}"
