"""Compiled loops of the mask generator."""
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from workloads.sparsity.masks import BoolArray, Float32Array


@njit(cache=True, nogil=True)
def cut_field(
    noise: Float32Array,
    offsets: Float32Array,
    thresholds: Float32Array,
    scale: np.float32,
    filters: Float32Array,
) -> BoolArray:
    """Mask [C, H, W] of offsets[c] + scale w[c, y, x] > thresholds[y, x].

    `noise` [C, H + 1, W + 1] is independent and standard normal. w is noise filtered along rows, then along
    columns, each time by w[i] = decay w[i-1] + gain (e[i] + theta e[i-1]); `filters` [2, 4] holds (decay,
    gain, theta, start) of the two, see moving_average.py. The extra row and column start them in their
    stationary state.
    """
    channels, height, width = noise.shape[0], noise.shape[1] - 1, noise.shape[2] - 1
    row, column = filters[0], filters[1]
    mask = np.empty((channels, height, width), np.bool_)
    line = np.empty(width, np.float32)
    above = np.empty(width, np.float32)
    field = np.empty(width, np.float32)
    for c in range(channels):
        for y in range(height + 1):
            fresh = noise[c, y, 1]
            value = row[1] * fresh + row[3] * noise[c, y, 0]
            line[0] = value
            for x in range(1, width):
                before = fresh
                fresh = noise[c, y, x + 1]
                value = row[0] * value + row[1] * (fresh + row[2] * before)
                line[x] = value
            if y == 0:
                field[:] = line
                continue
            for x in range(width):
                if y == 1:
                    field[x] = column[1] * line[x] + column[3] * field[x]
                else:
                    field[x] = column[0] * field[x] + column[1] * (line[x] + column[2] * above[x])
                above[x] = line[x]
                mask[c, y - 1, x] = offsets[c] + scale * field[x] > thresholds[y - 1, x]
    return mask


@njit(cache=True, nogil=True)
def place_in_windows(hit: BoolArray, pick: npt.NDArray[np.uint8], height: int, width: int) -> BoolArray:
    """Mask [C, height, width] with one non-zero in every window that is hit, at position `pick` of it.

    `hit` and `pick` are [C, height // k, width // k]; pick counts the k * k positions of a window by rows.
    Positions behind the last whole window stay zero: pooling does not look at them.
    """
    channels, rows, columns = hit.shape
    side = height // rows
    mask = np.zeros((channels, height, width), np.bool_)
    for c in range(channels):
        for y in range(rows):
            for x in range(columns):
                if hit[c, y, x]:
                    mask[c, y * side + pick[c, y, x] // side, x * side + pick[c, y, x] % side] = True
    return mask
