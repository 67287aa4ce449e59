"""The convolutions and fully connected layers of a network, layers of one shape together, batch 1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod

from workloads.layers import Conv, Linear
from workloads.network import LayerNode, Network

PES = 168
"""56 groups of 3 PEs of the default machine, one multiplication a cycle each."""


@dataclass(frozen=True)
class PeerLayer:
    """A layer as the peers see it: I without what no output reads, padding as part of it.

    in_size: (height, width) of I with its padding; a fully connected layer has 1 x 1 maps and kernels.
    """

    kind: str
    in_size: tuple[int, int]
    kernel: tuple[int, int]
    channels: int
    filters: int
    stride: int
    out_size: tuple[int, int]

    @property
    def macs(self) -> int:
        """Ho Wo Kh Kw C F: taps in the padding count, as the peers count them."""
        return prod(self.out_size) * prod(self.kernel) * self.channels * self.filters

    @property
    def least_cycles(self) -> float:
        """Cycles of PES PEs that are always busy."""
        return self.macs / PES


@dataclass(frozen=True)
class Repeated:
    """A shape, and the names of the layers that have it."""

    layer: PeerLayer
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.names)


def peer_layer(node: LayerNode) -> PeerLayer:
    """`node` for the peers; ValueError for a convolution they have no word for."""
    layer = node.layer
    if isinstance(layer, Linear):
        return PeerLayer("fc", (1, 1), (1, 1), layer.in_channels, layer.out_channels, 1, (1, 1))
    if not isinstance(layer, Conv) or layer.groups != 1 or set(layer.dilation) != {1}:
        raise ValueError(f"{node.name}: groups and dilation cannot be written for the peers.")
    if len(set(layer.stride)) != 1:
        raise ValueError(f"{node.name}: one stride for both directions is needed (got {layer.stride}).")
    stride, (high, wide), out_size = layer.stride[0], layer.kernel, node.out_shape[1:]
    # Rows that no output reads are left out: SCALE-Sim would round the number of outputs up for them.
    in_size = ((out_size[0] - 1) * stride + high, (out_size[1] - 1) * stride + wide)
    return PeerLayer("conv", in_size, layer.kernel, layer.in_channels, layer.out_channels, stride, out_size)


def repeated_layers(network: Network, first: int | None = None) -> tuple[Repeated, ...]:
    """Its layers by shape, in forward order; `first`: of its first layers only."""
    nodes = network.convolutions()[:first]
    shapes = [(peer_layer(node), node.name) for node in nodes]
    return tuple(
        Repeated(shape, tuple(name for other, name in shapes if other == shape))
        for shape in Counter(shape for shape, _ in shapes)
    )
