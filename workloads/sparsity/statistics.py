"""Clustering of recorded or generated masks in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workloads.sparsity.masks import BoolArray, Float32Array


@dataclass(frozen=True)
class MaskStatistics:
    """Statistics of masks bool [N, C, H, W] with density d; d (1 - d) is the variance of a position.

    `channel`: variance of the density of a (sample, channel) over d (1 - d). `row1`, `row4`, `column1`:
    correlation of positions 1 and 4 apart along a row, and of vertical neighbours. `empty_rows`: fraction
    of rows of one channel without a one. `dead`: fraction of channels of a sample without a one.
    `spread`: standard deviation of the samples' densities over d.
    """

    density: float
    channel: float
    row1: float
    row4: float
    column1: float
    empty_rows: float
    dead: float
    spread: float


def measure(masks: BoolArray) -> MaskStatistics:
    """Statistics of masks bool [N, C, H, W] with N >= 2, C >= 2 and 0 < density < 1."""
    values = masks.astype(np.float32)
    d = float(values.mean(dtype=np.float64))
    variance = d * (1.0 - d)
    by_channel = values.mean(axis=(2, 3), dtype=np.float64)
    return MaskStatistics(
        density=d,
        channel=float(by_channel.var()) / variance,
        row1=_together(values[..., 1:], values[..., :-1], d) / variance,
        row4=_together(values[..., 4:], values[..., :-4], d) / variance,
        column1=_together(values[:, :, 1:], values[:, :, :-1], d) / variance,
        empty_rows=float((~masks.any(axis=3)).mean()),
        dead=float((~masks.any(axis=(2, 3))).mean()),
        spread=float(by_channel.mean(axis=1).std(ddof=1)) / d,
    )


def _together(one: Float32Array, other: Float32Array, d: float) -> float:
    """Covariance of two positions of a mask with density d; 0 where the map is too small."""
    return float((one * other).mean(dtype=np.float64)) - d * d if one.size else 0.0
