"""I of AlexNet with the densities of VGG-16 and the other way round: matched by depth and the pool before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from workloads.sparsity import transfer_plain
from workloads.sparsity.curve import DensityCurve
from workloads.sparsity.profile import LayerProfile
from workloads.sparsity.records import TraceRecord
from workloads.sparsity.shapes import LayerShape


@dataclass(frozen=True)
class Convolutions:
    """The convolutions of a network without branches. pooled: those with a pool behind, counted from 0."""

    count: int
    pooled: frozenset[int]

    def reads_pool(self, index: int) -> bool:
        """Whether a pool lies before convolution `index`."""
        return index - 1 in self.pooled


VGG = Convolutions(max(transfer_plain.VGG_POOLED) + 1, frozenset(transfer_plain.VGG_POOLED))


def traced_convolutions(trace: TraceRecord) -> Convolutions:
    """Those of a traced network; behind one with a pool, dO lies in the windows of the pool."""
    found = trace.of_kind("conv")
    pooled = frozenset(i for i, layer in enumerate(found) if layer.natural_clustering.window > 1)
    return Convolutions(len(found), pooled)


def like_input(index: int, of: Convolutions, among: Convolutions) -> int:
    """The convolution of `among` whose I is taken for that of convolution `index` of `of`, from 1.

    The nearest by relative depth (0 first, 1 last; the earlier of two that are equally near) among those
    behind a pool, or not, alike. The first one, which reads the image, is none of them.
    """
    depth = Fraction(index, of.count - 1)
    alike = [i for i in range(1, among.count) if among.reads_pool(i) == of.reads_pool(index)]
    return min(alike, key=lambda i: abs(Fraction(i, among.count - 1) - depth))


def alexnet_rows(layers: Sequence[LayerShape], trace: TraceRecord) -> dict[str, str]:
    """The row of VGG-16 for the I of every layer of AlexNet but the first; fully connected ones in order."""
    own = traced_convolutions(trace)
    convolutions = [shape.name for shape in layers if not shape.is_fc]
    connected = [shape.name for shape in layers if shape.is_fc]
    inside = {
        name: transfer_plain.convolution_row(like_input(i, own, VGG))
        for i, name in enumerate(convolutions)
        if i
    }
    return inside | {name: transfer_plain.connected_row(i) for i, name in enumerate(connected)}


def alexnet_with_activations(
    layers: Sequence[LayerShape], trace: TraceRecord, densities: Mapping[str, float]
) -> tuple[LayerProfile, ...]:
    """AlexNet as traced, with densities of I from VGG-16's rows and dO scaled to go with them."""
    traced = transfer_plain.alexnet(layers, trace)
    rows = alexnet_rows(layers, trace)
    inputs = [traced[0].input_density, *(densities[rows[shape.name]] for shape in layers[1:])]
    built = [replace(layer, input_density=found) for layer, found in zip(traced, inputs, strict=True)]
    for index, layer in enumerate(built[:-1]):
        curve = _passed(traced[index], traced[index + 1].input_density, inputs[index + 1])
        built[index] = replace(layer, grad_output=curve)
    return tuple(built)


def _passed(layer: LayerProfile, traced: float, density: float) -> DensityCurve:
    """The dO of a layer when the I of the layer behind it has another density than the traced one.

    A gradient passes where the ReLU passed, so that the natural dO has the density of the I behind; with a
    pool between, at one position of a window, it changes as that I does.
    """
    pooled = layer.natural_clustering.window > 1
    natural = layer.grad_output.at(0.0) * density / traced if pooled else density
    return layer.grad_output.relative_to(natural)


def vgg_from_trace(layers: Sequence[LayerShape], trace: TraceRecord) -> tuple[LayerProfile, ...]:
    """VGG-16 with the I of the traced AlexNet in its rows; the rest follows as in transfer_plain.vgg."""
    own = traced_convolutions(trace)
    convolutions = trace.of_kind("conv")
    densities = {
        transfer_plain.convolution_row(i): convolutions[like_input(i, VGG, own)].input_density
        for i in range(1, VGG.count)
    }
    for position, layer in enumerate(trace.of_kind("fc")):
        densities[transfer_plain.connected_row(position)] = layer.input_density
    return transfer_plain.vgg(layers, trace, densities)
