"""Where masks come from: a profile that draws them, or a trace that recorded them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from compiler.training import ConvWork
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.profile import Profile
from workloads.sparsity.trace import Trace


class MaskSource(Protocol):
    """Masks and expected densities of layers. `pruning` is the rate at which dO is pruned, 0 for natural sparsity."""

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        """Expected densities of a layer."""

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        """Masks of one sample of a layer (of the whole batch, for a fully connected one)."""

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        """Masks without zeros, `samples` maps stacked by rows."""


def _ones(work: ConvWork, samples: int) -> LayerMasks:
    g = work.geometry
    inputs = np.ones((g.in_channels, samples * g.in_size[0], g.in_size[1]), dtype=np.bool_)
    grads = np.ones((g.out_channels, samples * g.out_size[0], g.out_size[1]), dtype=np.bool_)
    return LayerMasks(inputs, grads, None)


@dataclass(frozen=True)
class ProfileSource:
    """Masks drawn from a profile with a seed."""

    profile: Profile
    seed: int

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        return self.profile.densities(layer, pruning)

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
    known: dict[str, LayerDensities] = field(default_factory=dict)

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        if layer not in self.known:
            self.known[layer] = self.masks(layer, pruning, 0).densities()
        return self.known[layer]

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        if layer in self.fully_connected:
            return self.trace.fc_masks(layer, range(self.samples))
        return self.trace.masks(layer, sample)

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return _ones(work, samples)
