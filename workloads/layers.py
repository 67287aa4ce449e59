"""The typed layers of a network: output shapes, parameter counts, MAC counts.

A shape is (C, H, W), a size (vertical, horizontal). A layer checks its own fields when it is made and
its input when it is asked for its output shape; both raise UserError. Dropout is no layer here: it
costs nothing that is modelled and changes no shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.errors import UserError

Shape = tuple[int, int, int]  # C, H, W
Size = tuple[int, int]  # vertical, horizontal


def square(n: int) -> Size:
    """The size (n, n)."""
    return n, n


class Layer(ABC):
    """One node of a network. All layers but Input and Add take exactly one input."""

    kind: ClassVar[str]

    def output_shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) of the output for the (C, H, W) of the inputs; UserError if they do not fit the layer."""
        if len(inputs) != 1:
            raise UserError(f"{self.kind}: takes exactly one input (got {len(inputs)}).")
        return self._output_shape(inputs[0])

    @abstractmethod
    def _output_shape(self, shape: Shape) -> Shape: ...

    @property
    def parameters(self) -> int:
        """Trained numbers of the layer; running statistics of batch-norm are not trained."""
        return 0

    def nominal_macs(self, shape: Shape) -> int:
        """Multiply-accumulates per sample the way published counts are made: with padding, without biases."""
        del shape
        return 0

    def dense_macs(self, shape: Shape) -> int:
        """Multiply-accumulates per sample whose kernel tap falls inside the input."""
        del shape
        return 0


