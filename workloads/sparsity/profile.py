"""A profile: for every layer of a network, how sparse I and dO are and how the zeros cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from workloads.errors import unknown_name
from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.curve import DensityCurve, constant_curve
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.over_time import DensityOverTime
from workloads.sparsity.shapes import LayerShape

ProfileKind = Literal["profile", "uniform", "dense"]


@dataclass(frozen=True)
class LayerProfile:
    """Sparsity of one layer. `input_index` is the first layer with the same I (its own index, mostly)."""

    shape: LayerShape
    input_density: float
    grad_output: DensityCurve
    input_clustering: Clustering
    natural_clustering: Clustering
    pruned_clustering: Clustering
    input_index: int

    def densities(self, p: float) -> LayerDensities:
        """Densities at pruning rate p; p = 0 is natural sparsity. UserError for a p not recorded."""
        needed = self.input_density if self.shape.input_is_relu else 1.0
        return LayerDensities(self.input_density, self.grad_output.at(p), needed)

    def clustering(self, p: float) -> LayerClustering:
        """Clustering of I and, natural or pruned, of dO."""
        return LayerClustering(
            self.input_clustering, self.pruned_clustering if p else self.natural_clustering
        )


@dataclass(frozen=True)
class Profile:
    """Sparsity of a network: where it comes from, in words, and its layers in forward order.

    `transferred_from` is None where the densities were recorded on this network, else it names what they
    were recorded on. density_over_time: the epochs behind the densities of I, None where there is one point
    in time only; no mask depends on it, so it is no part of what tells two profiles apart.
    """

    name: str
    kind: ProfileKind
    source: str
    transferred_from: str | None
    layers: tuple[LayerProfile, ...]
    density_over_time: DensityOverTime | None = field(default=None, repr=False, compare=False)

    def index(self, name: str) -> int:
        """Position of layer `name`; UserError with the nearest name when there is none."""
        names = [layer.shape.name for layer in self.layers]
        if name not in names:
            raise unknown_name(f"layer of profile {self.name}", name, names)
        return names.index(name)

    def densities(self, name: str, p: float) -> LayerDensities:
        """Expected densities of layer `name` at pruning rate p."""
        return self.layers[self.index(name)].densities(p)

    def masks(self, name: str, p: float, seed: int, sample: int) -> LayerMasks:
        """Masks of one sample of layer `name` (of an FC layer: of batch `sample`, a column per sample)."""
        index = self.index(name)
        layer = self.layers[index]
        draw = Draw(seed, index, sample, layer.input_index)
        return generate_masks(layer.shape, layer.densities(p), layer.clustering(p), draw)


def uniform_profile(
    shapes: Sequence[LayerShape], input_density: float, grad_output_density: float
) -> Profile:
    """Independent zeros at the same densities in every layer (I of the first layer stays dense): for studies.

    The density of dO is given, so pruning rates do not change it.
    """
    text = f"independent zeros, density {input_density:g} of I and {grad_output_density:g} of dO"
    first = [_unclustered(shape, 0, 1.0, grad_output_density) for shape in shapes[:1]]
    others = enumerate(shapes[1:], start=1)
    layers = first + [_unclustered(shape, i, input_density, grad_output_density) for i, shape in others]
    return Profile("uniform", "uniform", text, None, tuple(layers))


def dense_profile(shapes: Sequence[LayerShape]) -> Profile:
    """No zeros anywhere."""
    layers = [_unclustered(shape, i, 1.0, 1.0) for i, shape in enumerate(shapes)]
    return Profile("dense", "dense", "no zeros", None, tuple(layers))


def _unclustered(shape: LayerShape, index: int, input_density: float, grad_output: float) -> LayerProfile:
    curve = constant_curve(grad_output)
    return LayerProfile(shape, input_density, curve, INDEPENDENT, INDEPENDENT, INDEPENDENT, index)
