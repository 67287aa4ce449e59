"""A simulation: one run of one machine and load, known by the content of everything the engine consumes.

Points share simulations: the dense baseline of a machine is the same at every pruning rate, and no simulation
depends on energy.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from compiler.target import Target
from sparsesim.engine.record import OtherRecord, StageRecord, StepRecords
from sparsesim.engine.step import Run, other_record, simulate_step
from sparsesim.request import Load, Request
from sparsesim.results.inputs import digest, file_digest
from sparsesim.results.model import DENSE
from sparsesim.simulation import plan_of, runs_of
from sparsesim.study.code import code_digest
from sparsesim.workload import Workload, accumulated_samples, workload_of


@dataclass(frozen=True)
class Simulation:
    """One run. run, pruning: its name and rate (None: dense). load: without what this run does not depend on.

    accumulate: as of accumulated_samples. key: SHA-256 of all that, of the trace's bytes and of the code.
    """

    run: str
    pruning: float | None
    target: Target
    load: Load
    accumulate: int
    key: str


def simulations_of(request: Request, workload: Workload) -> list[Simulation]:
    """The simulations a request is made of, in the order of its runs."""
    accumulate = accumulated_samples(request.machine, request.load.batch)
    return [_simulation(run, request.load, accumulate) for run in runs_of(request, workload)]


def _simulation(run: Run, load: Load, accumulate: int) -> Simulation:
    needed = _needed(run, load)
    content = {
        "run": run.name,
        "pruning": run.pruning,
        "target": asdict(run.target),
        "load": {**asdict(needed), "trace": _trace_digest(needed.trace) if needed.trace else None},
        "accumulate": accumulate,
        "code": code_digest(),
    }
    return Simulation(run.name, run.pruning, run.target, needed, accumulate, digest(canonical(content)))


def _needed(run: Run, load: Load) -> Load:
    """The load without what cannot change this run: its rate is the run's own, a dense run has no masks, and
    those of a trace are not drawn.
    """
    if load.trace is not None:
        return replace(load, seed=0)
    if run.name != DENSE:
        return replace(load, prune=None)
    return replace(load, prune=None, density=None, activations=None, seed=0, samples=1)


def _trace_digest(path: Path) -> str:
    found = path.stat()
    return _known_digest(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _known_digest(path: Path, modified_ns: int, size_bytes: int) -> str:
    """Of a file's bytes; read again when the file has changed."""
    del modified_ns, size_bytes
    return file_digest(path)


def canonical(content: object) -> str:
    """JSON in which equal contents are equal texts."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not content")


def simulate(simulation: Simulation, threads: int) -> tuple[StageRecord, ...]:
    """Run the engine; errors of the compiler (a layer that does not fit) are UserErrors."""
    load = simulation.load
    # A run that is pruned has no rate of its own in the workload: the plan says which runs there are.
    workload = workload_of(load, simulation.accumulate)
    run = Run(simulation.run, simulation.target, simulation.pruning)
    return simulate_step(plan_of(workload, [run], load.batch), threads).stages


def step_records(
    request: Request, workload: Workload, stages: list[tuple[StageRecord, ...]], seconds: float
) -> StepRecords:
    """The records of a whole request from those of its simulations, in the order of its runs.

    seconds: the time the simulations took together.
    """
    runs = runs_of(request, workload)
    other: dict[str, tuple[OtherRecord, ...]] = {
        run.name: tuple(other_record(work, run.target) for work in workload.other) for run in runs
    }
    every = tuple(record for records in stages for record in records)
    return StepRecords(tuple(run.name for run in runs), every, other, workload.samples, seconds)
