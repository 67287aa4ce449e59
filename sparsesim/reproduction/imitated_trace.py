"""A trace simulated with its recorded masks, and with other masks in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from compiler.training import ConvWork
from sparsesim.engine.channels import ChannelDensities
from sparsesim.engine.record import StepRecords
from sparsesim.engine.source import MaskSource
from sparsesim.engine.step import simulate_step
from sparsesim.machine import Machine
from sparsesim.request import DEFAULT_MACHINE, Request, make_request
from sparsesim.results.model import DENSE
from sparsesim.simulation import plan_of, request_workload, runs_of
from sparsesim.workload import Workload
from workloads.sparsity.imitation import imitate
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.trace import load_trace

Masks = Callable[[str, int], LayerMasks]
"""Masks of a layer and a sample."""


@dataclass(frozen=True)
class SubstitutedSource:
    """Masks of `masks_of` for the programs that are compiled for `recorded`."""

    recorded: MaskSource
    masks_of: Masks

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        """What the mapper is told, so that the programs are those of the recorded masks."""
        return self.recorded.densities(layer, pruning)

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        """As densities()."""
        return self.recorded.channel_shares(layer, pruning)

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        """Masks of one sample of a layer; pruning is what was recorded."""
        return self.masks_of(layer, sample)

    def channel_densities(self, layer: str, pruning: float, simulated: range) -> ChannelDensities | None:
        """As densities()."""
        return self.recorded.channel_densities(layer, pruning, simulated)

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        """Masks without zeros."""
        return self.recorded.dense(work, samples)


@dataclass(frozen=True)
class ImitatedTrace:
    """The sparse run of a trace on a machine; made by imitated_trace()."""

    request: Request
    workload: Workload

    @property
    def recorded(self) -> MaskSource:
        return self.workload.source

    def records(self, masks: Masks | None = None, threads: int | None = None) -> StepRecords:
        """The engine's records with masks in place of the recorded ones (None: with those)."""
        source = self.recorded if masks is None else SubstitutedSource(self.recorded, masks)
        runs = [run for run in runs_of(self.request, self.workload) if run.name != DENSE]
        plan = plan_of(replace(self.workload, source=source), runs, self.request.load.batch)
        return simulate_step(plan, threads)

    def drawn(self, *, clustered: bool = True, own_densities: bool = True) -> Callable[[int], Masks]:
        """From a seed to masks of the generator, fitted to the trace; arguments as of imitate()."""
        path = self.request.load.trace
        assert path is not None
        found = imitate(
            load_trace(path), self.workload.samples, clustered=clustered, own_densities=own_densities
        )
        return lambda seed: lambda layer, sample: found.masks(layer, seed, sample)


def imitated_trace(
    path: Path, samples: int | None = None, machine: str | Path | Machine = DEFAULT_MACHINE
) -> ImitatedTrace:
    """A trace to be simulated; samples: how many of the recorded ones (None: all). Raises as make_request."""
    request = make_request(trace=path, samples=samples, machine=machine)
    return ImitatedTrace(request, request_workload(request))
