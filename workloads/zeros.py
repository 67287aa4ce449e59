"""Whose zeros a map has: the structure of a network alone, no densities."""

from __future__ import annotations

from functools import lru_cache

from workloads.layers import Flatten, MaxPool, ReLU
from workloads.map_layers import Concat, Gap, Pad, Reshape, Slice
from workloads.network import LayerNode, Network

KEEPS_ZEROS = (Flatten, MaxPool, Reshape, Slice, Pad)
"""Layers of one input whose output is zero where that is (Reorder is a Reshape)."""


def from_relu(network: Network, node: LayerNode) -> bool:
    """Whether the layer's output is a ReLU's, seen through layers that keep its zeros: flatten, max pool ...

    A concatenation is, where all its inputs are.
    """
    return node.name in _from_relu(network)


@lru_cache(maxsize=8)
def _from_relu(network: Network) -> frozenset[str]:
    """All layers of which it is true. One walk over the network: there may be 2^n ways through it."""
    found: set[str] = set()
    for node in network.layers():
        if isinstance(node.layer, (*KEEPS_ZEROS, Concat)):
            true = all(producer.name in found for producer in network.producers(node.name))
        else:
            true = isinstance(node.layer, ReLU | Gap)
        if true:
            found.add(node.name)
    return frozenset(found)
