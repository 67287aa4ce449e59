"""Ratios and differences as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from reports.comparison.attribution import Quantity
from reports.numbers import energy, short

_ROUNDING = 1e-9

TEXTS: Mapping[Quantity, Callable[[float], str]] = {"cycles": short, "energy_pj": energy}
WORDS: Mapping[Quantity, str] = {"cycles": "cycles", "energy_pj": "energy"}
TOGETHER = "together"  # the sum of all causes or components
SPLIT_BY: Mapping[Quantity, str] = {"cycles": "cause", "energy_pj": "component"}


def signed(value: float, quantity: Quantity) -> str:
    """A difference with its sign: +12.3k, -4.56 uJ; 0 for none, a dash for nan."""
    if math.isnan(value):
        return "-"
    if not value:
        return "0"
    return ("+" if value > 0 else "-") + TEXTS[quantity](abs(value))


def factor(ratio: float) -> str:
    """A ratio with three digits, so that products can be checked: 0.0467x, 1.37x; a dash for nan."""
    return "-" if math.isnan(ratio) else f"{ratio:#.3g}".removesuffix(".") + "x"


def change(before: float, after: float) -> str:
    """A change in percent with its sign, +0.12%; from the double on as a factor; a dash from nothing."""
    if before and math.isclose(before, after, rel_tol=_ROUNDING):
        return "0%"
    if not before or after >= 2 * before:
        return factor(after / before) if before else "-"
    percent = 100 * (after - before) / before
    decimals = 1 if abs(percent) >= 1 else 1 - math.floor(math.log10(abs(percent)))
    return f"{percent:+.{min(decimals, 6)}f}%"
