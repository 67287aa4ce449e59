"""The figure `pareto` with its words and data, and where its points can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from reports.figures.drawing import Drawing, Points
from reports.study.data import pareto_data
from reports.study.labels import shown_figure
from reports.study.marked import targets
from reports.study.pareto import draw_pareto
from reports.study.points import Mask, allowed, drawn_workloads, on_front, values_of
from reports.study.ranking import best_of, shown_objectives
from reports.study.sentences import points_text, said
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

STEM = "pareto"


def pareto(
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    marked: Sequence[int],
) -> Drawing:
    """As draw_pareto; marked: places in `done` of the points that can be chosen. Within house_style()."""
    figure = draw_pareto(done, varied, objectives, constraints)
    shown = shown_objectives(done, objectives)
    numbers = " Numbers are rows of the study." if _has_numbers(figure) else ""
    return Drawing(
        stem=STEM,
        title="Pareto front" if len(drawn_workloads(done)) == 1 else "Pareto fronts",
        lead="Every dot is a point of the study. No other point beats those on the line, the Pareto front, "
        f"in both figures of the panel.{numbers}",
        alt=" ".join(_fronts(done, shown, constraints)),
        figure=figure,
        data=pareto_data(done, varied, objectives, constraints),
        targets=list(_pareto_targets(figure, done, shown, marked, allowed(done, constraints))),
    )


def _has_numbers(figure: Figure) -> bool:
    """Whether rows are named at the points."""
    return any(axes.texts for axes in figure.axes)


def _pareto_targets(
    figure: Figure, done: DataFrame, shown: Sequence[Objective], marked: Sequence[int], permitted: Mask
) -> Iterator[Points]:
    """In the order of the panels: workloads, then pairs of objectives."""
    values = {objective: values_of(done, objective.figure) for objective in shown}
    panels = iter(figure.axes)
    for mine in drawn_workloads(done).values():
        members = on_front(done, shown, mine & permitted)
        for x, y in combinations(shown, 2):
            yield targets(next(panels), values[x], values[y], mine, marked, members)


def _fronts(done: DataFrame, shown: Sequence[Objective], constraints: Sequence[Constraint]) -> Iterator[str]:
    permitted = allowed(done, constraints)
    for name, mine in drawn_workloads(done).items():
        members = on_front(done, shown, mine & permitted)
        if not members.any():
            yield f"{name}: {points_text(int(mine.sum()))}, none on a Pareto front."
            continue
        best = ", ".join(_best(done, members, objective, shown) for objective in shown)
        yield (
            f"{name}: {points_text(int(mine.sum()))}, {members.sum():,} on the Pareto front; the best there: "
            f"{best}."
        )


def _best(done: DataFrame, members: Mask, objective: Objective, shown: Sequence[Objective]) -> str:
    point = done.iloc[[best_of(done, members, objective, shown)]]
    value = float(values_of(point, objective.figure)[0])
    return f"{said(objective.figure)} {shown_figure(objective.figure, value)} (row {point['row'].iloc[0]})"
