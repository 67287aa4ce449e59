"""The masks one layer is simulated with: where I and dO are non-zero, and where dI is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LayerMasks:
    """Masks of one sample of one layer.

    `input` is bool [C, H, W] (I is non-zero), `grad_output` is bool [F, Ho, Wo] (dO, as GTA and GTW use
    it, is non-zero), `grad_input_mask` is bool [C, H, W] (dI is needed), or None where dI is needed
    everywhere. A fully connected layer has one column per sample of the batch: [C, 1, N] and [F, 1, N].
    """

    input: BoolArray
    grad_output: BoolArray
    grad_input_mask: BoolArray | None

    def densities(self) -> LayerDensities:
        """Fractions of ones; a missing mask counts as 1."""
        needed = 1.0 if self.grad_input_mask is None else density(self.grad_input_mask)
        return LayerDensities(density(self.input), density(self.grad_output), needed)


@dataclass(frozen=True)
class LayerDensities:
    """Fractions of non-zeros, each in [0, 1], of I and dO, and of the positions where dI is needed."""

    input: float
    grad_output: float
    grad_input_mask: float


def density(mask: BoolArray) -> float:
    """Fraction of ones of a mask, in [0, 1]; 0 for a mask without elements."""
    return float(np.count_nonzero(mask)) / mask.size if mask.size else 0.0
