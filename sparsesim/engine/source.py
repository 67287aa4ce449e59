"""Where masks come from: a profile that draws them, or a trace that recorded them."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.compile import StageDensities
from compiler.training import ConvWork
from sparsesim.engine.channels import ChannelDensities, channels_of, mean_of
from workloads.errors import UserError
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.profile import Profile
from workloads.sparsity.trace import Trace

# Samples of a profile that channels are measured on: far beyond the numbers of those that are simulated
# (sparsesim/request.py bounds them).
_EARLIER_SAMPLES = range(1 << 20, (1 << 20) + 8)


class MaskSource(Protocol):
    """Masks and expected densities of layers. `pruning`: rate at which dO is pruned, 0: natural sparsity."""

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        """Expected densities of a layer."""

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        """Shares of the variance of I and dO common to a channel, 0..1 (compiler/mapping/spread.py)."""

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        """Masks of one sample of a layer (of the whole batch, for a fully connected one)."""

    def channel_densities(self, layer: str, pruning: float, simulated: range) -> ChannelDensities | None:
        """Densities of a layer's channels as measured on other samples than the `simulated` ones.

        Of a fully connected layer `simulated` says nothing: none of its columns is among them. None where
        its columns are all that was recorded.
        """

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
    known: dict[tuple[str, float], ChannelDensities] = field(default_factory=dict, compare=False)

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        return self.profile.densities(layer, pruning)

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        clustering = self.profile.layers[self.profile.index(layer)].clustering(pruning)
        return clustering.input.channel, clustering.grad_output.channel

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        return self.profile.masks(layer, pruning, self.seed, sample)

    def channel_densities(self, layer: str, pruning: float, simulated: range) -> ChannelDensities | None:
        """Measured on samples that are never simulated, as of an earlier step: of a channel's level they
        have only the persistent share in common with any other sample (workloads/sparsity/clustering.py).
        """
        if (layer, pruning) not in self.known:
            earlier = [self.masks(layer, pruning, sample) for sample in _EARLIER_SAMPLES]
            self.known[layer, pruning] = channels_of(earlier)
        return self.known[layer, pruning]

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return _ones(work, samples)


@dataclass(frozen=True)
class TraceSource:
    """The recorded samples of a trace; `pruning` is what was recorded, whatever is asked."""

    trace: Trace
    samples: int
    fully_connected: frozenset[str]
    known: dict[str, tuple[LayerDensities, tuple[float, float]]] = field(default_factory=dict)
    measured: dict[tuple[str, int], ChannelDensities] = field(default_factory=dict)

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

    def channel_densities(self, layer: str, pruning: float, simulated: range) -> ChannelDensities | None:
        recorded = self.trace.meta.samples
        if layer in self.fully_connected:
            others = range(self.samples, recorded)
            return channels_of([self.trace.fc_masks(layer, others)]) if others else None
        left = [sample for sample in range(recorded) if sample not in simulated]
        if not left:
            raise UserError(
                f"{self.trace.path}: policy.channel_order = density measures the channels of {layer!r} on "
                f"samples that are not simulated with them, and all {recorded} of the trace are simulated in "
                "one job; record more samples, let GTW accumulate over fewer (policy.accumulated_samples), "
                "or set policy.channel_order to natural."
            )
        return mean_of([self._channels(layer, sample) for sample in left])

    def _channels(self, layer: str, sample: int) -> ChannelDensities:
        """Of one sample; every job leaves others out, so each sample is asked for many times."""
        if (layer, sample) not in self.measured:
            self.measured[layer, sample] = channels_of([self.masks(layer, 0.0, sample)])
        return self.measured[layer, sample]

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return _ones(work, samples)
