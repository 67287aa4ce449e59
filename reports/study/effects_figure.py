"""The figure `effects` with its words and data, and where its points can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import Drawing, Points
from reports.study.data import effects_data
from reports.study.effects import are_all_combinations
from reports.study.labels import shown_figure
from reports.study.levels import levels
from reports.study.marked import targets
from reports.study.panels import draw_effects, shown_settings
from reports.study.points import drawn_workloads, values_of
from reports.study.sentences import NOT_ALL, said
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

STEM = "effects"
_MOST_SENTENCES = 12


def effects(
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    marked: Sequence[int],
) -> Drawing | None:
    """As draw_effects; marked: places in `done` of the points that can be chosen. Within house_style()."""
    figure = draw_effects(done, varied, objectives, constraints)
    if figure is None:
        return None
    objective = objectives[0]
    data = effects_data(done, varied, objectives, constraints)
    return Drawing(
        stem=STEM,
        title="Value by value",
        lead=_lead(objective, are_all_combinations(done, varied, [objective])),
        alt=_medians(data, objective),
        figure=figure,
        data=data,
        targets=list(_effects_targets(figure, done, varied, objective, marked, data["best_row"])),
    )


def _lead(objective: Objective, all_combinations: bool) -> str:
    lead = (
        f"Every dot is a point of the study: {said(objective.figure)} at its value of a setting. "
        "Medians and best points are joined where values are numbers."
    )
    if all_combinations:
        return lead
    return (
        f"{lead} At different values different designs were tried, for {NOT_ALL}: what a median does from "
        "value to value may be the work of other settings."
    )


def _effects_targets(
    figure: Figure,
    done: DataFrame,
    varied: Sequence[str],
    objective: Objective,
    marked: Sequence[int],
    best_rows: Sequence[int | None],
) -> Iterator[Points]:
    """In the order of the panels: workloads, then settings."""
    places = [levels(done, name).places for name in shown_settings(done, varied, objective)]
    figures = values_of(done, objective.figure)
    best = done["row"].isin(best_rows).to_numpy()
    panels = iter(figure.axes)
    for mine in drawn_workloads(done).values():
        for across in places:
            yield targets(next(panels), across, figures, mine, marked, best)


def _medians(data: Mapping[str, Sequence[Any]], objective: Objective) -> str:
    """The first and the last median of the first panels."""
    columns = data["workload"], data["setting"], data["value"], data[f"median_{objective.figure}"]
    found = [list(lines) for _, lines in groupby(zip(*columns, strict=True), key=lambda line: line[:2])]
    sentences = []
    for lines in found[:_MOST_SENTENCES]:
        first, last = (
            f"{shown_figure(objective.figure, line[3])} at {line[2]}" for line in (lines[0], lines[-1])
        )
        sentences.append(f"{lines[0][0]}, {lines[0][1]}: median {first}, {last}.")
    return f"{said(objective.figure)} by setting. {' '.join(sentences)}"
