"""The loop of a search: ask for a batch, have it simulated, keep what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from optuna.logging import CRITICAL, set_verbosity

from sparsesim.study.definition import Definition
from sparsesim.study.exploration import Exploration, Trial
from sparsesim.study.point import Point, Row
from sparsesim.study.search.aims import Aims
from sparsesim.study.search.gate import Gate, Precheck
from sparsesim.study.search.ledger import Ledger
from sparsesim.study.search.samplers import SamplerMaker
from sparsesim.study.search.space import search_space
from sparsesim.study.search.storage import trial_storage
from workloads.errors import UserError

Told = Callable[[Trial], None]


class Runner(Protocol):
    """Who simulates."""

    def run(self, points: Iterable[Point], finished: Callable[[Point, Row], None]) -> None:
        """Simulate the points, in any order, and call finished(point, row) in the calling thread as each
        lands. A point that is not simulated in the end (an interruption) is left out.
        """


def conduct(
    definition: Definition,
    folder: Path,
    runner: Runner,
    *,
    trials: int,
    sampler: str,
    seed: int,
    batch: int,
    precheck: Precheck | None,
    told: Told,
    retry_failed: bool,
) -> Exploration:
    """As sparsesim.study.explore.explore, which has checked the numbers."""
    set_verbosity(CRITICAL)  # what Optuna would print of trials is told here
    space = search_space(definition)
    maker = SamplerMaker(sampler, seed, batch, space.distributions())
    aims = Aims(definition.objectives, definition.constraints)
    name = _name(definition, sampler, seed, batch)
    with trial_storage(folder) as storage:
        ledger = Ledger(storage, name, space, aims, Gate(space, aims, precheck), maker, batch)
        if retry_failed:
            ledger.retry_failed()
        _loop(ledger, runner, trials, len(space.workloads), told)
        return Exploration(name, aims.objectives, aims.constraints, tuple(ledger.trials()), ledger.exhausted)


def _name(definition: Definition, sampler: str, seed: int, batch: int) -> str:
    """Of the Optuna study: by everything that decides which trials are asked and what they are told."""
    content = {
        "asked": definition.digest(),
        "objectives": [str(objective) for objective in definition.objectives],
        "constraints": sorted(repr(constraint) for constraint in definition.constraints),
        "batch": batch,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{sampler}-seed{seed}-{digest[:12]}"


def _loop(ledger: Ledger, runner: Runner, trials: int, workloads: int, told: Told) -> None:
    ledger.propose(trials)
    while ledger.pending:
        failed = _simulate(ledger, runner, workloads, told)
        if ledger.pending:
            return  # the runner was interrupted
        _check_any_succeeded(ledger, failed)
        ledger.propose(trials)


def _simulate(ledger: Ledger, runner: Runner, workloads: int, told: Told) -> str:
    """Have the pending trials simulated; the reason of the last that failed, or ""."""
    landed: dict[int, dict[int, Row]] = {}
    failed = ""

    def finished(point: Point, row: Row) -> None:
        nonlocal failed
        number, place = divmod(point.index, workloads)
        rows = landed.setdefault(number, {})
        rows[place] = row
        if len(rows) == workloads:
            trial = ledger.finish(number, [rows[place] for place in range(workloads)])
            failed = trial.error or failed
            told(trial)

    runner.run(ledger.points(), finished)
    return failed


def _check_any_succeeded(ledger: Ledger, failed: str) -> None:
    """UserError where a batch ended and not one trial of the search has ever succeeded."""
    if failed and not ledger.succeeded:
        raise UserError(f"every trial of the search failed, the last one so: {failed}")
