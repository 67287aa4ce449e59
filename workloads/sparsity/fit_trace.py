"""Fits the clustering of a trace's operands, one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.fit import fit, fit_columns
from workloads.sparsity.masks import BoolArray, density
from workloads.sparsity.trace import Trace
from workloads.sparsity.trace_meta import TraceLayer

_POOLING = 2


def recorded_masks(trace: Trace, layer: TraceLayer, key: str) -> BoolArray:
    """Masks `input` or `grad_output` of all samples of a layer, bool [N, C, H, W]."""
    masks = trace.all_samples(layer.name, key)
    if masks is None:
        raise ValueError(f"{trace.path}: {layer.name}/{key} is missing")
    return masks


def fit_operand(layer: TraceLayer, runs: Sequence[BoolArray], *, gradient: bool) -> Clustering:
    """Clustering of I, or of dO (`gradient`), of a layer in some runs, each bool [N, C, H, W].

    INDEPENDENT where no run has both zeros and ones. Gradients with at most one non-zero in every window of
    2 x 2 come from pooling; others may have a lattice.
    """
    runs = [masks for masks in runs if 0.0 < density(masks) < 1.0]
    if not runs:
        return INDEPENDENT
    if layer.kind == "fc":
        return fit_columns(runs)
    window = _POOLING if gradient and all(_one_per_window(masks) for masks in runs) else 1
    return fit(runs, window=window, lattice=gradient and window == 1)


def _one_per_window(masks: BoolArray) -> bool:
    """Whether the maps have 2 x 2 windows and none of these holds two ones."""
    rows, columns = (length // _POOLING for length in masks.shape[2:])
    if not rows or not columns:
        return False
    whole = masks[..., : rows * _POOLING, : columns * _POOLING]
    windows = whole.reshape(*masks.shape[:2], rows, _POOLING, columns, _POOLING)
    return bool(np.count_nonzero(windows, axis=(3, 5)).max() <= 1)
