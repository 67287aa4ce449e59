"""Where masks come from: a profile that draws them, or a trace that recorded them."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.compile import StageDensities
from compiler.training import ConvWork
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.profile import Profile
from workloads.sparsity.trace import Trace


class MaskSource(Protocol):
    """Masks and expected densities of layers. `pruning`: rate at which dO is pruned, 0: natural sparsity."""

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        """Expected densities of a layer."""

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        """Shares of the variance of I and dO common to a channel, 0..1 (compiler/mapping/spread.py)."""

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        """Masks of one sample of a layer (of the whole batch, for a fully connected one)."""

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        """Masks without zeros, `samples` maps stacked by rows."""


def expected_densities(source: MaskSource, layer: str, pruning: float) -> StageDensities:
    """What the mapper is told of a layer."""
    found = source.densities(layer, pruning)
    shares = source.channel_shares(layer, pruning)
    return StageDensities(found.input, found.grad_output, found.grad_input_mask, *shares)


def _ones(work: ConvWork, samples: int) -> LayerMasks:
    g = work.geometry
    inputs = np.ones((g.in_channels, samples * g.in_size[0], g.in_size[1]), dtype=np.bool_)
    grads = np.ones((g.out_channels, samples * g.out_size[0], g.out_size[1]), dtype=np.bool_)
    return LayerMasks(inputs, grads, None)


def channel_share(mask: NDArray[np.bool_]) -> float:
    """Share of a mask bool[C, H, W] that is common to its channels, 0..1.

    The normal deviates of the channels' densities have the variance share / (1 - share).
    """
    normal, least = NormalDist(), 0.5 / mask[0].size
    densities = np.clip(mask.mean(axis=(1, 2)), least, 1.0 - least)
    variance = float(np.var([normal.inv_cdf(float(d)) for d in densities]))
    return variance / (1.0 + variance)


@dataclass(frozen=True)
class ProfileSource:
    """Masks drawn from a profile with a seed."""

    profile: Profile
    seed: int

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        return self.profile.densities(layer, pruning)

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        clustering = self.profile.layers[self.profile.index(layer)].clustering(pruning)
        return clustering.input.channel, clustering.grad_output.channel

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        return self.profile.masks(layer, pruning, self.seed, sample)

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return _ones(work, samples)


@dataclass(frozen=True)
class TraceSource:
    """The recorded samples of a trace; `pruning` is what was recorded, whatever is asked."""

    trace: Trace
    samples: int
    fully_connected: frozenset[str]
    known: dict[str, tuple[LayerDensities, tuple[float, float]]] = field(default_factory=dict)

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        return self._measured(layer)[0]

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        return self._measured(layer)[1]

    def _measured(self, layer: str) -> tuple[LayerDensities, tuple[float, float]]:
        """Densities and channel shares of the first sample; every stage asks for them."""
        if layer not in self.known:
            masks = self.masks(layer, 0.0, 0)
            shares = channel_share(masks.input), channel_share(masks.grad_output)
            self.known[layer] = masks.densities(), shares
        return self.known[layer]

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        if layer in self.fully_connected:
            return self.trace.fc_masks(layer, range(self.samples))
        return self.trace.masks(layer, sample)

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return _ones(work, samples)
