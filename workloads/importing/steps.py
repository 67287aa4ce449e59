"""What readers of networks hand on: one step per operator, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from workloads.errors import UserError
from workloads.layers import Layer, Shape, Size

MOST_STEPS = 20_000
MOST_ELEMENTS = 1 << 30
"""Of one map. What is beyond is no network that can be simulated."""


@dataclass(frozen=True)
class View:
    """A step that makes no layer unless the shape of a map changes: reshape, squeeze, dropout, identity."""

    out_shape: Shape


@dataclass(frozen=True)
class TransposedConv:
    """A transposed convolution with W of shape (C, F / groups, Kh, Kw); fields as of Conv.

    out_size: (Ho, Wo). padding: what is cut off above and to the left of the full result.
    """

    in_channels: int
    out_channels: int
    kernel: Size
    stride: Size
    padding: Size
    dilation: Size
    groups: int
    bias: bool
    out_size: Size


@dataclass(frozen=True)
class Step:
    """One operator.

    name: the layer it becomes is called so, as far as it can be. said: the operator in messages, "node
    '/fc/Gemm' (Gemm)". layer: what it becomes. inputs: the maps it reads. output: the map it makes. shape:
    (C, H, W) of that according to where it was read; None where nothing is said.
    """

    name: str
    said: str
    layer: Layer | View | TransposedConv
    inputs: tuple[str, ...]
    output: str
    shape: Shape | None = None


@dataclass(frozen=True)
class Steps:
    """A network that was read.

    name: its name. source: what was read, in a few words ("ONNX file model.onnx, opset 17"). input: the name
    of the image, input_shape its (C, H, W). outputs: the maps it returns.
    """

    name: str
    source: str
    input: str
    input_shape: Shape
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]


def shape_of(dims: tuple[int, ...], batch: int, said: str) -> Shape:
    """(C, H, W) of a tensor of dims (N, ...) with N = batch; UserError for another N.

    (N, C) is one position, (N, C, W) one row; more than four dims are seen as (C, all between, last).
    """
    if not dims or dims[0] != batch:
        raise UserError(
            f"{said}: makes a tensor of {text_of(dims)}, whose first size must be the batch, {batch}; "
            f"what moves samples cannot be simulated: export the network without it."
        )
    if min(dims) < 1 or prod(dims[1:]) > MOST_ELEMENTS:
        raise UserError(f"{said}: makes a tensor of {text_of(dims)}; 1 to 2^30 elements can be simulated.")
    inner = dims[1:]
    if len(inner) < 2:
        return (inner[0] if inner else 1), 1, 1
    return inner[0], prod(inner[1:-1]), inner[-1]


def text_of(dims: tuple[int, ...]) -> str:
    """Dims as people write them: 1x3x224x224."""
    return "x".join(map(str, dims)) if dims else "no dimension (a single number)"
