"""What the passes outside the convolutions have in common: what one costs, and whose masks it reads."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from workloads.map_layers import Concat, Interleave, Outputs
from workloads.network import LayerNode, Network
from workloads.zeros import KEEPS_ZEROS, from_relu

OPERAND_BITS = 16  # of one word


class Cost(NamedTuple):
    """Per sample: element operations, off-chip words read and written."""

    vector_operations: float
    read_words: float
    write_words: float


Rule = Callable[[Network, LayerNode], Cost | None]  # None: the layer needs no pass of its own

PASSES_GRADIENTS = (*KEEPS_ZEROS, Concat, Interleave, Outputs)
"""Layers that hand their gradient on, in parts perhaps, without applying a mask to it."""


def mask_words(network: Network, node: LayerNode) -> float:
    """The masks for the gradients of this layer's inputs that are the output of a ReLU nobody else reads."""
    return sum(
        bit_words(prod(producer.out_shape))
        for producer in network.producers(node.name)
        if from_relu(network, producer) and len(network.consumers(producer.name)) == 1
    )


def bit_words(bits: float) -> float:
    """Words that hold so many bits."""
    return bits / OPERAND_BITS
