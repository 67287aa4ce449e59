"""The numbers that the figures of a study show, in the figures' own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.study.effects import Summary, levels, summaries
from reports.study.panels import shown_settings
from reports.study.pareto import shown_objectives
from reports.study.points import WORKLOAD, allowed, on_front, settings_of, workloads
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

Data = Mapping[str, Sequence[Any]]


def pareto_data(
    done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> Data:
    """What the figure `pareto` shows: a row per point; None where a point has no value.

    meets_constraints, on_front: whether the point does, and whether it is on the front of all figures shown
    among the points of its workload that do.
    """
    shown = shown_objectives(done, objectives)
    permitted = allowed(done, constraints)
    limited = [constraint.figure for constraint in constraints]
    names = ["row", *WORKLOAD, *varied, *(objective.figure for objective in shown), *limited]
    data: dict[str, Sequence[Any]] = {
        name: settings_of(done, name) for name in dict.fromkeys(names) if name in done
    }
    members = np.zeros(len(done), dtype=bool)
    for mine in workloads(done).values():
        members |= on_front(done, shown, mine & permitted)
    return data | {"meets_constraints": permitted.tolist(), "on_front": members.tolist()}


def effects_data(
    done: DataFrame, varied: Sequence[str], objective: Objective, constraints: Sequence[Constraint]
) -> Data:
    """What the lines of the figure `effects` show: a row per workload, setting and level."""
    permitted = allowed(done, constraints)
    of_settings = [levels(done, name) for name in shown_settings(done, varied, objective)]
    found = [
        (workload, one)
        for workload, mine in workloads(done).items()
        for of_setting in of_settings
        for one in summaries(done, of_setting, objective, mine, permitted)
    ]
    return {
        "workload": [workload for workload, _ in found],
        "setting": [one.setting for _, one in found],
        "value": [one.label for _, one in found],
        "points": [one.points for _, one in found],
        f"median_{objective.figure}": [one.median for _, one in found],
        f"best_{objective.figure}": [_best(one) for _, one in found],
        "best_row": [one.best_row for _, one in found],
    }


def _best(one: Summary) -> float | None:
    return None if one.best_row is None else one.best
