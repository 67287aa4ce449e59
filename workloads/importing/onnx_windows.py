"""Convolutions and pools of ONNX: kernels, strides, and padding however it is written."""

from __future__ import annotations

from dataclasses import replace

from workloads.errors import UserError
from workloads.importing.onnx_graph import OnnxGraph, OnnxNode
from workloads.importing.onnx_names import folded_batch_norm
from workloads.importing.onnx_step import map_size, one_step
from workloads.importing.steps import Step, TransposedConv
from workloads.layers import AdaptiveAvgPool, AvgPool, BatchNorm, Conv, MaxPool, Pool, Size

_ONE, _NONE = (1, 1), (0, 0)


def conv(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """Conv, and behind it the batch-norm that the exporter folded into it."""
    out_channels, per_group, window = _weight(graph, node)
    groups = node.number("group", 1)
    stride, dilation = node.pair("strides", _ONE), node.pair("dilations", _ONE)
    before, behind = _padding(node, map_size(graph, node), window, stride, dilation)
    norm = folded_batch_norm(node)
    layer = Conv(
        per_group * groups,
        out_channels,
        window,
        stride,
        before,
        dilation,
        groups,
        bias=graph.has(node, 2) and norm is None,
        end_padding=behind,
    )
    (whole,) = one_step(graph, node, layer)
    if norm is None:
        return [whole]
    inner = f"{whole.output} before {norm}"
    folded = replace(whole, name=norm, layer=BatchNorm(out_channels), inputs=(inner,))
    return [replace(whole, output=inner), folded]


def conv_transpose(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """ConvTranspose. What is cut off behind follows from the size of its output."""
    in_channels, per_group, window = _weight(graph, node)
    groups = node.number("group", 1)
    size, (_, *out) = map_size(graph, node), graph.shape(node.outputs[0], node)
    stride, dilation = node.pair("strides", _ONE), node.pair("dilations", _ONE)
    layer = TransposedConv(
        in_channels,
        per_group * groups,
        window,
        stride,
        _cut_off(node, size, (out[0], out[1]), window, stride, dilation),
        dilation,
        groups,
        bias=graph.has(node, 2),
        out_size=(out[0], out[1]),
    )
    return one_step(graph, node, layer)


def max_pool(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """MaxPool; its second output, the indices, cannot be read."""
    return one_step(graph, node, _pool(MaxPool, graph, node))


def average_pool(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """AveragePool."""
    return one_step(graph, node, _pool(AvgPool, graph, node))


def global_average_pool(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """GlobalAveragePool."""
    map_size(graph, node)
    return one_step(graph, node, AdaptiveAvgPool(_ONE))


def global_max_pool(graph: OnnxGraph, node: OnnxNode) -> list[Step]:
    """GlobalMaxPool: one window over the whole map."""
    return one_step(graph, node, MaxPool(map_size(graph, node), _ONE))


def _weight(graph: OnnxGraph, node: OnnxNode) -> tuple[int, int, Size]:
    """The first two sizes of the kernels and (Kh, Kw); those of rows have Kh = 1."""
    dims = graph.weight(node, 1)
    if len(dims) not in (3, 4):
        raise UserError(f"{node.said}: only convolutions of maps and rows can be simulated.")
    first, second, *window = dims
    return first, second, (window[0] if len(window) == 2 else 1, window[-1])


def _pool(kind: type[Pool], graph: OnnxGraph, node: OnnxNode) -> Pool:
    window, stride = node.pair("kernel_shape"), node.pair("strides", _ONE)
    dilation = node.pair("dilations", _ONE)
    before, behind = _padding(node, map_size(graph, node), window, stride, dilation)
    return kind(window, stride, before, behind, bool(node.number("ceil_mode", 0)), dilation)


def _padding(node: OnnxNode, size: Size, kernel: Size, stride: Size, dilation: Size) -> tuple[Size, Size]:
    """Rows and columns of zeros (above, left) and (below, right)."""
    kind = node.text("auto_pad", "NOTSET")
    if kind == "NOTSET":
        return _pads(node)
    if kind == "VALID":
        return _NONE, _NONE
    if min(*kernel, *stride, *dilation) < 1:
        raise UserError(f"{node.said}: kernel, strides and dilations must be at least 1.")
    axes = zip(size, kernel, stride, dilation, strict=True)
    # As many outputs as strides fit into the map: SAME_UPPER has the odd one behind, SAME_LOWER before.
    total = [max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n) for n, k, s, d in axes]
    less, more = (total[0] // 2, total[1] // 2), (total[0] - total[0] // 2, total[1] - total[1] // 2)
    return (less, more) if kind == "SAME_UPPER" else (more, less)


def _pads(node: OnnxNode) -> tuple[Size, Size]:
    pads = node.numbers("pads") or (0, 0, 0, 0)
    if len(pads) == 2:  # of rows
        pads = (0, pads[0], 0, pads[1])
    if len(pads) != 4 or min(pads) < 0:
        raise UserError(f"{node.said}: pads must be four whole numbers >= 0 (got {pads}).")
    return (pads[0], pads[1]), (pads[2], pads[3])


def _cut_off(node: OnnxNode, size: Size, out: Size, kernel: Size, stride: Size, dilation: Size) -> Size:
    """Rows and columns of the full result that lie before the output."""
    if node.text("auto_pad", "NOTSET") == "NOTSET" and node.numbers("output_shape") is None:
        return _pads(node)[0]
    axes = zip(size, out, kernel, stride, dilation, strict=True)
    total = [max(0, (n - 1) * s + d * (k - 1) + 1 - o) for n, o, k, s, d in axes]
    # The specification of ONNX: SAME_UPPER cuts the smaller half before, everything else the larger.
    upper = node.text("auto_pad", "NOTSET") == "SAME_UPPER"
    first, second = (n // 2 if upper else n - n // 2 for n in total)
    return first, second
