"""What can be simulated: the built-in networks, each for every data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from workloads.datasets import DATASETS, Dataset, find_dataset
from workloads.errors import unknown_name
from workloads.layers import Shape
from workloads.network import Network
from workloads.zoo.alexnet import alexnet
from workloads.zoo.resnet import DEPTHS, resnet
from workloads.zoo.vgg import vgg16

__all__ = ["DATASETS", "NETWORKS", "NetworkRow", "describe", "load_network"]

_MAKERS: dict[str, Callable[[Dataset], Network]] = {
    "alexnet": alexnet,
    "vgg16": vgg16,
    **{f"resnet{depth}": partial(resnet, depth) for depth in DEPTHS},
}

NETWORKS: tuple[str, ...] = tuple(_MAKERS)


@dataclass(frozen=True)
class NetworkRow:
    """One line of the list of workloads; MACs are those of one sample's Forward."""

    network: str
    dataset: str
    input_shape: Shape
    convolutions: int
    fully_connected: int
    parameters: int
    nominal_macs: int
    dense_macs: int
    variant: str


def load_network(name: str, dataset: str) -> Network:
    """The network `name` (one of NETWORKS) for `dataset` (one of DATASETS); UserError for other names."""
    if name not in _MAKERS:
        raise unknown_name("network", name, NETWORKS)
    return _MAKERS[name](find_dataset(dataset))


def describe() -> tuple[NetworkRow, ...]:
    """One row per network and data set, networks outside."""
    return tuple(_row(load_network(name, dataset)) for name in NETWORKS for dataset in DATASETS)


def _row(network: Network) -> NetworkRow:
    convolutions = network.convolutions()
    fully_connected = sum(node.layer.kind == "fc" for node in convolutions)
    return NetworkRow(
        network=network.name,
        dataset=network.dataset,
        input_shape=network.input_shape,
        convolutions=len(convolutions) - fully_connected,
        fully_connected=fully_connected,
        parameters=network.parameters,
        nominal_macs=network.nominal_macs,
        dense_macs=network.dense_macs,
        variant=network.variant,
    )
