"""Sizes of a layer as it was called, and its tensors as maps [N, C, H, W].

A linear layer on [N, C] is fully connected. On [N, ..., C] its weights serve several positions of every
sample (tokens), which makes it a 1 x 1 convolution: [N, T, C] is a map of one row of T positions,
[N, H, W, C] a map of H x W, and more axes are one row. A 1-D convolution is a 2-D one with maps of one row. A
1 x 1 convolution of a single position (squeeze and excitation) is fully connected, as in networks that are
read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from workloads.errors import UserError

Pair = tuple[int, int]
_ONE = (1, 1)


@dataclass(frozen=True)
class Geometry:
    """Kind and sizes of a layer, pairs as (height, width): the fields of a layer in a trace's meta."""

    kind: str
    in_channels: int
    out_channels: int
    in_size: Pair
    out_size: Pair
    kernel: Pair = _ONE
    stride: Pair = _ONE
    padding: Pair = (0, 0)
    dilation: Pair = _ONE
    groups: int = 1

    def fields(self) -> dict[str, Any]:
        """Field by field, as in a trace."""
        return asdict(self)


def geometry_of(name: str, layer: Any, inputs: Any, outputs: Any) -> Geometry:
    """Sizes of `layer` (Conv1d, Conv2d or Linear) for the tensors it read and made.

    UserError for a tensor without a batch axis, padding that is not zeros or not the same on both sides, and
    a layer whose output does not have the size that its own numbers give.
    """
    convolution = hasattr(layer, "kernel_size")
    if inputs.dim() < (layer.weight.dim() if convolution else 2):
        shape = list(inputs.shape)
        raise UserError(f"recording layer {name!r}: its input {shape} has no batch axis; add one.")
    found = _convolution(name, layer, inputs, outputs) if convolution else _linear(inputs, outputs)
    expected = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(
            found.in_size, found.kernel, found.stride, found.padding, found.dilation, strict=True
        )
    )
    if expected != found.out_size or inputs.shape[0] != outputs.shape[0]:
        raise UserError(
            f"recording layer {name!r}: its output {list(outputs.shape)} is not what a "
            f"{type(layer).__name__} of its sizes makes of {list(inputs.shape)}; leave it out with "
            f"skip=[{name!r}]."
        )
    return found


def maps(tensor: Any, layer: Any) -> Any:
    """The input or output of `layer`, or a gradient of its shape, as [N, C, H, W]."""
    if hasattr(layer, "kernel_size"):
        return tensor if tensor.dim() == 4 else tensor.unsqueeze(2)
    if tensor.dim() != 4:
        tensor = tensor.reshape(tensor.shape[0], 1, -1, tensor.shape[-1])
    return tensor.permute(0, 3, 1, 2)


def _convolution(name: str, layer: Any, inputs: Any, outputs: Any) -> Geometry:
    if layer.padding_mode != "zeros":
        raise UserError(
            f"recording layer {name!r}: padding_mode {layer.padding_mode!r} is not 'zeros', which is all the "
            f"machine pads with; leave the layer out with skip=[{name!r}]."
        )
    found = Geometry(
        "conv",
        layer.in_channels,
        layer.out_channels,
        _size(inputs, layer),
        _size(outputs, layer),
        _pair(layer.kernel_size, 1),
        _pair(layer.stride, 1),
        _pair(_padding(name, layer), 0),
        _pair(layer.dilation, 1),
        layer.groups,
    )
    return _connected(found) if _is_connected(found) else found


def _is_connected(found: Geometry) -> bool:
    """Whether a convolution computes one position of one and nothing around it."""
    sizes = (found.in_size, found.out_size, found.kernel)
    return sizes == (_ONE, _ONE, _ONE) and found.padding == (0, 0) and found.groups == 1


def _connected(found: Geometry) -> Geometry:
    return Geometry("fc", found.in_channels, found.out_channels, _ONE, _ONE)


def _linear(inputs: Any, outputs: Any) -> Geometry:
    kind = "fc" if inputs.dim() == 2 else "conv"
    return Geometry(kind, inputs.shape[-1], outputs.shape[-1], _size(inputs, None), _size(outputs, None))


def _size(tensor: Any, layer: Any) -> Pair:
    height, width = maps(tensor, layer).shape[2:]
    return height, width


def _pair(values: tuple[int, ...], along_height: int) -> Pair:
    """Numbers of a 1-D or 2-D convolution as (height, width)."""
    height, width = values if len(values) == 2 else (along_height, values[0])
    return height, width


def _padding(name: str, layer: Any) -> tuple[int, ...]:
    """Zeros in front of each axis, which must be as many as behind it."""
    if not isinstance(layer.padding, str):
        return tuple(layer.padding)
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    around = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
    if any(n % 2 for n in around):
        raise UserError(
            f"recording layer {name!r}: padding 'same' pads the two sides of an axis differently for a "
            f"kernel of {list(layer.kernel_size)}; leave the layer out with skip=[{name!r}]."
        )
    return tuple(n // 2 for n in around)
