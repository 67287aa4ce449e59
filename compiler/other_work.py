"""What a training step does outside the convolutions, as vector operations and off-chip words.

Everything here runs in the lanes of the PPUs and streams maps from and to off-chip memory: at the batch
sizes of training no map stays on chip from one pass to the next. Per sample; what serves a batch is divided
by it. A vector operation is one addition, multiplication or comparison of one element; a word is an operand
of 16 bits. n is the number of elements of the map concerned. Left out: per-channel numbers (batch-norm's
mean, variance, scale and shift; a few hundred words per batch and layer), and the gradients of biases, which
the PPUs sum while dO passes through them, as they do |dO|.

A ReLU directly behind a convolution, batch-norm or addition that nobody else reads is done in that pass and
appears nowhere. Its backward is a mask on the gradient, applied by whoever writes that gradient: GTA has the
mask anyway; the passes below read it, one bit per element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from compiler import map_work
from compiler.passes import PASSES_GRADIENTS, Cost, Rule, bit_words, mask_words
from workloads.layers import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Layer,
    Linear,
    MaxPool,
    ReLU,
)
from workloads.map_layers import Concat, Interleave
from workloads.network import LayerNode, Network
from workloads.zeros import from_relu

SUM_WORDS = 2  # words of a 32-bit number: weight gradients and momentum


@dataclass(frozen=True)
class OtherWork:
    """One pass outside the convolutions.

    layer: name in the network. kind: the layer's kind, or "gradient_sum", "weight_update", "loss".
    step: "forward", "backward", "gradient_sum", "update" or "loss"; (layer, step) is unique.
    vector_operations, read_words, write_words: per sample, >= 0.
    """

    layer: str
    kind: str
    step: str
    vector_operations: float
    read_words: float
    write_words: float


def other_works(network: Network, trained: frozenset[str], batch: int) -> tuple[OtherWork, ...]:
    """All passes of one training step: layers in forward order, within a layer in the order of `step` above.

    trained: the layers whose output depends on a trained number, so that its gradient is needed.
    """
    return tuple(work for node in network.layers() for work in _layer_works(network, node, trained, batch))


def _layer_works(
    network: Network, node: LayerNode, trained: frozenset[str], batch: int
) -> Iterator[OtherWork]:
    costs = {"forward": _apply(FORWARD, network, node)}
    if node.name == network.output.name:
        costs["loss"] = loss(node)
    if node.name in trained:
        costs["gradient_sum"] = gradient_sum(network, node)
        if node.layer.parameters or any(p.name in trained for p in network.producers(node.name)):
            costs["backward"] = _apply(BACKWARD, network, node)
        costs["update"] = weight_update(node, batch)
    for step, cost in costs.items():
        if cost is not None:
            yield OtherWork(node.name, _KIND_OF_STEP.get(step, node.layer.kind), step, *map(float, cost))


_KIND_OF_STEP = {"gradient_sum": "gradient_sum", "update": "weight_update", "loss": "loss"}


def batch_norm_forward(network: Network, node: LayerNode) -> Cost:
    """y = a x + b: read x, write y, 2 n operations.

    The sums of x and x^2 are accumulated by the PPUs while a convolution writes x; behind any other layer
    they take a pass of their own, 3 n operations and n words more.
    """
    n = prod(node.out_shape)
    producer = network.producers(node.name)[0]
    if producer.is_convolution or isinstance(producer.layer, Interleave):
        return Cost(2 * n, n, n)
    return Cost(5 * n, 2 * n, n)


def batch_norm_backward(network: Network, node: LayerNode) -> Cost:
    """Two passes over x and dy, since the sums must be complete before the first dx (Ioffe and Szegedy 2015).

    Pass 1, sum dy and sum dy (x - mean): 4 n operations, read 2 n. Pass 2, dx = c1 dy + c2 x + c3: 4 n, read
    2 n, write n.
    """
    n = prod(node.out_shape)
    return Cost(8 * n, 4 * n + mask_words(network, node), n)


def relu_forward(network: Network, node: LayerNode) -> Cost | None:
    """A pass of its own, n comparisons, read n, write n, unless it is fused (see `is_fused`)."""
    n = prod(node.out_shape)
    return None if is_fused(network, node) else Cost(n, n, n)


def relu_backward(network: Network, node: LayerNode) -> Cost | None:
    """The mask, n operations, read n and the mask, write n, where no other pass writes this gradient.

    That is where only an addition reads it, which hands its gradient on as it is, another ReLU, or the loss;
    and where it is concatenated with maps that are no ReLU's.
    """
    consumers, masked_by_reader = network.consumers(node.name), True
    while len(consumers) == 1 and isinstance(consumers[0].layer, PASSES_GRADIENTS):
        if isinstance(consumers[0].layer, Concat):  # a reader has a mask for the whole of it or none
            masked_by_reader = masked_by_reader and from_relu(network, consumers[0])
        consumers = network.consumers(consumers[0].name)
    adding = all(isinstance(reader.layer, Add | ReLU) for reader in consumers)
    if masked_by_reader and (len(consumers) > 1 or not adding):
        return None
    n = prod(node.out_shape)
    return Cost(n, n + bit_words(n), n)


def add_forward(network: Network, node: LayerNode) -> Cost:
    """The sum of k maps: (k - 1) n additions, read k n, write n.

    It has no backward: all its branches read one and the same gradient.
    """
    del network
    n, k = prod(node.out_shape), len(node.in_shapes)
    return Cost((k - 1) * n, k * n, n)


def max_pool_forward(network: Network, node: LayerNode) -> Cost:
    """One comparison per element of a window; read the input, write maxima and which element won.

    The winner is an index of ceil(log2(Kh Kw)) bits per output, kept for backward.
    """
    del network
    return Cost(_window_elements(node), prod(node.in_shape), prod(node.out_shape) + _winner_words(node))


def max_pool_backward(network: Network, node: LayerNode) -> Cost:
    """One addition per output (windows may overlap); read gradients and winners, write the input's gradient.

    No mask of a ReLU before the pool is needed: where the winner is zero, the whole window is, and the
    gradient was masked with the pooled map already.
    """
    del network
    outputs = prod(node.out_shape)
    return Cost(outputs, outputs + _winner_words(node), prod(node.in_shape))


def avg_pool_forward(network: Network, node: LayerNode) -> Cost:
    """One addition per element of a window, one multiplication per output; read the map, write the means."""
    del network
    outputs = prod(node.out_shape)
    return Cost(_window_elements(node) + outputs, prod(node.in_shape), outputs)


def avg_pool_backward(network: Network, node: LayerNode) -> Cost:
    """The same operations; read the output's gradient and the mask, write the input's gradient."""
    outputs, inputs = prod(node.out_shape), prod(node.in_shape)
    return Cost(_window_elements(node) + outputs, outputs + mask_words(network, node), inputs)


def gradient_sum(network: Network, node: LayerNode) -> Cost | None:
    """Where k > 1 layers read a map, their gradients are added: (k - 1) n additions, read k n, write n.

    The mask of a ReLU that made the map is applied here, since the gradient of an addition comes without it.
    """
    n, k = prod(node.out_shape), len(network.consumers(node.name))
    mask = bit_words(n) if from_relu(network, node) else 0
    return Cost((k - 1) * n, k * n + mask, n) if k > 1 else None


def loss(node: LayerNode) -> Cost:
    """Softmax minus target over n classes: maximum, difference, exponential, sum, quotient, difference."""
    n = prod(node.out_shape)
    return Cost(6 * n, n, n)


def weight_update(node: LayerNode, batch: int) -> Cost | None:
    """SGD with momentum and weight decay, v = m v + dW + d W; W = W - r v: 6 operations per parameter.

    Per batch and parameter it reads W (one word), dW and v (32 bits each) and writes W and v.
    """
    share = node.layer.parameters / batch
    if share == 0:
        return None
    return Cost(6 * share, (1 + 2 * SUM_WORDS) * share, (1 + SUM_WORDS) * share)


FORWARD: dict[type[Layer], Rule] = {
    BatchNorm: batch_norm_forward,
    ReLU: relu_forward,
    Add: add_forward,
    MaxPool: max_pool_forward,
    AvgPool: avg_pool_forward,
    AdaptiveAvgPool: avg_pool_forward,
    **map_work.FORWARD,
}

BACKWARD: dict[type[Layer], Rule] = {
    BatchNorm: batch_norm_backward,
    ReLU: relu_backward,
    MaxPool: max_pool_backward,
    AvgPool: avg_pool_backward,
    AdaptiveAvgPool: avg_pool_backward,
    **map_work.BACKWARD,
}


def is_fused(network: Network, relu: LayerNode) -> bool:
    """Whether the layer before it, read by it alone, does the ReLU: a convolution, transposed or not, a
    batch-norm or an addition.
    """
    producer = network.producers(relu.name)[0]
    fusing = isinstance(producer.layer, Conv | Linear | BatchNorm | Add | Interleave)
    return fusing and len(network.consumers(producer.name)) == 1


def _apply(rules: dict[type[Layer], Rule], network: Network, node: LayerNode) -> Cost | None:
    rule = rules.get(type(node.layer))
    return rule(network, node) if rule else None


def _winner_words(node: LayerNode) -> float:
    assert isinstance(node.layer, MaxPool)
    bits = (prod(node.layer.kernel) - 1).bit_length()
    return bit_words(bits * prod(node.out_shape))


def _window_elements(node: LayerNode) -> int:
    assert isinstance(node.layer, MaxPool | AvgPool | AdaptiveAvgPool)
    return node.layer.window_elements(node.in_shape)
