"""What the layers of workloads/map_layers.py cost in a training step; units as in other_work.py.

Concat, Slice, Reshape, Pad, Interleave, Outputs and Gap cost nothing: maps are written where they belong
and read from where they are.
"""

from __future__ import annotations

from math import prod

from compiler.passes import Cost, Rule, mask_words
from workloads.layers import Layer
from workloads.map_layers import Combine, Elementwise, Normalization, Reorder, Resize
from workloads.network import LayerNode, Network


def elementwise_forward(network: Network, node: LayerNode) -> Cost:
    """The function of n elements: read n, write n."""
    del network
    n = prod(node.out_shape)
    return Cost(_operations(node) * n, n, n)


def elementwise_backward(network: Network, node: LayerNode) -> Cost:
    """Its derivative, as many operations again, times the gradient; read input and gradient, write n."""
    n = prod(node.out_shape)
    return Cost((_operations(node) + 1) * n, 2 * n + mask_words(network, node), n)


def combine_forward(network: Network, node: LayerNode) -> Cost:
    """k maps become one: (k - 1) n operations; read all, write n."""
    del network
    n = prod(node.out_shape)
    return Cost((len(node.in_shapes) - 1) * n, _input_elements(node), n)


def combine_backward(network: Network, node: LayerNode) -> Cost:
    """Per input the gradient times the derivative, 2 n operations (a number per channel is summed up).

    Read the gradient and all inputs, write the gradients of all inputs.
    """
    n, inputs = prod(node.out_shape), _input_elements(node)
    return Cost(2 * len(node.in_shapes) * n, n + inputs + mask_words(network, node), inputs)


def normalization_forward(network: Network, node: LayerNode) -> Cost:
    """A pass for the sums, 3 n operations, read n; a pass for y = a x + b, 2 n, read n, write n."""
    del network
    n = prod(node.out_shape)
    return Cost(5 * n, 2 * n, n)


def normalization_backward(network: Network, node: LayerNode) -> Cost:
    """Two passes over x and dy as of batch-norm: 8 n operations, read 4 n, write n."""
    n = prod(node.out_shape)
    return Cost(8 * n, 4 * n + mask_words(network, node), n)


def reorder(network: Network, node: LayerNode) -> Cost:
    """Every element moves, forward and backward: read n, write n."""
    del network
    n = prod(node.out_shape)
    return Cost(0, n, n)


def resize_forward(network: Network, node: LayerNode) -> Cost:
    """A multiplication and an addition per tap and output; read the map, write the other."""
    del network
    return Cost(_taps(node), prod(node.in_shape), prod(node.out_shape))


def resize_backward(network: Network, node: LayerNode) -> Cost:
    """The same the other way round."""
    return Cost(_taps(node), prod(node.out_shape) + mask_words(network, node), prod(node.in_shape))


FORWARD: dict[type[Layer], Rule] = {
    Elementwise: elementwise_forward,
    Combine: combine_forward,
    Normalization: normalization_forward,
    Reorder: reorder,
    Resize: resize_forward,
}

BACKWARD: dict[type[Layer], Rule] = {
    Elementwise: elementwise_backward,
    Combine: combine_backward,
    Normalization: normalization_backward,
    Reorder: reorder,
    Resize: resize_backward,
}


def _operations(node: LayerNode) -> int:
    assert isinstance(node.layer, Elementwise)
    return node.layer.operations


def _input_elements(node: LayerNode) -> int:
    return sum(prod(shape) for shape in node.in_shapes)


def _taps(node: LayerNode) -> int:
    assert isinstance(node.layer, Resize)
    return 2 * node.layer.taps * prod(node.out_shape)
