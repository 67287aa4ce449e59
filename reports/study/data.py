"""The numbers that the figures of a study show, in the figures' own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.study.levels import levels
from reports.study.panels import shown_settings
from reports.study.points import WORKLOAD, allowed, on_front, settings_of, workloads
from reports.study.ranking import shown_objectives
from reports.study.summaries import Summary, summaries
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
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Data:
    """What the lines of the figure `effects` show of the first objective: a row per workload, setting and
    level.
    """
    figure = objectives[0].figure
    permitted = allowed(done, constraints)
    of_settings = [levels(done, name) for name in shown_settings(done, varied, objectives[0])]
    found = [
        (workload, one)
        for workload, mine in workloads(done).items()
        for of_setting in of_settings
        for one in summaries(done, of_setting, objectives, mine, permitted)
    ]
    return {
        "workload": [workload for workload, _ in found],
        "setting": [one.setting for _, one in found],
        "value": [one.label for _, one in found],
        "points": [one.points for _, one in found],
        f"median_{figure}": [one.median for _, one in found],
        f"best_{figure}": [_best(one) for _, one in found],
        "best_row": [one.best_row for _, one in found],
    }


def _best(one: Summary) -> float | None:
    return None if one.best_row is None else one.best
