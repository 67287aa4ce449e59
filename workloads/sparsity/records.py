"""What was recorded, as it lies in workloads/data (written by build_profiles.py there)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pydantic import BaseModel, ConfigDict, Field

from workloads.sparsity.clustering import INDEPENDENT, Clustering
from workloads.sparsity.curve import DensityCurve

Density = float


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedLayer(_Record):
    """Sparsity of one layer of a network trained here: I over all runs, dO over the pruning rate."""

    name: str
    kind: str
    input_density: float = Field(ge=0, le=1)
    grad_output: DensityCurve
    input_clustering: Clustering = INDEPENDENT
    natural_clustering: Clustering = INDEPENDENT
    pruned_clustering: Clustering = INDEPENDENT


class TraceRecord(_Record):
    """The runs of one network, plain and pruned. `layers` are in forward order, torchvision names."""

    name: str
    network: str
    dataset: str
    source: str
    layers: tuple[RecordedLayer, ...]

    def layer(self, name: str) -> RecordedLayer:
        """The layer `name`, which must exist."""
        return next(layer for layer in self.layers if layer.name == name)

    def of_kind(self, kind: str) -> tuple[RecordedLayer, ...]:
        """The layers of one kind, conv or fc, in forward order."""
        return tuple(layer for layer in self.layers if layer.kind == kind)


class ActivationRecord(_Record):
    """Densities of activations of one network, by layer: mean over the epochs of a training run.

    ResNets: the input of every convolution inside a block, and `output` behind the last block.
    VGG: the output (after ReLU or pooling) of convN, poolN, fcN.
    """

    name: str
    network: str
    dataset: str
    source: str
    epochs: int
    densities: dict[str, Density]


class EpochRecord(_Record):
    """Densities of activations of one network in every epoch, from the first; rows as of ActivationRecord."""

    name: str
    source: str
    densities: dict[str, tuple[Density, ...]]


@cache
def trace_record(name: str) -> TraceRecord:
    """The record of a network trained here: alexnet_32, resnet18_32 or resnet18_224."""
    return TraceRecord.model_validate_json(_data(f"{name}.json").read_text(encoding="utf-8"))


@cache
def activation_record(name: str) -> ActivationRecord:
    """The activation record resnet34_imagenet, resnet50_imagenet or vgg16_imagenet."""
    return ActivationRecord.model_validate_json(_data(f"{name}.json").read_text(encoding="utf-8"))


@cache
def epoch_record(name: str) -> EpochRecord:
    """The single epochs of the activation record `name`."""
    return EpochRecord.model_validate_json(_data(f"{name}_epochs.json").read_text(encoding="utf-8"))


def recorded_trace(name: str) -> Traversable:
    """A trace that comes with the package, such as `resnet18_32_p0.9`."""
    return _data("traces") / f"{name}.npz"


def _data(name: str) -> Traversable:
    return files("workloads") / "data" / name
