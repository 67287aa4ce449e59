"""What came of a reproduction: every number that its tables, figures and text are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sparsesim.energy.monte_carlo import Quantiles
from sparsesim.reproduction.asked import Asked, Workload
from sparsesim.reproduction.changes import Change
from sparsesim.reproduction.energy_views import EnergyView
from sparsesim.reproduction.ladder import Rung
from sparsesim.reproduction.recorded import GeneratorError
from sparsesim.results.model import Result
from sparsesim.results.parts import Accounts

Figures = Mapping[str, float]
"""Figures of a point by name (sparsesim.study.figures.FIGURES)."""
Cycles = Mapping[str, float]
"""Cycles per sample by run: "dense", "natural", "pruned"."""


@dataclass(frozen=True)
class ChangeOutcome:
    """A change, and the figures of the workloads it could be simulated on; error: why one could not be."""

    change: Change
    figures: Mapping[Workload, Figures]
    error: str = ""


@dataclass(frozen=True)
class StepOutcome:
    """A step to the better machine, by its words; figures: of the machine after it."""

    words: str
    figures: Mapping[Workload, Figures]


@dataclass(frozen=True)
class Efficiency:
    """Intervals of an energy efficiency over drawn energy tables (2.5 %, 50 %, 97.5 %), by accounting."""

    on_chip: Quantiles
    with_dram: Quantiles


@dataclass(frozen=True)
class Widths:
    """Half widths of 95 % intervals over samples of an average speedup and energy efficiency."""

    speedup: Accounts
    efficiency: Accounts


@dataclass(frozen=True)
class Reproduction:
    """One machine, all workloads.

    results: by workload and pruning rate. rungs: cycles on the ladder, from the bound down, by workload.
    changes: the first is the machine as described. steps: towards the better machine, the first is the
    published arrangement; empty where they were not asked for. efficiencies: by workload, pruning rate
    and run. average_efficiencies: of the average, by run, at the headline rate. views: the same energies
    counted in other ways, on the workloads of the average. recorded: error of the mask generator, by trace.
    counts: for how many workloads of the average each one stands that changes were simulated on. seconds:
    processor time of the simulations. average_widths: of the averages, by pruning rate and run, samples
    paired over the networks; empty for single samples.
    """

    asked: Asked
    results: Mapping[tuple[Workload, float], Result]
    rungs: Sequence[tuple[Rung, Mapping[Workload, Cycles]]]
    changes: Sequence[ChangeOutcome]
    steps: Sequence[StepOutcome]
    efficiencies: Mapping[tuple[Workload, float, str], Efficiency]
    average_efficiencies: Mapping[str, Efficiency]
    views: Sequence[EnergyView]
    recorded: Sequence[GeneratorError]
    counts: Mapping[Workload, int] = field(default_factory=dict)
    seconds: float = 0.0
    average_widths: Mapping[float, Mapping[str, Widths]] = field(default_factory=dict)

    def headline(self) -> list[Result]:
        """The results of the average at the headline rate."""
        return self.at(self.asked.headline_rate, averaged=True)

    def at(self, rate: float, *, averaged: bool = False) -> list[Result]:
        """The results at a pruning rate, of all workloads or of those of the average."""
        wanted = self.asked.averaged() if averaged else self.asked.workloads()
        return [self.results[workload, rate] for workload in wanted]
