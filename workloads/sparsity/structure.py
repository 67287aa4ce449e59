"""How sparse the maps and gradients of any network are, as far as its structure and a few curves say.

Forward: zeros are made by ReLU, and kept, joined or thinned out by what follows. Backward: a gradient is zero
where a ReLU let nothing pass, and where max pooling chose another position.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from workloads.layers import Add, BatchNorm, Conv, Flatten, Linear, MaxPool, ReLU
from workloads.map_layers import (
    Combine,
    Concat,
    Gap,
    Interleave,
    Normalization,
    Outputs,
    Pad,
    Reshape,
    Resize,
    Slice,
)
from workloads.network import LayerNode, Network
from workloads.zeros import from_relu

BLOCK, INSIDE, PLAIN, CONNECTED = "block", "inside", "plain", "connected"
"""What a ReLU follows: an addition; batch-norm; a convolution itself; a fully connected layer."""

_KINDS = {
    Add: BLOCK, Combine: BLOCK, BatchNorm: INSIDE, Normalization: INSIDE, Conv: PLAIN, Interleave: PLAIN,
    Linear: CONNECTED,
}  # fmt: skip
_HANDS_ON = (ReLU, Add, Concat, Interleave, Outputs, Flatten, Reshape, Pad)
"""Layers whose input has the gradient of their output, masked perhaps."""


@dataclass(frozen=True)
class Origin:
    """A ReLU. kind: what it follows, of the four above; depth: share of the layers before it, 0..1."""

    kind: str
    depth: float


@dataclass(frozen=True)
class Structure:
    """Of every layer, by name: density of its output and of the gradient of that (unpruned), each 0..1, and
    the ReLU its zeros are from (None where it has none; of a concatenation one of them). depth: share of the
    convolutions and fully connected layers that lie before it.
    """

    output: dict[str, float]
    gradient: dict[str, float]
    origin: dict[str, Origin | None]
    depth: dict[str, float]


def structure_of(
    network: Network, relu_density: Callable[[Origin], float], pooled: Callable[[float, int], float]
) -> Structure:
    """The structure of a network.

    relu_density: of the output of a ReLU. pooled(density, positions): of the maximum over so many positions.
    """
    return _Walk(network, relu_density, pooled).structure()


class _Walk:
    """Forward through all layers for their outputs, backward for the gradients."""

    def __init__(
        self, network: Network, relu_density: Callable[[Origin], float], pooled: Callable[[float, int], float]
    ) -> None:
        self._network = network
        self._nodes = network.layers()
        self._relu_density, self._pooled = relu_density, pooled
        self._producers = {node.name: network.producers(node.name) for node in self._nodes}
        self._output: dict[str, float] = {}
        self._gradient: dict[str, float] = {}
        self._origin: dict[str, Origin | None] = {}
        self._depth: dict[str, float] = {}
        self._kind: dict[str, str] = {}

    def structure(self) -> Structure:
        total, before = max(1, len(self._network.convolutions())), 0
        for node in self._nodes:
            self._depth[node.name] = before / total
            self._kind[node.name] = self._kind_of(node)
            self._origin[node.name] = self._origin_of(node)
            self._output[node.name] = self._density_of(node)
            before += node.is_convolution
        for node in reversed(self._nodes):
            self._gradient[node.name] = self._gradient_of(node)
        return Structure(self._output, self._gradient, self._origin, self._depth)

    def _origin_of(self, node: LayerNode) -> Origin | None:
        depth = self._depth[node.name]
        if isinstance(node.layer, Gap):
            return Origin(INSIDE, depth)
        producers = self._producers[node.name]
        if isinstance(node.layer, ReLU):
            return Origin(self._kind[producers[0].name], depth)
        if not _carries_zeros(node):
            return None
        return next((self._origin[p.name] for p in producers if self._origin[p.name]), None)

    def _kind_of(self, node: LayerNode) -> str:
        """What made the map, seen through layers that are none of the four."""
        found = _KINDS.get(type(node.layer))
        producers = self._producers[node.name]
        return found or (self._kind[producers[0].name] if producers else INSIDE)

    def _density_of(self, node: LayerNode) -> float:
        layer, origin = node.layer, self._origin[node.name]
        if origin is None:
            return 1.0
        if isinstance(layer, ReLU | Gap):
            return self._relu_density(origin)
        found = [(self._output[p.name], p.out_shape) for p in self._producers[node.name]]
        if isinstance(layer, Concat):
            return sum(density * shape[0] for density, shape in found) / node.out_shape[0]
        if isinstance(layer, Pad):
            return found[0][0] * prod(found[0][1]) / prod(node.out_shape)
        if isinstance(layer, MaxPool):
            return self._pooled(found[0][0], prod(layer.kernel))
        return min(density for density, _ in found)

    def _gradient_of(self, node: LayerNode) -> float:
        """The sum over all readers, and nothing where a ReLU's output is zero."""
        readers = self._network.consumers(node.name)
        arriving = sum(self._through(reader, node) for reader in readers) if readers else 1.0
        most = self._output[node.name] if from_relu(self._network, node) else 1.0
        return min(most, arriving)

    def _through(self, reader: LayerNode, node: LayerNode) -> float:
        if isinstance(reader.layer, MaxPool):
            chosen = prod(reader.out_shape) / prod(node.out_shape)
            return min(1.0, chosen) * self._gradient[reader.name]
        if isinstance(reader.layer, Slice):
            return self._gradient[reader.name] * prod(reader.out_shape) / prod(node.out_shape)
        return self._gradient[reader.name] if isinstance(reader.layer, _HANDS_ON) else 1.0


def _carries_zeros(node: LayerNode) -> bool:
    """Whether zeros of an input are zeros of the output."""
    layer = node.layer
    if isinstance(layer, Combine):
        return layer.function == "multiply"
    if isinstance(layer, Resize):
        return layer.taps == 1
    return isinstance(layer, MaxPool | Flatten | Reshape | Slice | Pad | Concat)
