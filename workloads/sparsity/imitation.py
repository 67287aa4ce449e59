"""Masks drawn to imitate those of a trace: same shapes, densities and clustering, other positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.fit_trace import fit_operand, recorded_masks
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import BoolArray, LayerDensities, LayerMasks
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.trace import Trace


@dataclass(frozen=True)
class _Layer:
    """A layer to imitate: its place, and for every sample densities and clustering."""

    index: int
    shape: LayerShape
    samples: Sequence[tuple[LayerDensities, LayerClustering]]


@dataclass(frozen=True)
class Imitation:
    """What of a trace is imitated; from imitate()."""

    layers: Mapping[str, _Layer]
    samples: int

    def masks(self, name: str, seed: int, sample: int) -> LayerMasks:
        """Masks of a sample of layer `name` (of an fc layer: of all samples, a column each)."""
        layer = self.layers[name]
        if not layer.shape.is_fc:
            return _drawn(layer, seed, sample)
        columns = [_drawn(layer, seed, n) for n in range(self.samples)]
        inputs, grads = ([getattr(one, key) for one in columns] for key in ("input", "grad_output"))
        mask = np.concatenate(inputs, axis=2)
        needed = mask if layer.shape.input_is_relu else None
        return LayerMasks(mask, np.concatenate(grads, axis=2), needed)


def imitate(
    trace: Trace, samples: int | None = None, *, clustered: bool = True, own_densities: bool = True
) -> Imitation:
    """Fits the generator to all samples of every layer of a trace, to draw the first `samples` (None: all).

    clustered: else zeros are independent. own_densities: every sample is drawn with the densities of the
    recorded one, so that what samples differ by is no chance; else with the mean over the samples and, if
    clustered, with the fitted spread between them.
    """
    layers = [_layer(trace, index, clustered, own_densities) for index in range(len(trace.layers))]
    count = trace.meta.samples if samples is None else samples
    return Imitation({layer.shape.name: layer for layer in layers}, count)


def _layer(trace: Trace, index: int, clustered: bool, own_densities: bool) -> _Layer:
    layer = trace.layers[index]
    fc = layer.kind == "fc"
    shape = LayerShape(
        layer.name,
        layer.in_channels,
        layer.out_channels,
        (1, 1) if fc else layer.in_size,
        (1, 1) if fc else layer.out_size,
        fc,
        layer.input_is_relu,
    )
    masks = [recorded_masks(trace, layer, key) for key in ("input", "grad_output")]
    fits = [INDEPENDENT, INDEPENDENT]
    if clustered:
        fits = [fit_operand(layer, [one], gradient=place == 1) for place, one in enumerate(masks)]
    return _Layer(index, shape, _samples(masks, fits, own_densities))


def _samples(
    masks: Sequence[BoolArray], fits: Sequence[Clustering], own_densities: bool
) -> list[tuple[LayerDensities, LayerClustering]]:
    """Densities and clustering of every sample of I and dO, bool [N, C, H, W] each."""
    densities = [one.mean(axis=(1, 2, 3)) for one in masks]
    if not own_densities:
        densities = [np.full(len(one), one.mean()) for one in densities]
    clustering = LayerClustering(*(one.of_sample() if own_densities else one for one in fits))
    pairs = zip(*(one.tolist() for one in densities), strict=True)
    return [(LayerDensities(i, g, i), clustering) for i, g in pairs]


def _drawn(layer: _Layer, seed: int, sample: int) -> LayerMasks:
    densities, clustering = layer.samples[sample]
    return generate_masks(layer.shape, densities, clustering, Draw(seed, layer.index, sample))
