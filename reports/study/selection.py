"""Which points of a study are worth a line of their own: the best ones, and those on a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.study.labels import words
from reports.study.points import Mask, knee, on_front, values_of
from reports.study.ranking import best_first, best_of
from reports.study.sentences import goals, points_text, said
from sparsesim.study.objectives import Objective

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Selection:
    """Points to be listed: their places in the frame, the best first, a remark on each, and what they are."""

    places: NDArray[np.intp]
    remarks: Sequence[str]
    what: str


def best_points(
    done: DataFrame, among: Mask, objectives: Sequence[Objective], most_best: int, most_front: int
) -> Selection:
    """The best points of the rows `among`; the Pareto front where there are several objectives.

    most_best, most_front: points at most, of one objective and of a front. A longer front is thinned evenly;
    what is best at an objective, and the knee, are never left out.
    """
    first = objectives[0]
    order = best_first(done, first, objectives)
    if len(objectives) == 1:
        places = order[(among & np.isfinite(values_of(done, first.figure)))[order]][:most_best]
        direction = "lowest" if first.goal == "minimize" else "highest"
        what = f"best {points_text(len(places))}, {direction} {said(first.figure)} first"
        return Selection(places, [""] * len(places), what)
    members = order[on_front(done, objectives, among)[order]]
    remarks = _remarks(done, members, objectives)
    kept = thinned(len(members), [place for place, remark in enumerate(remarks) if remark], most_front)
    what = f"Pareto front, {points_text(len(members))}"
    if len(kept) < len(members):
        what += f" ({len(kept)} of them shown)"
    return Selection(members[kept], [remarks[place] for place in kept], f"{what}; {goals(objectives)}")


def _remarks(done: DataFrame, members: NDArray[np.intp], objectives: Sequence[Objective]) -> list[str]:
    """Which objective a point of a front is best at, and the knee."""
    found: list[list[str]] = [[] for _ in members]
    if not found:
        return []
    among = np.zeros(len(done), dtype=bool)
    among[members] = True
    for objective in objectives:
        best = best_of(done, among, objective, objectives)
        found[members.tolist().index(best)].append(f"best {words(objective.figure)[0]}")
    if len(objectives) == 2:
        columns = [values_of(done, objective.figure)[members] for objective in objectives]
        place = knee(np.column_stack(columns), objectives)
        if place is not None:
            found[place].append("knee")
    return [", ".join(remarks) for remarks in found]


def thinned(count: int, kept: Sequence[int], most: int) -> list[int]:
    """At most `most` places of `count`, evenly spread, all of `kept` among them."""
    spread = np.linspace(0, count - 1, max(0, min(count, most - len(kept)))).round().astype(int).tolist()
    return sorted({*kept, *spread})
