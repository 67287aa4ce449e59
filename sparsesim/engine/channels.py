"""How dense each channel of a layer is: what jobs can be ordered by (channel_order.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.sparsity.masks import LayerMasks

Densities = NDArray[np.float64]


@dataclass(frozen=True)
class ChannelDensities:
    """Densities of the channels of a layer, 0..1: of I float64[C], of dO float64[F], and of the positions
    where dI is needed float64[C]; None where it is needed everywhere.
    """

    input: Densities
    grad_output: Densities
    grad_input_mask: Densities | None


def channels_of(samples: Sequence[LayerMasks]) -> ChannelDensities:
    """Mean over one or more samples of a layer."""
    return mean_of([_of_sample(masks) for masks in samples])


def mean_of(measured: Sequence[ChannelDensities]) -> ChannelDensities:
    """Mean of several, each of as many positions."""
    needed = [m.grad_input_mask for m in measured if m.grad_input_mask is not None]
    return ChannelDensities(
        np.mean([m.input for m in measured], axis=0),
        np.mean([m.grad_output for m in measured], axis=0),
        np.mean(needed, axis=0) if len(needed) == len(measured) else None,
    )


def _of_sample(masks: LayerMasks) -> ChannelDensities:
    needed = masks.grad_input_mask
    return ChannelDensities(
        _by_channel(masks.input),
        _by_channel(masks.grad_output),
        None if needed is None else _by_channel(needed),
    )


def _by_channel(mask: NDArray[np.bool_]) -> Densities:
    return np.asarray(mask.mean(axis=(1, 2)))
