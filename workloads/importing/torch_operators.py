"""Which layer an operator of ATen is. An operator that is not in the table here cannot be simulated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from workloads.errors import UserError
from workloads.importing.functions import elementwise
from workloads.importing.steps import Step, TransposedConv, View, text_of
from workloads.importing.torch_graph import Call, Tensor
from workloads.layers import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Layer,
    Linear,
    MaxPool,
    Pool,
    ReLU,
    Size,
)
from workloads.map_layers import Combine, Concat, Normalization, Pad, Reorder, Resize, Slice

Translator = Callable[[Call], list[Step]]
_ONE, _NONE = (1, 1), (0, 0)


def conv(call: Call) -> list[Step]:
    """conv2d, conv1d (a map of one row)."""
    out_channels, per_group, *kernel = _as_2d(call)
    call.map_size()
    groups, window = _number(call, "groups", 1), (kernel[0], kernel[1])
    dilation = call.pair("dilation", 1, _ONE)
    before, behind = _padding(call, window, dilation)
    layer = Conv(
        per_group * groups,
        out_channels,
        window,
        call.pair("stride", 1, _ONE),
        before,
        dilation,
        groups,
        bias=isinstance(call.arguments.get("bias"), Tensor),
        end_padding=behind,
    )
    return call.steps(layer)


def conv_transpose(call: Call) -> list[Step]:
    """conv_transpose2d, conv_transpose1d."""
    in_channels, per_group, *kernel = _as_2d(call)
    call.map_size()
    groups = _number(call, "groups", 1)
    layer = TransposedConv(
        in_channels,
        per_group * groups,
        (kernel[0], kernel[1]),
        call.pair("stride", 1, _ONE),
        call.pair("padding", 0, _NONE),
        call.pair("dilation", 1, _ONE),
        groups,
        bias=isinstance(call.arguments.get("bias"), Tensor),
        out_size=call.shape()[1:],
    )
    return call.steps(layer)


def _as_2d(call: Call) -> tuple[int, ...]:
    dims = call.weight("weight")
    dims = (*dims[:2], 1, dims[2]) if len(dims) == 3 else dims
    if len(dims) != 4:
        raise UserError(f"{call.said}: only convolutions of maps and rows can be simulated.")
    return dims


def _padding(call: Call, kernel: Size, dilation: Size) -> tuple[Size, Size]:
    """Zeros before and behind; "same" puts the odd one behind."""
    kind = call.arguments.get("padding")
    if not isinstance(kind, str):
        padding = call.pair("padding", 0, _NONE)
        return padding, padding
    if kind == "valid":
        return _NONE, _NONE
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return (total[0] // 2, total[1] // 2), (total[0] - total[0] // 2, total[1] - total[1] // 2)


def linear(call: Call) -> list[Step]:
    """linear: one vector per sample."""
    outputs, inputs = call.weight("weight", rank=2)
    has_bias = isinstance(call.arguments.get("bias"), Tensor)
    return _connected(call, "input", Linear(inputs, outputs, has_bias))


def addmm(call: Call) -> list[Step]:
    """addmm with a trained matrix: a fully connected layer with a bias."""
    inputs, outputs = call.weight("mat2", rank=2)
    return _connected(call, "mat1", Linear(inputs, outputs, bias=True))


def matmul(call: Call) -> list[Step]:
    """matmul and mm with a trained matrix."""
    other = "other" if "other" in call.arguments else "mat2"
    inputs, outputs = call.weight(other, rank=2)
    return _connected(call, "self", Linear(inputs, outputs, bias=False))


def _connected(call: Call, argument: str, layer: Linear) -> list[Step]:
    read = call.map(argument)
    if prod(read.dims[1:]) != layer.in_channels:
        raise UserError(
            f"{call.said}: reads a tensor of {text_of(read.dims)}; a fully connected layer can be simulated "
            f"for one vector per sample, not for several."
        )
    return call.steps(layer, (read.name,))


def batch_norm(call: Call) -> list[Step]:
    """batch_norm, training or not."""
    return call.steps(BatchNorm(call.shape()[0]))


def normalization(name: str, call: Call) -> list[Step]:
    """Other normalisations than batch-norm."""
    weight = call.arguments.get("weight")
    trained = 2 * prod(weight.dims) if isinstance(weight, Tensor) else 0
    return call.steps(Normalization(name, trained))


def relu(call: Call) -> list[Step]:
    """relu, relu6."""
    return call.steps(ReLU())


def clamp(low: str, call: Call) -> list[Step]:
    """hardtanh, clamp, threshold: from 0 on a ReLU, else a function that leaves no zeros."""
    return call.steps(ReLU() if call.arguments.get(low) == 0 else elementwise("clip"))


def function(name: str, call: Call) -> list[Step]:
    """A function of every element that leaves no zeros."""
    return call.steps(elementwise(name))


def prelu(call: Call) -> list[Step]:
    """prelu: its slopes are trained."""
    return call.steps(elementwise("prelu", trained=prod(call.weight("weight"))))


def add(call: Call) -> list[Step]:
    """add of maps; of a constant, a function of every element."""
    return _binary("add", Add(), call)


def combine(name: str, call: Call) -> list[Step]:
    """A product, difference ... of maps; with a constant, a function of every element."""
    return _binary(name, Combine(name), call)


def _binary(name: str, layer: Layer, call: Call) -> list[Step]:
    maps = call.maps()
    return call.steps(layer if len(maps) > 1 else elementwise(f"{name}_constant"), maps)


def pool(kind: type[Pool], call: Call) -> list[Step]:
    """max_pool2d, avg_pool2d and those of rows; without a stride it is the kernel."""
    call.map_size()
    window = call.pair("kernel_size", 1)
    layer = kind(
        window,
        call.pair("stride", 1, window),
        call.pair("padding", 0, _NONE),
        None,
        bool(call.arguments.get("ceil_mode")),
        call.pair("dilation", 1, _ONE),
    )
    return call.steps(layer)


def adaptive_avg_pool(call: Call) -> list[Step]:
    """adaptive_avg_pool2d, adaptive_avg_pool1d."""
    call.map_size()
    return call.steps(AdaptiveAvgPool(call.shape()[1:]))


def adaptive_max_pool(call: Call) -> list[Step]:
    """adaptive_max_pool to one position."""
    if call.shape()[1:] != _ONE:
        raise UserError(f"{call.said}: an adaptive max pool can be simulated to one position only.")
    return call.steps(MaxPool(call.map_size(), _ONE))


def mean(call: Call) -> list[Step]:
    """mean over rows and columns: global average pooling."""
    dims = call.map("self").dims
    axes = call.arguments.get("dim") or []
    if len(dims) != 4 or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise UserError(
            f"{call.said}: takes the mean over axes {axes}; only rows and columns, 2 and 3, can be."
        )
    return call.steps(AdaptiveAvgPool(_ONE))


def concat(call: Call) -> list[Step]:
    """cat along the channels."""
    tensors, axis = call.arguments.get("tensors") or [], _number(call, "dim", 0)
    if any(not one.is_map for one in tensors):
        raise UserError(f"{call.said}: concatenates a map with a constant, which cannot be simulated.")
    if axis not in (1, 1 - len(tensors[0].dims)):
        raise UserError(f"{call.said}: concatenates along axis {axis}; only channels, axis 1, can be.")
    return call.steps(Concat(), [one.name for one in tensors])


def view(call: Call) -> list[Step]:
    """Operators that compute nothing."""
    return call.steps(View(call.shape()))


def permute(call: Call) -> list[Step]:
    """permute, transpose: a view where only sizes of 1 change places, else all elements are moved."""
    read, shape = call.map("self").dims, call.shape()
    order = list(range(len(read)))
    if "dims" in call.arguments:
        order = [axis % len(read) for axis in call.arguments["dims"]]
    else:
        first, second = (_number(call, name, 0) % len(read) for name in ("dim0", "dim1"))
        order[first], order[second] = second, first
    moving = [axis for axis in order if read[axis] > 1]
    return call.steps(View(shape) if moving == sorted(moving) else Reorder(shape))


def reorder(call: Call) -> list[Step]:
    """pixel_shuffle, channel_shuffle and the like."""
    return call.steps(Reorder(call.shape()))


def part(call: Call) -> list[Step]:
    """slice, select, narrow, chunk, split: parts of a map."""
    source = call.map("self")
    found = []
    for index, tensor in enumerate(call.outputs):
        shape = call.shape(index)
        layer = View(shape) if prod(tensor.dims) == prod(source.dims) else Slice(shape)
        found.append(Step(f"{call.name}.{index}", call.said, layer, (source.name,), tensor.name, shape))
    return found


def pad(call: Call) -> list[Step]:
    """pad, constant_pad_nd with zeros around a map; with anything else, a map on another raster."""
    if call.arguments.get("mode", "constant") != "constant":
        return call.steps(Resize(call.shape()))
    pads = call.arguments.get("pad") or []
    pads = [*pads, *[0] * (4 - len(pads))]
    if len(call.map("self").dims) not in (3, 4) or min(pads) < 0 or any(pads[4:]):
        raise UserError(
            f"{call.said}: pads must be zeros around maps, at most four numbers >= 0 (got {pads})."
        )
    left, right, top, bottom = pads[:4]
    return call.steps(Pad((top, left), (bottom, right)))


def resize(taps: int, call: Call) -> list[Step]:
    """upsample_nearest2d, upsample_bilinear2d ..."""
    return call.steps(Resize(call.shape(), taps))


def translator_of(call: Call) -> Translator:
    """What makes the steps of an operator; UserError for one that cannot be simulated, whatever its sizes."""
    if call.operator in TRANSLATORS:
        return TRANSLATORS[call.operator]
    what = "attention" if "attention" in call.operator else "this operator"
    raise UserError(
        f"{call.said}: {what} cannot be simulated. Write the layer without it, or leave out the part of the "
        f"model behind it. What can be read: docs/networks.md."
    )


def _number(call: Call, argument: str, default: int) -> int:
    value = call.arguments.get(argument, default)
    if not isinstance(value, int):
        raise UserError(f"{call.said}: its argument {argument!r} must be a whole number (got {value}).")
    return value


_FUNCTIONS = {
    "leaky_relu": "leaky_relu", "elu": "elu", "selu": "selu", "celu": "celu", "sigmoid": "sigmoid",
    "hardsigmoid": "hard_sigmoid", "silu": "silu", "hardswish": "hard_swish", "tanh": "tanh", "gelu": "gelu",
    "mish": "mish", "softplus": "softplus", "softsign": "softsign", "softmax": "softmax",
    "log_softmax": "log_softmax", "log_sigmoid": "sigmoid", "erf": "erf", "exp": "exp", "log": "log",
    "sqrt": "sqrt", "rsqrt": "rsqrt", "abs": "abs", "neg": "negative", "reciprocal": "reciprocal",
    "sin": "sin", "cos": "cos", "square": "square", "pow": "power",
}  # fmt: skip
_COMBINED = {
    "mul": "multiply",
    "sub": "subtract",
    "div": "divide",
    "maximum": "maximum",
    "minimum": "minimum",
}
_VIEWS = (
    "flatten", "view", "reshape", "squeeze", "unsqueeze", "contiguous", "clone", "dropout", "feature_dropout",
    "alpha_dropout", "feature_alpha_dropout", "alias", "detach", "to", "_to_copy", "unflatten",
    "_unsafe_view", "view_as", "reshape_as",
)  # fmt: skip
_PARTS = ("slice", "select", "narrow", "chunk", "split", "split_with_sizes", "tensor_split", "unbind")
_RESIZES = {"upsample_nearest2d": 1, "upsample_bilinear2d": 4, "upsample_bicubic2d": 16,
            "_upsample_nearest_exact2d": 1, "_upsample_bilinear2d_aa": 4}  # fmt: skip

TRANSLATORS: dict[str, Translator] = {
    "conv2d": conv,
    "conv1d": conv,
    "conv_transpose2d": conv_transpose,
    "conv_transpose1d": conv_transpose,
    "linear": linear,
    "addmm": addmm,
    "matmul": matmul,
    "mm": matmul,
    "batch_norm": batch_norm,
    "layer_norm": partial(normalization, "layer"),
    "group_norm": partial(normalization, "group"),
    "instance_norm": partial(normalization, "instance"),
    "relu": relu,
    "relu6": relu,
    "hardtanh": partial(clamp, "min_val"),
    "clamp": partial(clamp, "min"),
    "clamp_min": partial(clamp, "min"),
    "threshold": partial(clamp, "value"),
    "prelu": prelu,
    "add": add,
    "max_pool2d": partial(pool, MaxPool),
    "max_pool1d": partial(pool, MaxPool),
    "avg_pool2d": partial(pool, AvgPool),
    "avg_pool1d": partial(pool, AvgPool),
    "adaptive_avg_pool2d": adaptive_avg_pool,
    "adaptive_avg_pool1d": adaptive_avg_pool,
    "adaptive_max_pool2d": adaptive_max_pool,
    "mean": mean,
    "cat": concat,
    "concat": concat,
    "permute": permute,
    "transpose": permute,
    "swapaxes": permute,
    "pixel_shuffle": reorder,
    "pixel_unshuffle": reorder,
    "channel_shuffle": reorder,
    "pad": pad,
    "constant_pad_nd": pad,
    **{operator: partial(resize, taps) for operator, taps in _RESIZES.items()},
    **dict.fromkeys(_PARTS, part),
    **dict.fromkeys(_VIEWS, view),
    **{operator: partial(function, name) for operator, name in _FUNCTIONS.items()},
    **{operator: partial(combine, name) for operator, name in _COMBINED.items()},
}
"""Operator of ATen -> what makes its steps."""