@dataclass(frozen=True)
class Input(Layer):
    """The image, of shape (C, H, W)."""

    kind = "input"
    shape: Shape

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or not all(_is_count(n, 1) for n in self.shape):
            raise UserError(f"input: shape must be three whole numbers (C, H, W) >= 1 (got {self.shape!r}).")

    def output_shape(self, *inputs: Shape) -> Shape:
        if inputs:
            raise UserError(f"input: takes no input (got {len(inputs)}).")
        return self.shape

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Conv(Layer):
    """2-D convolution O = I * W with W of shape (F, C / groups, Kh, Kw); fields as in PyTorch's Conv2d.

    kernel, stride, dilation >= 1, padding >= 0, groups divides both channel counts. end_padding: rows below
    and columns to the right, where they are others than `padding` above and to the left; None: the same.
    """

    kind = "conv"
    in_channels: int
    out_channels: int
    kernel: Size
    stride: Size = (1, 1)
    padding: Size = (0, 0)
    dilation: Size = (1, 1)
    groups: int = 1
    bias: bool = True
    end_padding: Size | None = None

    def __post_init__(self) -> None:
        _one_way(self, self.padding, self.end_padding)
        check_counts(self, "in_channels", "out_channels", "groups")
        check_sizes(self, 1, "kernel", "stride", "dilation")
        check_sizes(self, 0, "padding", *(["end_padding"] if self.end_padding is not None else []))
        for field in ("in_channels", "out_channels"):
            channels = getattr(self, field)
            if channels % self.groups:
                raise UserError(f"conv: {field} {channels} must be a multiple of groups {self.groups}.")

    @property
    def parameters(self) -> int:
        return self._weights + self.bias * self.out_channels

    @property
    def _weights(self) -> int:
        return self.out_channels * (self.in_channels // self.groups) * prod(self.kernel)

    def _output_shape(self, shape: Shape) -> Shape:
        _check_channels(self, shape, self.in_channels)
        return self.out_channels, *self._window.outputs(shape)

    def nominal_macs(self, shape: Shape) -> int:
        """Ho Wo Kh Kw F C / groups."""
        return self._weights * prod(self.output_shape(shape)[1:])

    def dense_macs(self, shape: Shape) -> int:
        """F C / groups times the (output position, tap) pairs inside the input."""
        return self.out_channels * (self.in_channels // self.groups) * self._window.elements(shape)

    @property
    def _window(self) -> _Window:
        return _Window(self.kind, self.kernel, self.stride, self.padding, self.dilation, self.end_padding)


@dataclass(frozen=True)
class Linear(Layer):
    """Fully connected layer on a flattened input of shape (in_channels, 1, 1)."""

    kind = "fc"
    in_channels: int
    out_channels: int
    bias: bool = True

    def __post_init__(self) -> None:
        check_counts(self, "in_channels", "out_channels")

    @property
    def parameters(self) -> int:
        return (self.in_channels + self.bias) * self.out_channels

    def _output_shape(self, shape: Shape) -> Shape:
        if shape != (self.in_channels, 1, 1):
            wanted = (self.in_channels, 1, 1)
            raise UserError(f"fc: needs an input of shape {wanted} (got {shape}); flatten maps before it.")
        return self.out_channels, 1, 1

    def nominal_macs(self, shape: Shape) -> int:
        """F C."""
        del shape
        return self.in_channels * self.out_channels

    def dense_macs(self, shape: Shape) -> int:
        """F C: a fully connected layer has no padding."""
        return self.nominal_macs(shape)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation with a trained scale and shift per channel."""

    kind = "batch_norm"
    channels: int

    def __post_init__(self) -> None:
        check_counts(self, "channels")

    @property
    def parameters(self) -> int:
        return 2 * self.channels

    def _output_shape(self, shape: Shape) -> Shape:
        _check_channels(self, shape, self.channels)
        return shape


@dataclass(frozen=True)
class ReLU(Layer):
    """max(x, 0), element by element."""

    kind = "relu"

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Pool(Layer):
    """A pooling window; padding is at most half the kernel (as in PyTorch), so no window is empty.

    end_padding: as of Conv. ceil_mode: a last window that lies only partly inside counts, too, if it starts
    inside the map or its padding above and to the left (as in PyTorch). dilation: distance of the positions
    of a window.
    """

    kernel: Size
    stride: Size
    padding: Size = (0, 0)
    end_padding: Size | None = None
    ceil_mode: bool = False
    dilation: Size = (1, 1)

    def __post_init__(self) -> None:
        _one_way(self, self.padding, self.end_padding)
        check_sizes(self, 1, "kernel", "stride", "dilation")
        paddings = {"padding": self.padding, "end_padding": self.end_padding}
        for field, padding in paddings.items():
            if padding is None:
                continue
            check_sizes(self, 0, field)
            if any(2 * p > k for p, k in zip(padding, self.kernel, strict=True)):
                raise UserError(
                    f"{self.kind}: {field} {padding} must be at most half the kernel {self.kernel}."
                )

    def _output_shape(self, shape: Shape) -> Shape:
        return shape[0], *self._window.outputs(shape)

    def window_elements(self, shape: Shape) -> int:
        """Input elements read by all windows together for an input (C, H, W); overlaps count each time."""
        return shape[0] * self._window.elements(shape)

    @property
    def _window(self) -> _Window:
        return _Window(
            self.kind,
            self.kernel,
            self.stride,
            self.padding,
            self.dilation,
            self.end_padding,
            self.ceil_mode,
        )


@dataclass(frozen=True)
class MaxPool(Pool):
    """Maximum over a window; positions in the padding never win."""

    kind = "max_pool"


@dataclass(frozen=True)
class AvgPool(Pool):
    """Mean over a window."""

    kind = "avg_pool"


@dataclass(frozen=True)
class AdaptiveAvgPool(Layer):
    """Mean over windows that divide the map into out_size outputs; (1, 1) is global average pooling.

    As in PyTorch, output o of an axis of n inputs and m outputs averages the inputs from floor(o n / m)
    to ceil((o + 1) n / m) - 1.
    """

    kind = "avg_pool"
    out_size: Size = (1, 1)

    def __post_init__(self) -> None:
        check_sizes(self, 1, "out_size")

    def _output_shape(self, shape: Shape) -> Shape:
        if any(m > n for m, n in zip(self.out_size, shape[1:], strict=True)):
            raise UserError(f"avg_pool: out_size {self.out_size} must not exceed the input size {shape[1:]}.")
        return shape[0], *self.out_size

    def window_elements(self, shape: Shape) -> int:
        """Input elements read by all windows together for an input (C, H, W)."""
        axes = zip(shape[1:], self.out_size, strict=True)
        return shape[0] * prod(
            sum(-(-(o + 1) * n // m) - o * n // m for o in range(m)) for n, m in axes
        )  # -(-a // b) is the ceiling


@dataclass(frozen=True)
class Add(Layer):
    """Sum of two or more maps of one shape, where residual branches meet."""

    kind = "add"

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs) < 2:
            raise UserError(f"add: needs at least two inputs (got {len(inputs)}).")
        if len(set(inputs)) != 1:
            raise UserError(f"add: all inputs must have one shape (got {', '.join(map(str, inputs))}).")
        return inputs[0]

    def _output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Flatten(Layer):
    """A map (C, H, W) seen as C H W channels of one position; moves nothing."""

    kind = "flatten"

    def _output_shape(self, shape: Shape) -> Shape:
        return prod(shape), 1, 1


@dataclass(frozen=True)
class _Window:
    """A sliding window over two axes."""

    kind: str
    kernel: Size
    stride: Size
    padding: Size
    dilation: Size
    end_padding: Size | None = None
    ceil_mode: bool = False

    def outputs(self, shape: Shape) -> Size:
        """(Ho, Wo) = floor((n + p + p' - d(K-1) - 1) / s) + 1 per axis; p, p': padding before, behind.

        ceil_mode: the quotient is rounded up unless the last window would start behind the map. UserError if
        the window does not fit.
        """
        high, wide = (self._axis_outputs(axis, shape[1 + axis]) for axis in (0, 1))
        if min(high, wide) < 1:
            raise UserError(
                f"{self.kind}: kernel {self.kernel} with dilation {self.dilation} does not fit "
                f"the input size {shape[1:]} with padding {self.padding}."
            )
        return high, wide

    def elements(self, shape: Shape) -> int:
        """(output position, tap) pairs of one channel that fall inside the input."""
        outputs = self.outputs(shape)
        return prod(self._axis_elements(axis, shape[1 + axis], outputs[axis]) for axis in (0, 1))

    def _axis_outputs(self, axis: int, n: int) -> int:
        span = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        before, stride = self.padding[axis], self.stride[axis]
        behind = before if self.end_padding is None else self.end_padding[axis]
        free = n + before + behind - span
        if free < 0 or not self.ceil_mode:
            return free // stride + 1
        rounded_up = -(-free // stride) + 1
        return rounded_up if (rounded_up - 1) * stride < n + before else rounded_up - 1

    def _axis_elements(self, axis: int, n: int, outputs: int) -> int:
        """Per tap at offset t = k d - p, the outputs o with 0 <= o s + t < n, summed over the taps."""
        stride, count = self.stride[axis], 0
        for tap in range(self.kernel[axis]):
            offset = tap * self.dilation[axis] - self.padding[axis]
            first = max(0, -(offset // stride))
            last = min(outputs - 1, (n - 1 - offset) // stride)
            count += max(0, last - first + 1)
        return count


def _one_way(layer: Layer, padding: Size, end_padding: Size | None) -> None:
    """Padding that is the same on both sides is written in one way only, so that like layers are equal."""
    if end_padding == padding:
        object.__setattr__(layer, "end_padding", None)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_counts(layer: Layer, *fields: str) -> None:
    """UserError unless each of these fields is a whole number >= 1."""
    for field in fields:
        value = getattr(layer, field)
        if not _is_count(value, 1):
            raise UserError(f"{layer.kind}: {field} must be a whole number >= 1 (got {value!r}).")


def check_sizes(layer: Layer, least: int, *fields: str) -> None:
    """UserError unless each of these fields is two whole numbers >= `least`."""
    for field in fields:
        value = getattr(layer, field)
        if not (isinstance(value, tuple) and len(value) == 2 and all(_is_count(n, least) for n in value)):
            raise UserError(
                f"{layer.kind}: {field} must be two whole numbers (vertical, horizontal) >= {least} "
                f"(got {value!r})."
            )


def _check_channels(layer: Layer, shape: Shape, channels: int) -> None:
    if shape[0] != channels:
        raise UserError(f"{layer.kind}: is made for {channels} channels, but its input has {shape[0]}.")
