"""The points of a study that can be chosen: in every figure and table the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.drawing import Points
from reports.study.levels import levels
from reports.study.points import WORKLOAD, Mask, Values, allowed, on_front, workloads
from reports.study.ranking import best_of
from reports.study.selection import thinned
from reports.study.summaries import summaries
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

MOST_MARKED = 300  # a mark takes 100 bytes of the page for every panel it is in


def marked_points(
    done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> list[int]:
    """Places in `done`, ascending: all of a small study; of a larger one the Pareto fronts, thinned evenly
    where they are long, and the best point of every objective and of every value of a setting.
    """
    if len(done) <= MOST_MARKED:
        return list(range(len(done)))
    permitted = allowed(done, constraints)
    of_workloads = list(workloads(done).values())
    each = MOST_MARKED // len(of_workloads)
    found: set[int] = set()
    for mine in of_workloads:
        among = mine & permitted
        kept = list(_best(done, among, objectives))
        members = np.flatnonzero(on_front(done, objectives, among)).tolist()
        room = max(0, each - len(kept))
        found |= {*kept, *(members[place] for place in thinned(len(members), [], room))}
    return sorted(_with_best_levels(found, done, varied, objectives, permitted))


def _best(done: DataFrame, among: Mask, objectives: Sequence[Objective]) -> Iterator[int]:
    for objective in objectives:
        place = best_of(done, among, objective, objectives)
        if place is not None:
            yield place


def _with_best_levels(
    found: set[int],
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    permitted: Mask,
) -> set[int]:
    """Also the best point of every value, as far as there is room."""
    place_of = {row: place for place, row in enumerate(done["row"].tolist())}
    of_settings = [levels(done, name) for name in dict.fromkeys(varied) if name not in WORKLOAD]
    for mine in workloads(done).values():
        for of_setting in of_settings:
            for one in summaries(done, of_setting, objectives, mine, permitted):
                if one.best_row is not None and len(found) < MOST_MARKED:
                    found.add(place_of[one.best_row])
    return found


def targets(axes: Axes, across: Values, up: Values, mine: Mask, marked: Sequence[int], first: Mask) -> Points:
    """Where the marked points of the rows `mine` are in a panel.

    across, up: of every row; nan is nowhere. first: points that are reached where others are close.
    """
    drawn = mine & np.isfinite(across) & np.isfinite(up)
    shown = [(number, place) for number, place in enumerate(marked) if drawn[place]]
    shown.sort(key=lambda mark: first[mark[1]])  # what comes last lies on top
    places = [place for _, place in shown]
    return Points(axes, [number for number, _ in shown], across[places].tolist(), up[places].tolist())
