"""Sparsity of a network nobody recorded: every layer by its place, from the recordings there are.

No measurement of that network is in it, and Profile.transferred_from says so. The rules are in
docs/networks.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import log

import numpy as np

from workloads.layers import Add, BatchNorm, Input, MaxPool, ReLU
from workloads.map_layers import Elementwise
from workloads.network import LayerNode, Network
from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.curve import DensityCurve, constant_curve
from workloads.sparsity.profile import LayerProfile, Profile
from workloads.sparsity.records import RecordedLayer, activation_record, trace_record
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.structure import (
    BLOCK,
    CONNECTED,
    INSIDE,
    PLAIN,
    Origin,
    Structure,
    structure_of,
)

_RESNET, _ALEXNET, _VGG = "resnet18_224", "alexnet_32", "vgg16_imagenet"
_VGG_POOLS = {"conv1": "pool0", "conv3": "pool1", "conv6": "pool2", "conv9": "pool3", "conv12": "pool4"}
_WINDOW = 4  # positions of VGG's pools
_NO_LATTICE = (0.0, 0.0, 0.0, 0.0)
_SCALES = ("scale", "add_constant", "multiply_constant", "subtract_constant", "divide_constant")
Points = tuple[tuple[float, float], ...]  # (depth, density)


def profile_of_network(network: Network, layers: Sequence[LayerShape]) -> Profile:
    """Sparsity of any network; `layers` are its convolutions and fully connected layers in forward order."""
    structure = structure_of(network, relu_density, pooled_density)
    readers: dict[str, int] = {}
    built = []
    for index, (shape, node) in enumerate(zip(layers, network.convolutions(), strict=True)):
        source = network.producers(node.name)[0].name
        first_reader = readers.setdefault(source, index)
        built.append(_layer(network, structure, shape, node, first_reader))
    traces = [trace_record(name) for name in (_RESNET, _ALEXNET)]
    activations = activation_record(_VGG)
    recorded = ", ".join((*(trace.name for trace in traces), activations.name))
    return Profile(
        f"{network.name} by rule from {recorded}",
        "profile",
        "; ".join((*(trace.source for trace in traces), activations.source)),
        _transferred(network, built),
        tuple(built),
    )


def relu_density(origin: Origin) -> float:
    """Density behind a ReLU, at its depth between those that were recorded behind the same kind of layer."""
    depths, densities = zip(*_points(origin.kind), strict=True)
    return float(np.interp(origin.depth, depths, densities))


def pooled_density(density: float, positions: int) -> float:
    """Density of the maximum over a window: as if positions^e of its values were independent.

    e is the one of VGG-16's recorded 2 x 2 pools, in the mean.
    """
    return float(1.0 - (1.0 - min(density, 1.0)) ** (positions ** _independence()))


@cache
def _independence() -> float:
    found = activation_record(_VGG).densities
    counts = [log(1 - found[pool]) / log(1 - found[conv]) for conv, pool in _VGG_POOLS.items()]
    return log(sum(counts) / len(counts)) / log(_WINDOW)


@cache
def _points(kind: str) -> Points:
    """Recorded densities behind ReLUs of a kind over the share of the layers before them."""
    if kind in (BLOCK, INSIDE):
        layers = trace_record(_RESNET).layers
        end = ".conv1" if kind == BLOCK else ".conv2"
        return tuple((i / len(layers), x.input_density) for i, x in enumerate(layers) if x.name.endswith(end))
    densities = activation_record(_VGG).densities
    convolutions = sum(name.startswith("conv") for name in densities)
    count = convolutions + 3  # fully connected layers of VGG-16
    if kind == PLAIN:
        return tuple(((i + 1) / count, densities[f"conv{i}"]) for i in range(convolutions))
    return tuple(((convolutions + i) / count, densities[f"fc{i}"]) for i in (1, 2))


def _layer(
    network: Network, structure: Structure, shape: LayerShape, node: LayerNode, first_reader: int
) -> LayerProfile:
    producer = network.producers(node.name)[0].name
    depth = structure.depth[node.name]
    natural = structure.gradient[node.name]
    curve, natural_clustering, pruned_clustering = _gradient(network, node, shape, depth, natural)
    return LayerProfile(
        shape,
        structure.output[producer],
        curve,
        _input_clustering(shape, structure.origin[producer]),
        natural_clustering,
        pruned_clustering,
        first_reader,
    )


def _input_clustering(shape: LayerShape, origin: Origin | None) -> Clustering:
    """That of the nearest recorded I of the same kind."""
    if origin is None:
        return INDEPENDENT
    if shape.is_fc:
        return _nearest(trace_record(_ALEXNET).of_kind("fc"), origin.depth).input_clustering
    if origin.kind in (PLAIN, CONNECTED):
        return _nearest(trace_record(_ALEXNET).of_kind("conv")[1:], origin.depth).input_clustering
    end = ".conv1" if origin.kind == BLOCK else ".conv2"
    return _nearest(_ending(end), origin.depth).input_clustering


def _gradient(
    network: Network, node: LayerNode, shape: LayerShape, depth: float, natural: float
) -> tuple[DensityCurve, Clustering, Clustering]:
    """Density of dO over the pruning rate, and its clustering, natural and pruned.

    A dense dO is pruned as those of ResNet-18 were, one with the zeros of a ReLU as those of AlexNet. That of
    a fully connected layer is not.
    """
    if shape.is_fc:
        clustering = _nearest(trace_record(_ALEXNET).of_kind("fc"), depth).natural_clustering
        return constant_curve(natural), clustering, clustering
    if natural >= 1.0:
        alike = _nearest(_ending(".conv2" if _ends_a_block(network, node) else ".conv1"), depth)
        pruned = alike.pruned_clustering.model_copy(update={"lattice": _NO_LATTICE})
        return alike.grad_output, INDEPENDENT, pruned
    window = _window(network, node)
    recorded = trace_record(_ALEXNET).of_kind("conv")
    alike = _nearest([x for x in recorded if (x.natural_clustering.window > 1) == (window > 1)], depth)
    changed = {"window": window}
    return (
        alike.grad_output.relative_to(natural),
        alike.natural_clustering.model_copy(update=changed),
        alike.pruned_clustering.model_copy(update=changed),
    )


def _ending(end: str) -> list[RecordedLayer]:
    return [layer for layer in trace_record(_RESNET).layers if layer.name.endswith(end)]


def _nearest(layers: Sequence[RecordedLayer], depth: float) -> RecordedLayer:
    """Of layers in forward order the one at this relative depth."""
    return layers[min(int(depth * len(layers)), len(layers) - 1)]


def _ends_a_block(network: Network, node: LayerNode) -> bool:
    """Whether batch-norm and an addition follow."""
    readers = network.consumers(node.name)
    if len(readers) == 1 and isinstance(readers[0].layer, BatchNorm):
        readers = network.consumers(readers[0].name)
    return len(readers) == 1 and isinstance(readers[0].layer, Add)


def _window(network: Network, node: LayerNode) -> int:
    """The side of the windows of which one position gets a gradient: the stride of the max pool behind."""
    readers = network.consumers(node.name)
    while len(readers) == 1 and isinstance(readers[0].layer, ReLU):
        readers = network.consumers(readers[0].name)
    if len(readers) != 1 or not isinstance(readers[0].layer, MaxPool):
        return 1
    return min(16, *readers[0].layer.stride)


def _transferred(network: Network, built: Sequence[LayerProfile]) -> str:
    """In words: the rule, and how many layers have no natural zeros at all."""
    text = (
        f"{network.variant}: every layer by its place, behind ReLU after batch-norm or addition like "
        "resnet18-224, after a convolution like vgg16-imagenet, pruned gradients like resnet18-224 or "
        "alexnet-32 (docs/networks.md); record a trace of your own training for measured masks"
    )
    # The first layer reads the image, which is dense in every network.
    images = {node.name for node in network.layers() if isinstance(node.layer, Input)}
    first = {n.name for n in network.convolutions() if network.producers(n.name)[0].name in images}
    dense = sum(one.input_density == 1.0 and one.shape.name not in first for one in built)
    if not dense:
        return text
    functions = _functions(network)
    why = f" (of other functions, {functions}, none is assumed)" if functions else ""
    return f"{text}; the I of {dense} of {len(built)} layers is not a ReLU's and has no natural zeros{why}"


def _functions(network: Network) -> str:
    """Activations that leave no zeros, the commonest first."""
    layers = (node.layer for node in network.layers())
    found = Counter(layer.function for layer in layers if isinstance(layer, Elementwise))
    named = [name for name, _ in found.most_common() if name not in _SCALES]
    return ", ".join(named[:4])
