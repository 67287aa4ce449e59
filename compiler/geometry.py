"""The shape of one convolution, and which positions meet through which kernel tap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ConvGeometry:
    """A 2-D convolution O = I * W. A fully connected layer is the 1x1 case whose columns are samples.

    in_channels C, out_channels F, in_size (H, W), kernel (Kh, Kw), stride, padding, dilation
    (vertical, horizontal), groups (divides C and F). Channel c of I and f of O belong to
    convolution group c // (C / groups) and f // (F / groups). padding is that before the first row and
    column; end_padding that behind the last, None where it is the same.
    """

    in_channels: int
    out_channels: int
    in_size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    end_padding: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.end_padding == self.padding:
            object.__setattr__(self, "end_padding", None)  # one geometry is written in one way only

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Geometries are keys of many caches; their hash is computed once."""
        return hash(
            (
                self.in_channels,
                self.out_channels,
                self.in_size,
                self.kernel,
                self.stride,
                self.padding,
                self.dilation,
                self.groups,
                self.end_padding,
            )
        )

    @property
    def padding_behind(self) -> tuple[int, int]:
        """Rows below and columns to the right of I."""
        return self.padding if self.end_padding is None else self.end_padding

    @cached_property
    def out_size(self) -> tuple[int, int]:
        """(Ho, Wo) = floor((n + p + p' - d(K-1) - 1) / s) + 1 per axis; p, p': padding before, behind."""
        sizes = [
            (n + before + behind - d * (k - 1) - 1) // s + 1
            for n, k, s, before, behind, d in zip(
                self.in_size,
                self.kernel,
                self.stride,
                self.padding,
                self.padding_behind,
                self.dilation,
                strict=True,
            )
        ]
        return sizes[0], sizes[1]

    @property
    def in_channels_per_group(self) -> int:
        return self.in_channels // self.groups

    @property
    def out_channels_per_group(self) -> int:
        return self.out_channels // self.groups

    def taps_inside(self, axis: int) -> int:
        """(output position, tap) pairs of one axis (0 rows, 1 columns) that fall inside the input."""
        return int(np.count_nonzero(self.input_index(axis) >= 0))

    def input_index(self, axis: int) -> NDArray[np.int64]:
        """int64[out, K]: input position of output position and tap, o*s + k*d - p; -1 outside the input."""
        out = np.arange(self.out_size[axis])[:, None] * self.stride[axis]
        index = out + np.arange(self.kernel[axis])[None, :] * self.dilation[axis] - self.padding[axis]
        return np.where((index >= 0) & (index < self.in_size[axis]), index, -1)

    @property
    def dense_macs(self) -> int:
        """Products per sample whose tap lies inside the input, the same for Forward, GTA and GTW."""
        taps = self.taps_inside(0) * self.taps_inside(1)
        return self.out_channels * self.in_channels_per_group * taps
