"""Multi-objective search of a design space with Optuna.

Trials are asked in batches of fixed size and simulated by a runner; a batch is one generation of NSGA-II. The
same seed gives the same trials whatever the number of workers and wherever the search was interrupted
(sparsesim/study/search/ledger.py says how). Everything asked and found is in FOLDER/trials.sqlite, Optuna's
own storage, as soon as it is known.

A search is known by what is asked (settings, space, contents of the files named), its objectives,
constraints, sampler, seed and batch size. Asking again with a larger number of trials continues it; changing
any of these begins another search beside it in the same file, and designs that were simulated before are
found in the study's rows and not simulated again.

A design that breaks a constraint known before simulating (its area), that no machine can have, or that was
asked before is *refused*: not simulated and not counted. It is kept as a pruned trial with its violations, so
that the samplers learn from it: a failed trial they would ignore, and invented values would be worse. The
other constraints are told to Optuna with the results.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sparsesim.study.definition import Definition
from sparsesim.study.exploration import Exploration, Trial
from workloads.errors import UserError

if TYPE_CHECKING:
    from sparsesim.study.search.conduct import Runner
    from sparsesim.study.search.gate import Precheck

BATCH = 24
SMALLEST_BATCH = 2  # a crossover needs two parents
LARGEST_SEED = 2**63 - 1


def _no_progress(trial: Trial) -> None:
    """What is told of a trial where nobody listens."""


def explore(
    definition: Definition,
    folder: Path,
    runner: Runner,
    *,
    trials: int,
    sampler: str = "nsga2",
    seed: int = 0,
    batch: int = BATCH,
    precheck: Precheck | None = None,
    told: Callable[[Trial], None] = _no_progress,
    retry_failed: bool = False,
) -> Exploration:
    """Search until `trials` designs were simulated in all, those of earlier calls included.

    folder: of the study, whose lock the caller holds. sampler: nsga2, tpe or random. batch: designs asked
    together, at least 2; more workers than batch x workloads find nothing to do. precheck: figures of a
    design known without simulating (sparsesim/study/search/gate.py). told: called with each trial as it
    finishes. retry_failed: simulate the designs of failed trials again first, as trials that do not count.

    Returns early where the runner leaves points out, and where no new design is left. UserError for options
    out of range, for a study without objectives, where nothing that is proposed can be simulated, and where
    all trials of a search failed. A design is judged on all its workloads (sparsesim/study/judge.py); one of
    whose points failed is a failed trial.
    """
    _check_range("trials", trials, 1, LARGEST_SEED)
    _check_range("batch", batch, SMALLEST_BATCH, LARGEST_SEED)
    _check_range("seed", seed, 0, LARGEST_SEED)
    if not definition.objectives:
        raise UserError(
            f"{definition.source}: nothing to search for; name the figures to minimise or maximise, for "
            'example "minimize: [cycles, energy]".'
        )
    from sparsesim.study.search.conduct import conduct  # noqa: PLC0415 - Optuna takes long to import

    return conduct(
        definition,
        folder,
        runner,
        trials=trials,
        sampler=sampler,
        seed=seed,
        batch=batch,
        precheck=precheck,
        told=told,
        retry_failed=retry_failed,
    )


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(f"{name} must be between {low} and {high} (got {value}).")
