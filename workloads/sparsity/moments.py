"""What the fit matches: correlations of the positions of recorded masks, by distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from workloads.sparsity.masks import BoolArray
from workloads.sparsity.normal import FloatArray
from workloads.sparsity.place import place_moments


@dataclass(frozen=True)
class Moments:
    """Correlations of two positions of masks bool [N, C, H, W].

    `sample`: of two of one sample, whatever their channels; `channel`: mean over all pairs of one channel
    of a sample; `persistent`: of one channel in two samples; `row1`, `row2`, `column1`, `column2`: of
    positions 1 and 2 apart. Each position is first normalised by the mean and deviation of its class
    (even or odd row and column), so that a lattice of densities does not count as correlation. A single
    sample shows neither `sample` nor `persistent`: both are 0. `place...`: place_moments().
    """

    sample: float
    channel: float
    persistent: float
    row1: float
    row2: float
    column1: float
    column2: float
    place: float
    place_row: float
    place_column: float


def average_moments(runs: Sequence[BoolArray], step: int) -> Moments:
    """Mean over the runs; `step` 2 normalises the four position classes apart, 1 all positions together."""
    one_by_one = [_moments(_normalised(masks, step)) for masks in runs]
    means = (np.mean([getattr(m, field.name) for m in one_by_one]) for field in fields(Moments))
    return Moments(*map(float, means))


def _normalised(masks: BoolArray, step: int) -> FloatArray:
    values = masks.astype(np.float64)
    for y in range(step):
        for x in range(step):
            part = values[:, :, y::step, x::step]
            part[...] = (part - part.mean()) / (part.std() or 1.0)
    return values


def _moments(values: FloatArray) -> Moments:
    by_channel = values.mean(axis=(2, 3))
    place, place_row, place_column = place_moments(values)
    sample, persistent = _between(by_channel) if len(values) > 1 else (0.0, 0.0)
    return Moments(
        sample=sample,
        channel=float(by_channel.var(axis=1, ddof=min(1, by_channel.shape[1] - 1)).mean()) + sample,
        persistent=persistent,
        row1=_apart(values, 3, 1),
        row2=_apart(values, 3, 2),
        column1=_apart(values, 2, 1),
        column2=_apart(values, 2, 2),
        place=place,
        place_row=place_row,
        place_column=place_column,
    )


def _between(by_channel: FloatArray) -> tuple[float, float]:
    """(sample, persistent) of the means [N, C] of N >= 2 samples."""
    matrix = np.cov(by_channel)
    pairs = matrix.size - len(matrix)
    return float(by_channel.mean(axis=1).var(ddof=1)), float(matrix.sum() - np.trace(matrix)) / pairs


def _apart(values: FloatArray, axis: int, distance: int) -> float:
    length = values.shape[axis]
    if length <= distance:
        return 0.0
    one, other = values.take(range(distance, length), axis), values.take(range(length - distance), axis)
    return float((one * other).mean())
