"""Do the phases of a transposed convolution compute it?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workloads.errors import UserError
from workloads.importing.assemble import network_of
from workloads.importing.steps import Step, Steps, TransposedConv
from workloads.importing.transposed import phases
from workloads.layers import Conv, Size
from workloads.map_layers import Interleave, Slice
from workloads.network import Network

Map = NDArray[np.int64]


def transposed(layer: TransposedConv, image: Map, weights: Map) -> Map:
    """By definition: input i and tap k reach output i s + k d - p. Weights [C, F, Kh, Kw]."""
    out = np.zeros((weights.shape[1], *layer.out_size), dtype=np.int64)
    for y, x, kh, kw in np.ndindex(*image.shape[1:], *layer.kernel):
        row = y * layer.stride[0] + kh * layer.dilation[0] - layer.padding[0]
        column = x * layer.stride[1] + kw * layer.dilation[1] - layer.padding[1]
        if 0 <= row < layer.out_size[0] and 0 <= column < layer.out_size[1]:
            out[:, row, column] += image[:, y, x] @ weights[:, :, kh, kw]
    return out


def correlated(layer: Conv, image: Map, weights: Map) -> Map:
    """By definition; weights [F, C, Kh, Kw]."""
    ends = layer.padding if layer.end_padding is None else layer.end_padding
    padded = np.pad(image, ((0, 0), *zip(layer.padding, ends, strict=True)))
    out = np.zeros(layer.output_shape(image.shape), dtype=np.int64)  # type: ignore[arg-type]
    for y, x, kh, kw in np.ndindex(*out.shape[1:], *layer.kernel):
        taken = padded[:, y + kh * layer.dilation[0], x + kw * layer.dilation[1]]
        out[:, y, x] += weights[:, :, kh, kw] @ taken
    return out


def by_phases(layer: TransposedConv, image: Map, weights: Map) -> Map:
    """Phase (r, c) has the taps that reach outputs y = r and x = c modulo the stride, the last one first."""
    out = np.zeros((weights.shape[1], *layer.out_size), dtype=np.int64)
    for (row, column), phase in phases(layer, (image.shape[1], image.shape[2])).items():
        taps = [_taps(layer, axis, found) for axis, found in ((0, row), (1, column))]
        kernel = weights[:, :, taps[0]][..., taps[1]].transpose(1, 0, 2, 3)
        first = [_first_read(layer, axis, found) for axis, found in ((0, row), (1, column))]
        read = image[:, first[0] : first[0] + phase.in_size[0], first[1] : first[1] + phase.in_size[1]]
        made = correlated(phase.layer, read, kernel)
        out[:, row :: layer.stride[0], column :: layer.stride[1]] = made
    return out


def _taps(layer: TransposedConv, axis: int, phase: int) -> list[int]:
    if layer.stride[axis] == 1:
        return list(range(layer.kernel[axis]))[::-1]
    shift, stride = phase + layer.padding[axis], layer.stride[axis]
    return [k for k in reversed(range(layer.kernel[axis])) if (k - shift) % stride == 0]


def _first_read(layer: TransposedConv, axis: int, phase: int) -> int:
    """The first input that an output of the phase meets, 0 where that is in the padding."""
    last = max(_taps(layer, axis, phase)) * (layer.dilation[axis] if layer.stride[axis] == 1 else 1)
    return max(0, (phase + layer.padding[axis] - last) // layer.stride[axis])


@st.composite
def layers(draw: st.DrawFn) -> tuple[TransposedConv, Size]:
    def pair(low: int, high: int) -> Size:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    size, kernel, stride = pair(1, 5), pair(1, 5), pair(1, 3)
    dilation = (1, 1) if max(stride) > 1 else pair(1, 2)
    padding = draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1))
    extra = draw(st.integers(0, stride[0] - 1)), draw(st.integers(0, stride[1] - 1))
    axes = zip(size, kernel, stride, dilation, padding, extra, strict=True)
    out = [(n - 1) * s + d * (k - 1) + 1 - 2 * p + e for n, k, s, d, p, e in axes]
    assume(min(out) >= 1)
    return TransposedConv(2, 3, kernel, stride, padding, dilation, 1, False, (out[0], out[1])), size


@settings(max_examples=150, deadline=None)
@given(layers(), st.integers(0, 2**32 - 1))
def test_phases_compute_the_transposed_convolution(drawn: tuple[TransposedConv, Size], seed: int) -> None:
    layer, size = drawn
    generator = np.random.default_rng(seed)
    image = generator.integers(-5, 6, (2, *size))
    weights = generator.integers(-5, 6, (2, 3, *layer.kernel))
    assert np.array_equal(by_phases(layer, image, weights), transposed(layer, image, weights))


def network(layer: TransposedConv, size: Size) -> Network:
    step = Step("up", "node 'up'", layer, ("x",), "y", (layer.out_channels, *layer.out_size))
    return network_of(Steps("net", "test", "x", (layer.in_channels, *size), (step,), ("y",)))


def test_a_network_has_the_multiplications_of_the_transposed_convolution_and_no_more() -> None:
    layer = TransposedConv(6, 4, (4, 4), (2, 2), (1, 1), (1, 1), 2, True, (10, 14))
    found = network(layer, (5, 7))
    assert [one.name for one in found.layers()][1:] == [
        "up.phase00",
        "up.phase01",
        "up.phase10",
        "up.phase11",
        "up",
    ]
    assert found.output.layer == Interleave((10, 14))
    per_input = 6 * 4 // 2  # of each tap
    # Of n inputs all 4 taps land inside the output, but for the outermost one at either end.
    assert found.dense_macs == per_input * (4 * 5 - 2) * (4 * 7 - 2)
    assert found.parameters == 6 * 4 // 2 * 16 + 4


def test_stride_1_is_one_convolution() -> None:
    layer = TransposedConv(2, 3, (3, 3), (1, 1), (1, 1), (1, 1), 1, False, (5, 5))
    assert network(layer, (5, 5)).output.layer == Conv(2, 3, (3, 3), padding=(1, 1), bias=False)


def test_inputs_that_padding_cuts_off_are_not_read() -> None:
    layer = TransposedConv(2, 3, (1, 1), (1, 1), (1, 1), (1, 1), 1, False, (3, 3))
    assert [one.layer for one in network(layer, (5, 5)).layers()][1:] == [
        Slice((2, 3, 3)),
        Conv(2, 3, (1, 1), bias=False),
    ]


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (
            TransposedConv(1, 1, (3, 3), (2, 2), (0, 0), (2, 2), 1, False, (9, 9)),
            "both a stride and a dilation",
        ),
        (TransposedConv(1, 1, (64, 64), (32, 32), (0, 0), (1, 1), 1, False, (160, 160)), "1024 convolutions"),
    ],
)
def test_what_is_no_such_convolution_is_refused(layer: TransposedConv, sentence: str) -> None:
    with pytest.raises(UserError, match=f"^node 'up': .*{sentence}"):
        network(layer, (4, 4))
