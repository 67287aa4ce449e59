"""Useful products of a layer and stage, counted from the masks without simulating anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.program import Stage
from workloads.sparsity.masks import LayerMasks


def _active(
    mask: NDArray[np.bool_] | None, channels: int, groups: int, size: tuple[int, int]
) -> NDArray[np.int64]:
    """Active channels per convolution group and position, int64[groups, rows, columns]; None: all of them."""
    if mask is None:
        return np.full((groups, *size), channels // groups, dtype=np.int64)
    grouped = mask.reshape(groups, channels // groups, *mask.shape[1:])
    return np.asarray(grouped.sum(axis=1), dtype=np.int64)


def _products(geometry: ConvGeometry, outer: NDArray[np.int64], inner: NDArray[np.int64]) -> int:
    """Sum over taps and output positions of outer(y, x) inner(y s + kh d - p, x s + kw d - p)."""
    rows, columns = geometry.input_index(0), geometry.input_index(1)
    padded = np.zeros((inner.shape[0], inner.shape[1] + 1, inner.shape[2] + 1), dtype=np.int64)
    padded[:, :-1, :-1] = inner  # index -1 is the padding: nothing
    total = 0
    for kh in range(geometry.kernel[0]):
        for kw in range(geometry.kernel[1]):
            total += int((outer * padded[:, rows[:, kh]][:, :, columns[:, kw]]).sum())
    return total


def useful_products(geometry: ConvGeometry, stage: Stage, masks: LayerMasks, samples: int = 1) -> int:
    """Non-zero products of a layer and stage, exactly, over `samples` samples stacked by rows.

    With A(y, x) active output channels and M(y, x) active input channels per group: (F, nnz I) for Forward,
    (nnz dO, ReLU mask) for GTA, (nnz dO, nnz I) for GTW.
    """
    g = geometry
    total = 0
    for sample in range(samples):
        rows = slice(sample * g.in_size[0], (sample + 1) * g.in_size[0])
        out_rows = slice(sample * g.out_size[0], (sample + 1) * g.out_size[0])
        grad = None if stage is Stage.FORWARD else masks.grad_output[:, out_rows]
        inputs = masks.grad_input_mask if stage is Stage.GTA else masks.input[:, rows]
        outer = _active(grad, g.out_channels, g.groups, g.out_size)
        total += _products(g, outer, _active(inputs, g.in_channels, g.groups, g.in_size))
    return total
