"""The three convolutions over whole tensors, for programs that have no IR to interpret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.ir.tensors import tensor_shape
from compiler.program import RowOperation, StageProgram

Integers = NDArray[np.int64]


def plain_results(program: StageProgram, tensors: Mapping[str, Integers]) -> dict[str, Integers]:
    """O, dI or dW as the interpreter returns them, but without ReLU, from the definition; one sample.

    dI is 0 where a mask is given and 0.
    """
    if program.operation is RowOperation.SRC:
        return {"O": _outputs(program.geometry, tensors)}
    if program.operation is RowOperation.OSRC:
        return {"dW": _weight_gradients(program.geometry, tensors)}
    gradients = _input_gradients(program.geometry, tensors)
    return {"dI": np.where(tensors["mask"] != 0, gradients, 0) if "mask" in tensors else gradients}


def _outputs(geometry: ConvGeometry, tensors: Mapping[str, Integers]) -> Integers:
    out = np.zeros(tensor_shape("O", geometry), np.int64)
    inputs = _padded(tensors["I"], geometry)
    for f, c, *k in _kernel(geometry):
        weight = tensors["W"][f, c % geometry.in_channels_per_group, *k]
        out[f] += inputs[c][_met(geometry, *k)] * weight
    return out


def _input_gradients(geometry: ConvGeometry, tensors: Mapping[str, Integers]) -> Integers:
    padded = _padded(np.zeros(tensor_shape("dI", geometry), np.int64), geometry)
    for f, c, *k in _kernel(geometry):
        weight = tensors["W"][f, c % geometry.in_channels_per_group, *k]
        padded[c][_met(geometry, *k)] += tensors["dO"][f] * weight
    (top, left), (height, width) = geometry.padding, geometry.in_size
    return padded[:, top : top + height, left : left + width]


def _weight_gradients(geometry: ConvGeometry, tensors: Mapping[str, Integers]) -> Integers:
    out = np.zeros(tensor_shape("dW", geometry), np.int64)
    inputs = _padded(tensors["I"], geometry)
    for f, c, *k in _kernel(geometry):
        products = inputs[c][_met(geometry, *k)] * tensors["dO"][f]
        out[f, c % geometry.in_channels_per_group, *k] = products.sum()
    return out


def _kernel(geometry: ConvGeometry) -> Iterator[tuple[int, int, int, int]]:
    """(f, c, kernel row, kernel column) of every weight; c absolute."""
    per_group = geometry.in_channels_per_group
    for f in range(geometry.out_channels):
        first = f // geometry.out_channels_per_group * per_group
        for c in range(first, first + per_group):
            for kh in range(geometry.kernel[0]):
                for kw in range(geometry.kernel[1]):
                    yield f, c, kh, kw


def _padded(values: Integers, geometry: ConvGeometry) -> Integers:
    (ph, pw) = geometry.padding
    return np.pad(values, ((0, 0), (ph, ph), (pw, pw)))


def _met(geometry: ConvGeometry, kh: int, kw: int) -> tuple[slice, slice]:
    """What all positions of O meet of the padded I through one tap."""
    slices = []
    for axis, k in enumerate((kh, kw)):
        first, stride = k * geometry.dilation[axis], geometry.stride[axis]
        slices.append(slice(first, first + stride * (geometry.out_size[axis] - 1) + 1, stride))
    return slices[0], slices[1]
