"""AlexNet and VGG-16: convolutions followed by ReLU, some by max-pooling, matched by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workloads.sparsity.curve import DensityCurve
from workloads.sparsity.profile import LayerProfile
from workloads.sparsity.records import RecordedLayer, TraceRecord
from workloads.sparsity.shapes import LayerShape

VGG_POOLED = {1: 0, 3: 1, 6: 2, 9: 3, 12: 4}
"""Convolution of VGG-16 -> the pooling behind it."""

_WINDOW_POSITIONS = 4
"""2 x 2 max-pooling: one position of a window gets the gradient."""


def alexnet(layers: Sequence[LayerShape], trace: TraceRecord) -> tuple[LayerProfile, ...]:
    """The recorded layers one to one: five convolutions, three fully connected layers."""
    _expect(len(layers), len(trace.layers))
    return tuple(
        LayerProfile(
            shape,
            source.input_density,
            source.grad_output,
            source.input_clustering,
            source.natural_clustering,
            source.pruned_clustering,
            index,
        )
        for index, (shape, source) in enumerate(zip(layers, trace.layers, strict=True))
    )


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise IndexError(f"{found} layers, {wanted} recorded")


def vgg(
    layers: Sequence[LayerShape], trace: TraceRecord, densities: Mapping[str, float]
) -> tuple[LayerProfile, ...]:
    """Densities of VGG-16's outputs, by row as in ActivationRecord; clustering from AlexNet by depth.

    A natural dO is non-zero where the layer's ReLU lets the gradient through: its density is the output's,
    or, with pooling behind, the pooled output's over the positions of a window. (The AlexNet trace shows
    both to the digit.) What pruning leaves of it follows the matching AlexNet layer.
    """
    convolutions = [shape for shape in layers if not shape.is_fc]
    _expect(len(convolutions), max(VGG_POOLED) + 1)
    depth = len(convolutions) - 1
    built = [_vgg_convolution(i, s, i / depth, trace, densities) for i, s in enumerate(convolutions)]
    connected = [shape for shape in layers if shape.is_fc]
    sources = trace.of_kind("fc")
    for i, shape in enumerate(connected):
        last = i - len(connected)
        built.append(_vgg_connected(i, len(built), shape, (sources[i], sources[last]), densities))
    return tuple(built)


def vgg_rows(layers: Sequence[LayerShape]) -> dict[str, str]:
    """The recorded row that is the I of every layer but the first, whose I is the image."""
    convolutions = [shape.name for shape in layers if not shape.is_fc]
    connected = [shape.name for shape in layers if shape.is_fc]
    inside = {name: convolution_row(i) for i, name in enumerate(convolutions) if i}
    return inside | {name: connected_row(i) for i, name in enumerate(connected)}


def convolution_row(index: int) -> str:
    """The row of VGG-16 that is the I of convolution `index`, from 1: pooled where a pool lies between."""
    before = VGG_POOLED.get(index - 1)
    return f"conv{index - 1}" if before is None else f"pool{before}"


def connected_row(position: int) -> str:
    """The row of VGG-16 that is the I of fully connected layer `position`, from 0."""
    return f"fc{position}" if position else f"pool{max(VGG_POOLED.values())}"


def _vgg_convolution(
    index: int, shape: LayerShape, depth: float, trace: TraceRecord, densities: Mapping[str, float]
) -> LayerProfile:
    pool = VGG_POOLED.get(index)
    natural = densities[f"conv{index}"] if pool is None else densities[f"pool{pool}"] / _WINDOW_POSITIONS
    gradient = _nearest(trace, depth, pooled=pool is not None)
    return LayerProfile(
        shape,
        densities[convolution_row(index)] if index else 1.0,
        gradient.grad_output.relative_to(natural),
        _nearest(trace, depth, pooled=None).input_clustering,
        gradient.natural_clustering,
        gradient.pruned_clustering,
        index,
    )


def _vgg_connected(
    position: int,
    index: int,
    shape: LayerShape,
    sources: tuple[RecordedLayer, RecordedLayer],
    densities: Mapping[str, float],
) -> LayerProfile:
    """FC layers: I like the recorded one counted from the first, dO like the one counted from the last."""
    inputs, gradient = sources
    is_last = gradient.grad_output.at(0.0) == 1.0
    natural = 1.0 if is_last else densities[f"fc{position + 1}"]
    return LayerProfile(
        shape,
        densities[connected_row(position)],
        DensityCurve(points=((0.0, natural),)),
        inputs.input_clustering,
        gradient.natural_clustering,
        gradient.pruned_clustering,
        index,
    )


def _nearest(trace: TraceRecord, depth: float, pooled: bool | None) -> RecordedLayer:
    """The convolution of the trace at the nearest relative depth (0 first, 1 last), with or without pooling.

    `pooled` None asks for a layer with a sparse input: any but the first.
    """
    convolutions = trace.of_kind("conv")
    last = len(convolutions) - 1
    candidates = [
        (abs(i / last - depth), i)
        for i, layer in enumerate(convolutions)
        if (i > 0 if pooled is None else (layer.natural_clustering.window > 1) == pooled)
    ]
    return convolutions[min(candidates)[1]]
