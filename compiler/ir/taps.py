"""Maps seen through a kernel: for every output position and tap, the value that the tap meets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry


def input_taps(values: NDArray[Any], geometry: ConvGeometry) -> NDArray[Any]:
    """A read-only view [C, Ho, Wo, Kh, Kw] of I (C, H, W): what each output position meets through each tap.

    I[c, y*s + kh*d - p, x*s + kw*d - p], and 0 in the padding.
    """
    sh, sw = geometry.stride
    rows, columns = zip(geometry.padding, geometry.padding_behind, strict=True)
    padded = np.pad(values, ((0, 0), rows, columns))
    return _windows(padded, geometry)[:, ::sh, ::sw]


def output_taps(gradients: NDArray[Any], geometry: ConvGeometry) -> NDArray[Any]:
    """A read-only view [F, H, W, Kh, Kw] of dO (F, Ho, Wo): the dO that each tap carried dI's position to.

    dO[f, (y + p - kh*d) / s, (x + p - kw*d) / s] where both divide and lie inside, else 0.
    """
    spread = np.zeros((len(gradients), *(_spread_size(geometry, axis) for axis in (0, 1))), gradients.dtype)
    rows, row_targets = _spread(geometry, 0)
    columns, column_targets = _spread(geometry, 1)
    spread[:, row_targets[:, None], column_targets] = gradients[:, rows[:, None], columns]
    return _windows(spread, geometry)[..., ::-1, ::-1]


def _windows(values: NDArray[Any], geometry: ConvGeometry) -> NDArray[Any]:
    (kh, kw), (dh, dw) = geometry.kernel, geometry.dilation
    window = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    return sliding_window_view(values, window, axis=(1, 2))[..., ::dh, ::dw]


def _spread_size(geometry: ConvGeometry, axis: int) -> int:
    return geometry.in_size[axis] + geometry.dilation[axis] * (geometry.kernel[axis] - 1)


def _spread(geometry: ConvGeometry, axis: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Output positions some tap meets, and where they stand in the map with zeros between and around them."""
    positions = np.arange(geometry.out_size[axis])
    reach = geometry.dilation[axis] * (geometry.kernel[axis] - 1)
    targets = positions * geometry.stride[axis] + reach - geometry.padding[axis]
    inside = (targets >= 0) & (targets < _spread_size(geometry, axis))
    return positions[inside], targets[inside]
