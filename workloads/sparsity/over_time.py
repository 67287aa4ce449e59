"""Densities of I over training time, where they were recorded epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workloads.sparsity.records import EpochRecord


@dataclass(frozen=True)
class DensityOverTime:
    """Recorded densities of I by layer and epoch, layers in forward order.

    recorded_on: network and data set of the recording, such as "resnet34-imagenet". source: where it comes
    from, in words. epochs: counted from 1. layers: by layer, the fraction of non-zeros of its I in every
    epoch, 0..1. A layer is called as the simulated network calls it where that is the recorded network or
    where each layer was given a row (AlexNet with those of VGG-16), else as the recorded network does. Left
    out is what has no row of its own: the first layer, downsampling convolutions (their I is that of the
    first convolution of the block) and the last layer of ResNets.
    """

    recorded_on: str
    source: str
    epochs: tuple[int, ...]
    layers: Mapping[str, tuple[float, ...]]


def density_over_time(record: EpochRecord, rows: Mapping[str, str]) -> DensityOverTime:
    """The recorded epochs of the layers in `rows`, which names the row of every layer's I."""
    layers = {layer: record.densities[row] for layer, row in rows.items()}
    epochs = len(next(iter(record.densities.values())))
    return DensityOverTime(record.name, record.source, tuple(range(1, epochs + 1)), layers)
