"""Which layer an ONNX operator is. An operator that is not in the table here cannot be simulated."""

from __future__ import annotations

from functools import partial
from math import prod

from workloads.errors import UserError
from workloads.importing.functions import elementwise
from workloads.importing.names import quoted
from workloads.importing.onnx_graph import OnnxGraph, OnnxNode
from workloads.importing.onnx_names import layer_name
from workloads.importing.onnx_step import Translator, first_map, map_size, one_step
from workloads.importing.onnx_windows import (
    average_pool,
    conv,
    conv_transpose,
    global_average_pool,
    global_max_pool,
    max_pool,
)
from workloads.importing.steps import Step, View, text_of
from workloads.layers import AdaptiveAvgPool, Add, BatchNorm, Layer, Linear, ReLU
from workloads.map_layers import Combine, Concat, Normalization, Pad, Reorder, Resize, Slice


def gemm(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Gemm with a trained matrix: a fully connected layer."""
    rows, columns = graph.weight(node, 1, rank=2)
    if node.number("transA", 0):
        raise UserError(f"{node.said}: transA is not 0; only batches of vectors can be multiplied.")
    inputs, outputs = (columns, rows) if node.number("transB", 0) else (rows, columns)
    return one_step(graph, node, Linear(inputs, outputs, bias=graph.has(node, 2)))


def matmul(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """MatMul with a trained matrix: a fully connected layer."""
    inputs, outputs = graph.weight(node, 1, rank=2)
    dims = graph.sizes(first_map(graph, node), node)
    if prod(dims[1:]) != inputs:
        raise UserError(
            f"{node.said}: reads a tensor of {text_of(dims)}; a fully connected layer can be simulated for "
            f"one vector per sample, not for several."
        )
    return one_step(graph, node, Linear(inputs, outputs, bias=False))


def batch_norm(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """BatchNormalization."""
    return one_step(graph, node, BatchNorm(graph.weight(node, 1, rank=1)[0]))


def relu(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Relu, and whatever else is 0 wherever its input is not positive and has no gradient there."""
    return one_step(graph, node, ReLU())


def clip(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Clip from 0 on is a ReLU (ReLU6); elsewhere it leaves no zeros."""
    low = node.attributes.get("min")
    if graph.has(node, 1):
        low = next(iter(graph.values(node.inputs[1], node)), None)
    return one_step(graph, node, ReLU() if low == 0 else elementwise("clip"))


def function(name: str, graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """A function of every element that leaves no zeros."""
    return one_step(graph, node, elementwise(name))


def prelu(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """PRelu: its slopes are trained."""
    return one_step(graph, node, elementwise("prelu", trained=prod(graph.weight(node, 1))))


def add(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Add or Sum of maps; with a constant, a function of every element."""
    return _binary("add", Add(), graph, node)


def combine(name: str, graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """A product, difference ... of maps; with a constant, a function of every element."""
    return _binary(name, Combine(name), graph, node)


def _binary(name: str, layer: Layer, graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    maps = graph.data_inputs(node)
    if not maps:
        raise UserError(f"{node.said}: none of its inputs is computed from the image.")
    if len(maps) > 1:
        return one_step(graph, node, layer, maps)
    return one_step(graph, node, elementwise(f"{name}_constant"), maps)


def concat(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Concat along the channels."""
    maps = graph.data_inputs(node)
    if len(maps) < len(node.inputs):
        raise UserError(f"{node.said}: concatenates a map with a constant, which cannot be simulated.")
    dims = graph.sizes(maps[0], node)
    axis = node.number("axis", 1)
    if axis not in (1, 1 - len(dims)):
        raise UserError(
            f"{node.said}: concatenates along axis {axis} of {text_of(dims)}; only channels, axis 1, can be."
        )
    return one_step(graph, node, Concat(), maps)


def view(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Operators that compute nothing; dropout is none, since it costs nothing that is modelled."""
    output = node.outputs[0] if node.outputs else ""
    return one_step(graph, node, View(graph.shape(output, node)))


def transpose(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Transpose: a view where only sizes of 1 change places, else all elements are moved."""
    dims = graph.sizes(first_map(graph, node), node)
    order = node.numbers("perm") or tuple(reversed(range(len(dims))))
    if sorted(order) != list(range(len(dims))):
        raise UserError(f"{node.said}: perm must have each of {len(dims)} axes once (got {order}).")
    moving = [axis for axis in order if dims[axis] > 1]
    shape = graph.shape(node.outputs[0], node)
    return one_step(graph, node, View(shape) if moving == sorted(moving) else Reorder(shape))


def reorder(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """DepthToSpace, SpaceToDepth."""
    return one_step(graph, node, Reorder(graph.shape(node.outputs[0], node)))


def part(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Slice and Gather: a part of a map."""
    return one_step(graph, node, _part(graph, node, node.outputs[0]))


def split(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Split: several parts of a map."""
    source = (first_map(graph, node),)
    return [
        Step(f"{layer_name(node)}.{i}", node.said, _part(graph, node, output), source, output)
        for i, output in enumerate(node.outputs)
        if output
    ]


def _part(graph: OnnxGraph, node: OnnxNode, output: str) -> Layer | View:
    whole, shape = graph.shape(first_map(graph, node), node), graph.shape(output, node)
    return View(shape) if prod(whole) == prod(shape) else Slice(shape)


def pad(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Pad with zeros around a map; with anything else, a map on another raster."""
    map_size(graph, node)
    if node.text("mode", "constant") != "constant":
        return one_step(graph, node, Resize(graph.shape(node.outputs[0], node)))
    pads = graph.whole_values(node.inputs[1], node) if graph.has(node, 1) else node.numbers("pads")
    if graph.has(node, 3):
        pads = _of_all_axes(pads or (), graph.whole_values(node.inputs[3], node), node)
    if pads is None or len(pads) != 8 or min(pads) < 0 or any(pads[i] for i in (0, 1, 4, 5)):
        raise UserError(f"{node.said}: pads must be zeros around maps, eight numbers >= 0 (got {pads}).")
    return one_step(graph, node, Pad((pads[2], pads[3]), (pads[6], pads[7])))


def _of_all_axes(pads: tuple[int, ...], axes: tuple[int, ...], node: OnnxNode) -> tuple[int, ...]:
    whole = [0] * 8
    if len(pads) != 2 * len(axes) or any(not -4 <= axis < 4 for axis in axes):
        raise UserError(f"{node.said}: pads and axes do not fit together.")
    for place, axis in enumerate(axes):
        whole[axis % 4], whole[4 + axis % 4] = pads[place], pads[len(axes) + place]
    return tuple(whole)


def resize(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Resize, Upsample."""
    taps = {"linear": 4, "cubic": 16}.get(node.text("mode", "nearest"), 1)
    return one_step(graph, node, Resize(graph.shape(node.outputs[0], node), taps))


def reduce_mean(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """ReduceMean over rows and columns: global average pooling."""
    map_size(graph, node)
    axes = node.numbers("axes")
    if graph.has(node, 1):
        axes = graph.whole_values(node.inputs[1], node)
    rank = len(graph.sizes(first_map(graph, node), node))
    if sorted(axis % rank for axis in axes or ()) != list(range(2, rank)):
        raise UserError(
            f"{node.said}: takes the mean over axes {axes}; only rows and columns, 2 and 3, can be."
        )
    return one_step(graph, node, AdaptiveAvgPool((1, 1)))


def normalization(name: str, graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Other normalisations than batch-norm."""
    trained = 2 * prod(graph.weight(node, 1)) if graph.has(node, 1) else 0
    return one_step(graph, node, Normalization(name, trained))


def translator_of(graph: OnnxGraph, node: OnnxNode) -> Translator:
    """What makes the steps of an operator; UserError for one that cannot be simulated, whatever its sizes."""
    if node.operator not in TRANSLATORS or node.domain not in _OWN_DOMAINS:
        raise _unknown(node)
    if node.operator == "MatMul" and len(graph.data_inputs(node)) > 1:
        raise UserError(
            f"{node.said}: multiplies two maps, as attention does; only layers with trained weights can be "
            f"simulated. Export the part of the network before it."
        )
    return TRANSLATORS[node.operator]


def _unknown(node: OnnxNode) -> UserError:
    domain = f" of domain {quoted(node.domain)}" if node.domain else ""
    return UserError(
        f"{node.said}{domain}: this operator cannot be simulated. Export the network without it (the part up "
        f"to it; onnx.inliner for functions of the file; constant folding), or, where it is PyTorch's, call "
        f"sparsesim.simulate(module, example_input). What can be read: docs/networks.md."
    )


_OWN_DOMAINS = ("", "ai.onnx")
_FUNCTIONS = {
    "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Celu": "celu", "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid", "HardSwish": "hard_swish", "Swish": "silu", "Tanh": "tanh",
    "Gelu": "gelu", "Mish": "mish", "Softplus": "softplus", "Softsign": "softsign", "Softmax": "softmax",
    "LogSoftmax": "log_softmax", "Erf": "erf", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Abs": "abs",
    "Neg": "negative", "Reciprocal": "reciprocal", "Sin": "sin", "Cos": "cos",
}  # fmt: skip
_COMBINED = {"Mul": "multiply", "Sub": "subtract", "Div": "divide", "Pow": "power", "Max": "maximum",
             "Min": "minimum"}  # fmt: skip
_VIEWS = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast")
_NORMALIZATIONS = {
    "LRN": "local_response", "InstanceNormalization": "instance", "GroupNormalization": "group",
    "LayerNormalization": "layer",
}  # fmt: skip

TRANSLATORS: dict[str, Translator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_norm,
    "Relu": relu,
    "ThresholdedRelu": relu,
    "Clip": clip,
    "PRelu": prelu,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "ReduceMean": reduce_mean,
    "Add": add,
    "Sum": add,
    "Concat": concat,
    "Transpose": transpose,
    "DepthToSpace": reorder,
    "SpaceToDepth": reorder,
    "Slice": part,
    "Gather": part,
    "Split": split,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    **dict.fromkeys(_VIEWS, view),
    **{operator: partial(function, name) for operator, name in _FUNCTIONS.items()},
    **{operator: partial(combine, name) for operator, name in _COMBINED.items()},
    **{operator: partial(normalization, name) for operator, name in _NORMALIZATIONS.items()},
}
"""Operator of the ONNX standard -> what makes its steps."""
