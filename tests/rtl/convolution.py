"""Integer results of single row operations, from the definition of the convolution alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from sparsesim.stepper.operands import RowBlock

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Tensors:
    """Operands of one layer and sample: I [C, H, W], dO [F, Ho, Wo], W [F, C, Kh, Kw], int64."""

    inputs: Integers
    gradients: Integers
    weights: Integers


def random_tensors(
    geometry: ConvGeometry, inputs: NDArray[np.bool_], gradients: NDArray[np.bool_], rng: np.random.Generator
) -> Tensors:
    """Signed 16-bit values, not 0 exactly where the masks are 1; now and then only the extremes."""
    low, high = -(1 << 15), 1 << 15
    weights = rng.integers(
        low, high, (geometry.out_channels, geometry.in_channels_per_group, *geometry.kernel)
    )

    def fill(mask: NDArray[np.bool_]) -> Integers:
        values = rng.integers(1, high, mask.shape) * rng.choice([-1, 1], mask.shape)
        if rng.random() < 0.1:
            values = rng.choice([low, high - 1], mask.shape)
        return np.where(mask, values, 0)

    return Tensors(fill(inputs), fill(gradients), weights)


def add_src(
    sums: Integers, geometry: ConvGeometry, tensors: Tensors, block: RowBlock, f: int, c: int, kh: int
) -> None:
    """sums[R, T] += the products of O[f]'s row block with row kh of W[f, c]."""
    rows, columns = geometry.input_index(0), geometry.input_index(1)
    for i, y in enumerate(block.row_numbers()):
        if rows[y, kh] < 0:
            continue
        for k in range(geometry.kernel[1]):
            x = columns[block.column : block.column + block.width, k]
            values = np.where(x >= 0, tensors.inputs[c, rows[y, kh], np.maximum(x, 0)], 0)
            sums[i] += values * tensors.weights[f, c, kh, k]


def add_msrc(
    sums: Integers, geometry: ConvGeometry, tensors: Tensors, block: RowBlock, c: int, f: int, kh: int
) -> None:
    """sums[R, T] += the products of dI[c]'s row block with row kh of W[f, c]."""
    rows, columns = geometry.input_index(0), geometry.input_index(1)
    inside = list(block.column_numbers())
    for i, y in enumerate(block.row_numbers()):
        for yo in np.flatnonzero(rows[:, kh] == y):
            for xo, k in np.argwhere(np.isin(columns, inside)):
                place = columns[xo, k] - block.column
                sums[i, place] += tensors.gradients[f, yo, xo] * tensors.weights[f, c, kh, k]


def add_osrc(
    sums: Integers, geometry: ConvGeometry, tensors: Tensors, block: RowBlock, c: int, f: int, kh: int
) -> None:
    """sums[Kw] += the block's share of dW[f, c, kh]."""
    rows, columns = geometry.input_index(0), geometry.input_index(1)
    for y in block.row_numbers():
        if rows[y, kh] < 0:
            continue
        gradients = tensors.gradients[f, y, block.column : block.column + block.width]
        for k in range(geometry.kernel[1]):
            x = columns[block.column : block.column + block.width, k]
            values = np.where(x >= 0, tensors.inputs[c, rows[y, kh], np.maximum(x, 0)], 0)
            sums[k] += int((values * gradients).sum())
