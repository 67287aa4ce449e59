"""Density of dO over the pruning rate p, as recorded. It is never 1 - p (docs/sparsity.md)."""

from __future__ import annotations

import math
from numbers import Real
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from workloads.errors import UserError

PRUNING_RANGE = (0.0, 0.99)
"""Pruning rates between which recordings exist; 0 is no pruning (natural sparsity)."""

Point = tuple[float, Annotated[float, Field(ge=0, le=1)]]


class DensityCurve(BaseModel):
    """Recorded points (p, density), p ascending from 0; linear in between."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[Point, ...] = Field(min_length=1)

    def at(self, p: float) -> float:
        """Density of dO in [0, 1] at pruning rate p; UserError outside the recorded range."""
        check_pruning(p)
        rates, densities = zip(*self.points, strict=True)
        return float(np.interp(p, rates, densities))

    def relative_to(self, natural: float) -> DensityCurve:
        """The same shape for another natural density: every point scaled by natural / own natural."""
        factor = natural / self.points[0][1]
        return DensityCurve(points=tuple((p, min(1.0, d * factor)) for p, d in self.points))


def constant_curve(density: float) -> DensityCurve:
    """The curve of a gradient that pruning leaves alone."""
    return DensityCurve(points=((0.0, density),))


def check_pruning(p: float) -> None:
    """Refuses a pruning rate outside what was recorded."""
    low, high = PRUNING_RANGE
    if not isinstance(p, Real):
        raise UserError(f"pruning rate must be a number from {low:g} (no pruning) to {high:g} (got {p!r}).")
    if math.isnan(p) or not low <= p <= high:
        raise UserError(
            f"pruning rate {p:g} lies outside what was recorded; choose {low:g} (no pruning) to {high:g}."
        )
