"""Which recording a network's sparsity comes from: its own trace, or, said clearly, another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workloads.errors import UserError, unknown_name
from workloads.sparsity import transfer_plain, transfer_resnet
from workloads.sparsity.over_time import density_over_time
from workloads.sparsity.profile import LayerProfile, Profile
from workloads.sparsity.records import (
    ActivationRecord,
    TraceRecord,
    activation_record,
    epoch_record,
    trace_record,
)
from workloads.sparsity.shapes import LayerShape

_SMALL = ("cifar10", "cifar100")
_DATASETS = (*_SMALL, "imagenet")
_ACTIVATIONS = {
    "resnet18": "resnet34_imagenet",
    "resnet34": "resnet34_imagenet",
    "resnet50": "resnet50_imagenet",
    "resnet101": "resnet50_imagenet",
    "resnet152": "resnet50_imagenet",
    "vgg16": "vgg16_imagenet",
}
"""Activations: the same network, or the nearest with the same kind of residual block."""

_BASIC_BLOCKS = ("resnet18", "resnet34")
_Build = Callable[[Sequence[LayerShape], TraceRecord, ActivationRecord], tuple[LayerProfile, ...]]


def profile_for(network: str, dataset: str, layers: Sequence[LayerShape]) -> Profile:
    """The recorded sparsity of `network` on `dataset`; `layers` are its convolutions and FC layers in order.

    Layers of ResNets are found by their torchvision names, others by position. UserError for a network or
    data set without any recording, or layers that are not those of the network.
    """
    if network not in ("alexnet", *_ACTIVATIONS):
        raise unknown_name("network of the recorded sparsity", network, ("alexnet", *_ACTIVATIONS))
    if dataset not in _DATASETS:
        raise unknown_name("data set of the recorded sparsity", dataset, _DATASETS)
    try:
        return _profile(network, dataset, layers)
    except (KeyError, IndexError, StopIteration):
        raise UserError(f"the recorded sparsity of {network} does not fit the layers given for it.") from None


def _profile(network: str, dataset: str, layers: Sequence[LayerShape]) -> Profile:
    small = dataset in _SMALL
    if network == "alexnet":
        return _alexnet(layers, small)
    if small and network in _BASIC_BLOCKS:
        return _small_resnet(network, layers)
    build = transfer_plain.vgg if network == "vgg16" else transfer_resnet.with_activations
    resnet = "resnet18_32" if dataset in _SMALL else "resnet18_224"
    trace = trace_record("alexnet_32" if network == "vgg16" else resnet)
    return _with_activations(network, dataset, layers, trace, build)


def _alexnet(layers: Sequence[LayerShape], small: bool) -> Profile:
    trace = trace_record("alexnet_32")
    origin = None if small else f"{trace.name} by position, since no AlexNet was recorded on ImageNet"
    built = transfer_plain.alexnet(layers, trace)
    return Profile(_name("alexnet", trace), "profile", trace.source, origin, built)


def _small_resnet(network: str, layers: Sequence[LayerShape]) -> Profile:
    trace = trace_record("resnet18_32")
    origin = None if network == trace.network else f"{trace.name} by stage and place in the block"
    built = transfer_resnet.from_trace(layers, trace)
    return Profile(_name(network, trace), "profile", trace.source, origin, built)


def _with_activations(
    network: str, dataset: str, layers: Sequence[LayerShape], trace: TraceRecord, build: _Build
) -> Profile:
    activations = activation_record(_ACTIVATIONS[network])
    epochs = epoch_record(_ACTIVATIONS[network])
    rows = transfer_plain.vgg_rows(layers) if network == "vgg16" else transfer_resnet.rows(epochs.densities)
    same = network == activations.network and dataset == activations.dataset
    densities = f"densities of I {'recorded on' if same else 'from'} {activations.name}"
    origin = f"{densities}; gradients and clustering from {trace.name}"
    return Profile(
        f"{network}-{dataset} from {activations.name} and {trace.name}",
        "profile",
        f"I: {activations.source}; dO: {trace.source}",
        origin,
        build(layers, trace, activations),
        density_over_time(epochs, rows),
    )


def _name(network: str, trace: TraceRecord) -> str:
    return f"{network} from {trace.name}"
