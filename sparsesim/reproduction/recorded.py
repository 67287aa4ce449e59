"""How far the mask generator is off in speedup and energy efficiency: against every recorded trace.

The dense baseline looks at no mask, so it is the same number above both ratios, and relative errors follow
from the sparse run alone: of the speedup, recorded cycles / cycles with drawn masks - 1; of the energy
efficiency the same of the energies (centre of the table). Both on chip.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import as_file
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sparsesim.energy import EnergyModel, EnergyTable, on_chip
from sparsesim.engine.record import StepRecords
from sparsesim.machine import Machine
from sparsesim.reproduction.imitated_trace import ImitatedTrace, imitated_trace
from sparsesim.request import DEFAULT_MACHINE
from sparsesim.results.totals import total_actions
from workloads.errors import UserError
from workloads.sparsity.records import recorded_trace
from workloads.sparsity.trace import load_trace

TRACES = tuple(
    f"{network}_{run}"
    for network in ("alexnet_32", "resnet18_32", "resnet18_224")
    for run in ("plain", "p0.9")
)
"""The traces of the package that are compared: natural gradients, and the default pruning rate."""
SEEDS = 2


class GeneratorError(BaseModel):
    """Relative errors of one trace, a number for every seed; positive where drawn masks gain more.

    model_dump() and model_validate() turn it into what JSON knows, and back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trace: str
    samples: int = Field(ge=1)
    speedup: tuple[float, ...] = Field(min_length=1)
    efficiency: tuple[float, ...] = Field(min_length=1)

    @property
    def mean(self) -> Ratios:
        """Mean over the seeds."""
        return Ratios(fmean(self.speedup), fmean(self.efficiency))

    @property
    def spread(self) -> Ratios | None:
        """Standard deviation of one seed; None for a single seed."""
        if len(self.speedup) < 2:
            return None
        return Ratios(stdev(self.speedup), stdev(self.efficiency))


class Ratios(NamedTuple):
    """One number of the speedup and one of the energy efficiency."""

    speedup: float
    efficiency: float


class GeneratorInterval(NamedTuple):
    """The largest absolute relative error (mean over seeds) of the speedup and of the efficiency.

    A maximum over `cases` traces, no confidence interval: another network may be off by more.
    """

    speedup: float
    efficiency: float
    cases: int


class _OnChip(NamedTuple):
    cycles: float
    energy_pj: float


def generator_error(
    trace: str | Path,
    seeds: int = SEEDS,
    samples: int | None = None,
    *,
    machine: str | Path | Machine = DEFAULT_MACHINE,
    table: EnergyTable | None = None,
    threads: int | None = None,
) -> GeneratorError:
    """Simulates one trace with recorded masks, and with drawn ones for the seeds 0 to seeds - 1.

    trace: a name of TRACES, or a file. samples: at most as many of the recorded ones (None: all); every one
    is drawn with the densities of its own, so what few samples happen to differ by is no error.
    """
    if seeds < 1:
        raise UserError(f"seeds of the generator must be 1 or more (got {seeds}).")
    if isinstance(trace, str):
        with as_file(recorded_trace(trace)) as path:
            return _error(path, seeds, samples, machine, table, threads)
    return _error(trace, seeds, samples, machine, table, threads)


def generator_interval(errors: Iterable[GeneratorError]) -> GeneratorInterval:
    """Over the errors of one or more traces."""
    means = [error.mean for error in errors]
    return GeneratorInterval(
        max(abs(mean.speedup) for mean in means), max(abs(mean.efficiency) for mean in means), len(means)
    )


def _error(
    path: Path,
    seeds: int,
    samples: int | None,
    machine: str | Path | Machine,
    table: EnergyTable | None,
    threads: int | None,
) -> GeneratorError:
    held = load_trace(path).meta.samples
    count = held if samples is None else min(samples, held)
    imitated = imitated_trace(path, count, machine)
    model = EnergyModel(imitated.request.machine, table)
    recorded = _on_chip(imitated, imitated.records(None, threads), model)
    draw = imitated.drawn()
    drawn = [_on_chip(imitated, imitated.records(draw(seed), threads), model) for seed in range(seeds)]
    return GeneratorError(
        trace=path.stem,
        samples=count,
        speedup=tuple(recorded.cycles / one.cycles - 1 for one in drawn),
        efficiency=tuple(recorded.energy_pj / one.energy_pj - 1 for one in drawn),
    )


def _on_chip(imitated: ImitatedTrace, records: StepRecords, model: EnergyModel) -> _OnChip:
    """Cycles and centre energy per sample."""
    (run,) = records.runs
    actions = total_actions(records, run, imitated.request.machine).on_chip
    return _OnChip(actions.cycles, on_chip(model.energy(actions)).centre)
