"""What a worker does for a study: run one simulation, or make the figures of a point from its simulations.

Errors come back as values: what is wrong with a point must not look to the cluster like a broken worker.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from sparsesim.energy import EnergyModel
from sparsesim.request import Request
from sparsesim.simulation import request_workload, result_of
from sparsesim.study.code import code_digest
from sparsesim.study.figures import figures_of
from sparsesim.study.records import decode, encode
from sparsesim.study.simulations import Simulation, simulate, step_records

OTHER_CODE = "OtherCode"


@dataclass(frozen=True)
class Part:
    """Records of one simulation as Parquet. seconds: processor time it took; is_new: not from the store."""

    key: str
    table: bytes
    seconds: float
    is_new: bool


@dataclass(frozen=True)
class Failure:
    """Why something could not be computed. kind: class of the error; sentence: for people."""

    kind: str
    sentence: str
    traceback: str


@dataclass(frozen=True)
class Evaluated:
    """Figures of a point. parts: its simulations that are new. seconds: processor time of this evaluation."""

    figures: dict[str, float]
    parts: tuple[Part, ...]
    seconds: float


@dataclass(frozen=True)
class Rejected:
    """A point that has no figures. parts: its simulations that came to an end all the same."""

    failure: Failure
    parts: tuple[Part, ...]


def failure_of(error: BaseException) -> Failure:
    """An error as a value; one without words is named by its class."""
    kind = type(error).__name__
    if isinstance(error, MemoryError):
        sentence = "out of memory; give the workers more (--memory) or simulate fewer samples"
    else:
        sentence = str(error) or kind
    return Failure(kind, sentence, "".join(traceback.format_exception(error)))


def _other_code(code: str) -> Failure:
    return Failure(OTHER_CODE, f"the worker has {code_digest()}, not {code}", "")


def run_simulation(simulation: Simulation, code: str) -> Part | Failure:
    """Simulate on one core. code: digest of the simulator that asks; another one here is a failure."""
    if code_digest() != code:
        return _other_code(code)
    started = time.process_time()
    try:
        records = simulate(simulation, threads=1)
        return Part(simulation.key, encode(records), time.process_time() - started, is_new=True)
    except Exception as error:
        return failure_of(error)


def evaluate(request: Request, parts: Sequence[Part | Failure], code: str) -> Evaluated | Rejected:
    """The figures of a request from the parts of its simulations, in the order of its runs; code as there."""
    started = time.process_time()
    done = [part for part in parts if isinstance(part, Part)]
    new = tuple(part for part in done if part.is_new)
    if code_digest() != code:
        return Rejected(_other_code(code), new)
    failed = next((part for part in parts if isinstance(part, Failure)), None)
    if failed is not None:
        return Rejected(failed, new)
    try:
        figures = _figures(request, done)
    except Exception as error:
        return Rejected(failure_of(error), new)
    return Evaluated(figures, new, time.process_time() - started)


def _figures(request: Request, parts: Sequence[Part]) -> dict[str, float]:
    workload = request_workload(request)
    seconds = sum(part.seconds for part in parts)
    records = step_records(request, workload, [decode(part.table) for part in parts], seconds)
    area = EnergyModel(request.machine, request.table).area_um2
    return figures_of(result_of(request, workload, records, seconds), area)
