"""Layers that join, cut, move or change maps element by element: what networks of one's own have beside
those of layers.py.

They have no multiply-accumulates of their own. What they cost is in compiler/other_work.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from workloads.errors import UserError
from workloads.layers import Layer, Shape, Size, check_counts, check_sizes


@dataclass(frozen=True)
class Concat(Layer):
    """Two or more maps of one size, their channels one behind the other."""

    kind = "concat"

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise UserError(f"concat: needs at least two inputs (got {len(inputs)}).")
        if len({shape[1:] for shape in inputs}) != 1:
            raise UserError(f"concat: all inputs must have one size (got {_listed(inputs)}).")
        return sum(shape[0] for shape in inputs), *inputs[0][1:]

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Elementwise(Layer):
    """A function of every element by itself that leaves no zeros: sigmoid, SiLU, leaky ReLU, a scale ...

    operations: vector operations per element, >= 1. trained: trained numbers (the slopes of PReLU), >= 0.
    """

    kind = "elementwise"
    function: str
    operations: int = 1
    trained: int = 0

    def __post_init__(self) -> None:
        check_counts(self, "operations")

    @property
    def parameters(self) -> int:
        return self.trained

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Combine(Layer):
    """A function of two or more maps, element by element: product, difference, maximum ...

    All inputs have the shape of the first, or (C, 1, 1), one number per channel (squeeze and excitation).
    """

    kind = "combine"
    function: str

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise UserError(f"{self.function}: needs at least two inputs (got {len(inputs)}).")
        whole = max(inputs, key=prod)
        if any(shape not in (whole, (whole[0], 1, 1)) for shape in inputs):
            raise UserError(
                f"{self.function}: inputs must have one shape, or one number per channel of the largest "
                f"(got {_listed(inputs)})."
            )
        return whole

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Normalization(Layer):
    """Mean and variance over other elements than those of batch-norm: groups, layers, neighbours.

    trained: numbers of its scale and shift, >= 0.
    """

    kind = "normalization"
    function: str
    trained: int = 0

    @property
    def parameters(self) -> int:
        return self.trained

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class _Reshaping(Layer):
    """A layer whose output shape is its own: it says by itself which elements go where."""

    out_shape: Shape

    def __post_init__(self) -> None:
        if len(self.out_shape) != 3 or min(self.out_shape) < 1:
            raise UserError(f"{self.kind}: out_shape must be (C, H, W), each >= 1 (got {self.out_shape!r}).")

    def _output_shape(self, shape: Shape) -> Shape:
        del shape
        return self.out_shape


@dataclass(frozen=True)
class Reshape(_Reshaping):
    """The same elements in the same order under another shape; moves nothing."""

    kind = "reshape"

    def _output_shape(self, shape: Shape) -> Shape:
        if prod(shape) != prod(self.out_shape):
            raise UserError(
                f"reshape: {shape} has {prod(shape)} elements, {self.out_shape} {prod(self.out_shape)}."
            )
        return self.out_shape


@dataclass(frozen=True)
class Reorder(Reshape):
    """The same elements in another order (a transposition, a channel shuffle): all are moved."""

    kind = "reorder"


@dataclass(frozen=True)
class Slice(_Reshaping):
    """A part of a map: some of its channels, rows or columns. Whoever reads it reads that part only."""

    kind = "slice"

    def _output_shape(self, shape: Shape) -> Shape:
        if prod(self.out_shape) > prod(shape):
            raise UserError(f"slice: {self.out_shape} is more than there is in {shape}.")
        return self.out_shape


@dataclass(frozen=True)
class Resize(_Reshaping):
    """A map on another raster. taps: input elements that an output is made of (1 nearest, 4 bilinear)."""

    kind = "resize"
    taps: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "taps")


@dataclass(frozen=True)
class Pad(Layer):
    """Zeros around a map: rows above and columns to the left (before), below and to the right (behind)."""

    kind = "pad"
    before: Size
    behind: Size

    def __post_init__(self) -> None:
        check_sizes(self, 0, "before", "behind")

    def _output_shape(self, shape: Shape) -> Shape:
        (top, left), (bottom, right) = self.before, self.behind
        return shape[0], top + shape[1] + bottom, left + shape[2] + right


@dataclass(frozen=True)
class Interleave(Layer):
    """The phases of a transposed convolution as one map of out_size: each has every stride-th row and column.

    A phase that no kernel tap reaches is left out. Moves nothing: the phases are written where they belong.
    """

    kind = "interleave"
    out_size: Size

    def output_shape(self, *inputs: Shape) -> Shape:
        if not inputs or len({shape[0] for shape in inputs}) != 1:
            raise UserError(f"interleave: all phases must have the same channels (got {_listed(inputs)}).")
        if sum(prod(shape[1:]) for shape in inputs) > prod(self.out_size):
            raise UserError(f"interleave: {_listed(inputs)} are more than a map of {self.out_size}.")
        return inputs[0][0], *self.out_size

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Outputs(Layer):
    """Where several outputs of a network meet in its loss, one behind the other; moves nothing."""

    kind = "outputs"

    def output_shape(self, *inputs: Shape) -> Shape:
        return sum(prod(shape) for shape in inputs), 1, 1

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Gap(_Reshaping):
    """What a list of layers leaves out between two of them; costs nothing.

    Its output, of any shape, is taken for that of a ReLU behind a batch-norm.
    """

    kind = "gap"


def _listed(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(map(str, shapes))
