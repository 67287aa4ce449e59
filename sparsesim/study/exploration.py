"""What a search found: its trials, each a design that was judged, and their Pareto front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.pareto import front
from sparsesim.study.point import Scalar

TrialStatus = Literal["done", "failed", "refused", "pending"]


@dataclass(frozen=True)
class Trial:
    """One design of a search.

    number: from 0, in the order of asking; refused ones are counted. settings: the searched ones. status:
    done (all its points are), failed (a point is, or it cannot be judged), refused (not simulated: it breaks
    a constraint or a rule of machines, or is an earlier trial's design) or pending (asked, not finished).
    values: of the objectives, in their order and units; empty unless done. violations: by constraint, as a
    fraction of the bound (of 1 where it is 0); at most 0 where fulfilled. rows: of its points in the store.
    error: why it failed or was refused.
    """

    number: int
    settings: Mapping[str, Scalar]
    status: TrialStatus
    values: tuple[float, ...] = ()
    violations: Mapping[str, float] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    error: str = ""

    @property
    def feasible(self) -> bool:
        """Done, and every constraint fulfilled."""
        return self.status == "done" and all(value <= 0 for value in self.violations.values())


@dataclass(frozen=True)
class Exploration:
    """A search as far as it went.

    name: of the Optuna study in trials.sqlite. trials: by number. exhausted: it ended early,
    since no new design that can be simulated was proposed any more.
    """

    name: str
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    trials: tuple[Trial, ...]
    exhausted: bool

    def count(self, status: TrialStatus) -> int:
        """Number of trials of a status."""
        return sum(trial.status == status for trial in self.trials)

    @property
    def front(self) -> tuple[Trial, ...]:
        """The feasible trials that no other dominates, best first in the first objective."""
        feasible = [trial for trial in self.trials if trial.feasible]
        if not feasible:
            return ()
        goals = [objective.goal for objective in self.objectives]
        mask = front(np.array([trial.values for trial in feasible]), goals)
        best = [trial for trial, on_front in zip(feasible, mask, strict=True) if on_front]
        return tuple(sorted(best, key=lambda trial: trial.values, reverse=goals[0] == "maximize"))
