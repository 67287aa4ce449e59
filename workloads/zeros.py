"""Whose zeros a map has: the structure of a network alone, no densities."""

from __future__ import annotations

from workloads.layers import Flatten, MaxPool, ReLU
from workloads.map_layers import Concat, Gap, Pad, Reshape, Slice
from workloads.network import LayerNode, Network

KEEPS_ZEROS = (Flatten, MaxPool, Reshape, Slice, Pad)
"""Layers of one input whose output is zero where that is (Reorder is a Reshape)."""


def from_relu(network: Network, node: LayerNode) -> bool:
    """Whether the layer's output is a ReLU's, seen through layers that keep its zeros: flatten, max pool ...

    A concatenation is, where all its inputs are.
    """
    while isinstance(node.layer, KEEPS_ZEROS):
        node = network.producers(node.name)[0]
    if isinstance(node.layer, Concat):
        return all(from_relu(network, producer) for producer in network.producers(node.name))
    return isinstance(node.layer, ReLU | Gap)
