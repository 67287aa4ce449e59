"""ResNets: layers matched by stage, by block (the first of a stage is special) and by place in the block."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workloads.sparsity.profile import LayerProfile
from workloads.sparsity.records import TraceRecord
from workloads.sparsity.shapes import LayerShape

_DOWNSAMPLE = "downsample.0"
_PATTERN = re.compile(rf"layer(\d+)\.(\d+)\.(conv\d+|{re.escape(_DOWNSAMPLE)})")


@dataclass(frozen=True)
class Place:
    """A convolution inside a residual block; `stage` counts from 1, `block` from 0."""

    stage: int
    block: int
    blocks: int
    part: str
    is_last: bool

    @property
    def later(self) -> int:
        """0 in the first block of a stage, 1 in the others: the recorded network has two."""
        return min(self.block, 1)

    def like_input(self) -> str:
        """The layer of the recorded ResNet-18 whose I has the same role."""
        part = self.part if self.part == "conv1" else "conv2"
        return f"layer{self.stage}.{self.later}.{'conv1' if self.part == _DOWNSAMPLE else part}"

    def like_gradient(self) -> str:
        """The layer of the recorded ResNet-18 whose dO has the same role.

        The dO of a block's last convolution depends on what follows the block: another block or, with its
        stride, the next stage. The dO of the others depends on the block itself.
        """
        if self.part == _DOWNSAMPLE:
            return f"layer{self.stage}.0.{_DOWNSAMPLE if self.stage > 1 else 'conv2'}"
        if self.is_last:
            return f"layer{self.stage}.{int(self.block == self.blocks - 1)}.conv2"
        return f"layer{self.stage}.{self.later}.conv1"


def places(names: Sequence[str]) -> dict[str, Place]:
    """The places of those layers that lie inside blocks."""
    found = {name: match for name in names if (match := _PATTERN.fullmatch(name))}
    blocks: Counter[int] = Counter()
    last_part: dict[tuple[int, int], str] = {}
    for match in found.values():
        stage, block = int(match[1]), int(match[2])
        blocks[stage] = max(blocks[stage], block + 1)
        if match[3] != _DOWNSAMPLE:
            last_part[stage, block] = max(last_part.get((stage, block), ""), match[3])
    return {name: _place(match, blocks, last_part) for name, match in found.items()}


def _place(match: re.Match[str], blocks: Mapping[int, int], last: Mapping[tuple[int, int], str]) -> Place:
    stage, block = int(match[1]), int(match[2])
    return Place(stage, block, blocks[stage], match[3], match[3] == last[stage, block])


def from_trace(layers: Sequence[LayerShape], trace: TraceRecord) -> tuple[LayerProfile, ...]:
    """Everything from the traced ResNet-18; its own layers come out as recorded."""
    where = places([shape.name for shape in layers])

    def input_density(name: str) -> float:
        return trace.layer(where[name].like_input() if name in where else name).input_density

    return _profiles(layers, where, trace, input_density)


def with_activations(
    layers: Sequence[LayerShape], trace: TraceRecord, densities: Mapping[str, float]
) -> tuple[LayerProfile, ...]:
    """Densities of I recorded inside the blocks, by layer; all else from the traced ResNet-18.

    The stem and the fully connected layer have no row among the activations: they are the trace's.
    """
    where = places([shape.name for shape in layers])
    recorded = places(list(densities))

    def input_density(name: str) -> float:
        if name not in where:
            return trace.layer(name).input_density
        return _interpolated(where[name], recorded, densities)

    return _profiles(layers, where, trace, input_density)


def rows(recorded: Iterable[str]) -> dict[str, str]:
    """The recorded row of the I of every layer that has one: rows are called like the layers."""
    return {name: name for name in places(list(recorded))}


def _interpolated(place: Place, recorded: Mapping[str, Place], densities: Mapping[str, float]) -> float:
    """The density at the same place of the stage: first block for first, the others by relative depth."""
    part = "conv1" if place.part == _DOWNSAMPLE else place.part
    alike = {name: p for name, p in recorded.items() if (p.stage, p.part) == (place.stage, part)}
    of_blocks = {p.block: densities[name] for name, p in alike.items()}
    if place.block == 0:
        return of_blocks[0]
    later = [of_blocks[block] for block in sorted(of_blocks) if block > 0]
    depths = (np.arange(len(later)) + 0.5) / len(later)
    return float(np.interp((place.block - 0.5) / (place.blocks - 1), depths, later))


def _profiles(
    layers: Sequence[LayerShape],
    where: Mapping[str, Place],
    trace: TraceRecord,
    input_density: Callable[[str], float],
) -> tuple[LayerProfile, ...]:
    names = [shape.name for shape in layers]
    built = []
    for index, shape in enumerate(layers):
        place = where.get(shape.name)
        inputs = trace.layer(place.like_input() if place else shape.name)
        gradient = trace.layer(place.like_gradient() if place else shape.name)
        profile = LayerProfile(
            shape,
            input_density(shape.name),
            gradient.grad_output,
            inputs.input_clustering,
            gradient.natural_clustering,
            gradient.pruned_clustering,
            index,
        )
        built.append(_sharing_input(profile, names))
    return tuple(built)


def _sharing_input(profile: LayerProfile, names: list[str]) -> LayerProfile:
    """A downsampling convolution reads the same I as the first convolution of its block."""
    if not profile.shape.name.endswith(_DOWNSAMPLE):
        return profile
    first = profile.shape.name.replace(_DOWNSAMPLE, "conv1")
    return replace(profile, input_index=names.index(first))
