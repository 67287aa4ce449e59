"""What a reproduction is asked for: workloads, pruning rates, samples, the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sparsesim.reproduction import published
from sparsesim.request import DEFAULT_MACHINE
from sparsesim.study.point import Scalar

AVERAGED = published.NETWORKS
"""Networks of the average that is held against the published one."""
NETWORKS = (*AVERAGED, "resnet50", "resnet152")
DATASETS = ("cifar10", "cifar100", "imagenet")
RATES = (0.7, 0.9, 0.99)
HEADLINE_RATE = 0.9
SAMPLES, QUICK_SAMPLES = 4, 1
DRAWS, QUICK_DRAWS = 1000, 200
"""Tables drawn for the intervals of energy efficiencies."""

_ALIKE = {"cifar100": "cifar10", "resnet34": "resnet18"}
"""A data set whose networks differ from those of another in the last layer only, and a network with the
blocks of another: where changes of the machine are simulated, the others stand for them."""
_COSTLY = {("alexnet", "imagenet"): ("alexnet", "cifar10")}
"""The same sparsity; but its fully connected layers take four times as long as all else together."""


class Workload(NamedTuple):
    """A network on a data set."""

    network: str
    dataset: str


@dataclass(frozen=True)
class Asked:
    """networks, datasets: of the grid. rates: pruning rates, each > 0. samples: of the workloads of the
    average; of others one.

    machine: a name or file; base: settings of the machine and of the energy table that hold everywhere, by
    canonical name. quick: fewer workloads and changes when it is asked why.
    """

    networks: tuple[str, ...] = NETWORKS
    datasets: tuple[str, ...] = DATASETS
    rates: tuple[float, ...] = RATES
    samples: int = SAMPLES
    machine: str = DEFAULT_MACHINE
    base: Mapping[str, Scalar] = field(default_factory=dict)
    quick: bool = False

    @property
    def headline_rate(self) -> float:
        """The rate of the headline: the one nearest to 0.9."""
        return min(self.rates, key=lambda rate: abs(rate - HEADLINE_RATE))

    @property
    def is_default_machine(self) -> bool:
        """Whether the machine is the one of the publication, as it is described."""
        return self.machine == DEFAULT_MACHINE and not self.base

    @property
    def goes_beyond(self) -> bool:
        """Whether the steps to the better machine are simulated, too: they start from the default one."""
        return self.is_default_machine and not self.quick

    @property
    def draws(self) -> int:
        return QUICK_DRAWS if self.quick else DRAWS

    def workloads(self) -> tuple[Workload, ...]:
        """The grid, networks outside."""
        return tuple(Workload(network, dataset) for network in self.networks for dataset in self.datasets)

    def averaged(self) -> tuple[Workload, ...]:
        """Workloads of the average beside the published one; all where none has one of its networks."""
        found = tuple(workload for workload in self.workloads() if workload.network in AVERAGED)
        return found or self.workloads()

    def samples_of(self, workload: Workload) -> int:
        """How many samples of a workload of the grid are simulated."""
        return self.samples if workload in self.averaged() else 1

    def examined(self) -> dict[Workload, int]:
        """Workloads that changes of the machine are simulated on, and how many of `averaged` each stands for.

        What is like another workload is not simulated again. Quick: the first and the last of them.
        """
        counts: dict[Workload, int] = {}
        for network, dataset in self.averaged():
            stands = Workload(_alike(network, self.networks), _alike(dataset, self.datasets))
            cheaper = Workload(*_COSTLY.get(stands, stands))
            stands = cheaper if cheaper in self.workloads() else stands
            counts[stands] = counts.get(stands, 0) + 1
        return dict.fromkeys((next(iter(counts)), list(counts)[-1]), 1) if self.quick else counts


def _alike(name: str, known: tuple[str, ...]) -> str:
    """What stands for a network or a data set: one that is like it and asked for too, or itself."""
    other = _ALIKE.get(name, name)
    return other if other in known else name


QUICK = Asked(AVERAGED, ("cifar10", "imagenet"), (HEADLINE_RATE,), QUICK_SAMPLES, quick=True)
"""What a quick reproduction is."""
