"""Which recording a network's sparsity comes from: its own trace, or, said clearly, another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from workloads.errors import UserError, unknown_name
from workloads.sparsity import transfer_inputs, transfer_plain, transfer_resnet
from workloads.sparsity.over_time import density_over_time
from workloads.sparsity.profile import LayerProfile, Profile
from workloads.sparsity.records import TraceRecord, activation_record, epoch_record, trace_record
from workloads.sparsity.shapes import LayerShape

NEAREST, HERE, IMAGENET = "nearest", "here", "imagenet"
ACTIVATIONS = (NEAREST, HERE, IMAGENET)
"""Where the densities of I come from: what lies nearer, the runs of this project, the ImageNet tables."""

_SMALL = ("cifar10", "cifar100")
_DATASETS = (*_SMALL, "imagenet")
_TABLES = {
    "alexnet": "vgg16_imagenet",
    "resnet18": "resnet34_imagenet",
    "resnet34": "resnet34_imagenet",
    "resnet50": "resnet50_imagenet",
    "resnet101": "resnet50_imagenet",
    "resnet152": "resnet50_imagenet",
    "vgg16": "vgg16_imagenet",
}
"""ImageNet tables: the same network, or the nearest with the same kind of block."""

_BASIC_BLOCKS = ("resnet18", "resnet34")
_Here = Callable[[Sequence[LayerShape], TraceRecord], tuple[LayerProfile, ...]]
_Tables = Callable[[Sequence[LayerShape], TraceRecord, Mapping[str, float]], tuple[LayerProfile, ...]]

_HERE: Mapping[str, _Here] = {"alexnet": transfer_plain.alexnet, "vgg16": transfer_inputs.vgg_from_trace}
_IMAGENET: Mapping[str, _Tables] = {
    "alexnet": transfer_inputs.alexnet_with_activations,
    "vgg16": transfer_plain.vgg,
}


def profile_for(
    network: str, dataset: str, layers: Sequence[LayerShape], activations: str = NEAREST
) -> Profile:
    """The recorded sparsity of `network` on `dataset`; `layers` are its convolutions and FC layers in order.

    activations: one of ACTIVATIONS, where the densities of I come from, whatever the data set. Layers of
    ResNets are found by their torchvision names, others by position. UserError for a name that is not known,
    a network or data set without any recording, or layers that are not those of the network.
    """
    if network not in _TABLES:
        raise unknown_name("network of the recorded sparsity", network, _TABLES)
    if dataset not in _DATASETS:
        raise unknown_name("data set of the recorded sparsity", dataset, _DATASETS)
    if activations not in ACTIVATIONS:
        raise unknown_name("activations", activations, ACTIVATIONS)
    chosen = _nearest(network, dataset) if activations == NEAREST else activations
    build = _from_here if chosen == HERE else _from_tables
    try:
        return build(network, dataset, layers, _trace(network, dataset))
    except (KeyError, IndexError, StopIteration):
        raise UserError(f"the recorded sparsity of {network} does not fit the layers given for it.") from None


def _nearest(network: str, dataset: str) -> str:
    """AlexNet was recorded here and basic blocks at the size of CIFAR, all else on ImageNet."""
    here = network == "alexnet" or (dataset in _SMALL and network in _BASIC_BLOCKS)
    return HERE if here else IMAGENET


def _trace(network: str, dataset: str) -> TraceRecord:
    """The runs that gradients and clustering come from."""
    if network in ("alexnet", "vgg16"):
        return trace_record("alexnet_32")
    return trace_record("resnet18_32" if dataset in _SMALL else "resnet18_224")


def _from_here(network: str, dataset: str, layers: Sequence[LayerShape], trace: TraceRecord) -> Profile:
    built = _HERE.get(network, transfer_resnet.from_trace)(layers, trace)
    origin = _origin_here(network, dataset, trace)
    return Profile(f"{network} from {trace.name}", "profile", trace.source, origin, built)


def _origin_here(network: str, dataset: str, trace: TraceRecord) -> str | None:
    if network == "vgg16":
        return (
            f"{trace.name}: densities of I by depth and place behind a pool, natural gradients as these, "
            f"pruning and clustering by depth"
        )
    small = dataset in _SMALL
    if small and network == trace.network:
        return None
    if network == "alexnet":
        return f"{trace.name} by position, since no AlexNet was recorded on ImageNet"
    by_place = f"{trace.name} by stage and place in the block"
    return by_place if _nearest(network, dataset) == HERE else f"{by_place}, densities of I as well"


def _from_tables(network: str, dataset: str, layers: Sequence[LayerShape], trace: TraceRecord) -> Profile:
    activations, epochs = activation_record(_TABLES[network]), epoch_record(_TABLES[network])
    build = _IMAGENET.get(network, transfer_resnet.with_activations)
    return Profile(
        f"{network}-{dataset} from {activations.name} and {trace.name}",
        "profile",
        f"I: {activations.source}; dO: {trace.source}",
        _origin_of_tables(network, dataset, trace),
        build(layers, trace, activations.densities),
        density_over_time(epochs, _rows(network, layers, trace, epochs.densities)),
    )


def _origin_of_tables(network: str, dataset: str, trace: TraceRecord) -> str:
    activations = activation_record(_TABLES[network])
    if network == "alexnet":
        return (
            f"densities of I from {activations.name} by depth and place behind a pool; gradients from "
            f"{trace.name}, scaled as the I behind them; clustering from {trace.name}"
        )
    same = network == activations.network and dataset == activations.dataset
    densities = f"densities of I {'recorded on' if same else 'from'} {activations.name}"
    return f"{densities}; gradients and clustering from {trace.name}"


def _rows(
    network: str, layers: Sequence[LayerShape], trace: TraceRecord, recorded: Iterable[str]
) -> dict[str, str]:
    """The row of the table for the I of every layer that has one of its own."""
    if network == "alexnet":
        return transfer_inputs.alexnet_rows(layers, trace)
    return transfer_plain.vgg_rows(layers) if network == "vgg16" else transfer_resnet.rows(recorded)
