"""Objectives and constraints of a search, and what a design's rows come to by them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sparsesim.study.judge import judge
from sparsesim.study.objectives import Constraint, Goal, Objective
from sparsesim.study.point import Row
from workloads.errors import UserError


@dataclass(frozen=True)
class Verdict:
    """values: of the objectives; None where the design could not be judged, and error says why. violations:
    by constraint, relative.
    """

    values: tuple[float, ...] | None = None
    violations: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Aims:
    """objectives: one or more. constraints: any number."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]

    @property
    def directions(self) -> list[Goal]:
        """As Optuna names them."""
        return [objective.goal for objective in self.objectives]

    @property
    def worst(self) -> tuple[float, ...]:
        """Values that no design falls behind."""
        return tuple(math.inf if aim.goal == "minimize" else -math.inf for aim in self.objectives)

    def violations(self, figures: Mapping[str, float]) -> dict[str, float]:
        """How far each constraint whose figure is given is broken, as a fraction of its bound (of 1 where the
        bound is 0), since Optuna adds the violations of a design up: mm2 and cycles have no common scale.
        """
        known = [constraint for constraint in self.constraints if constraint.figure in figures]
        return {str(limit): limit.violation(figures) / (abs(limit.bound) or 1.0) for limit in known}

    def verdict(self, rows: Sequence[Row]) -> Verdict:
        """What the rows of a design, one per workload, come to."""
        failed = [row.error for row in rows if row.status == "failed"]
        if failed:
            return Verdict(error=failed[0])
        try:
            return self._judged([row.figures for row in rows])
        except UserError as error:
            return Verdict(error=str(error))

    def _judged(self, by_workload: Sequence[Mapping[str, float]]) -> Verdict:
        limited = {limit.figure: judge(limit.figure, by_workload) for limit in self.constraints}
        values = tuple(judge(objective.figure, by_workload) for objective in self.objectives)
        return Verdict(values, self.violations(limited))
