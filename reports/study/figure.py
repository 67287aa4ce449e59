"""The figures of a study, with the data they show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.drawing import Drawing
from reports.figures.files import save
from reports.figures.style import house_style
from reports.study.effects_figure import effects
from reports.study.marked import marked_points
from reports.study.overview import study_overview
from reports.study.pareto_figure import pareto
from reports.study.points import done_points, values_of
from reports.study.sensitivity import sensitivity
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame


def save_study_figures(
    frame: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    folder: Path,
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write the figures of a study, and beside each a CSV file of what it shows; what was written.

    frame, varied, objectives, constraints: as study_drawings. formats: of reports.figures.files.FORMATS.
    Equal studies give equal files.
    """
    with house_style():
        drawings = study_drawings(frame, varied, objectives, constraints)
        return [path for drawing in drawings for path in save(drawing, folder, formats)]


def study_drawings(
    frame: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> list[Drawing]:
    """All figures that a study has something to show in.

    frame, varied, objectives, constraints: as reports.terminal.study_table.print_study takes them. None at
    all where no point is done that has the first objective. The layers of their targets are numbers of
    reports.study.marked.marked_points. Within house_style().
    """
    done = done_points(frame)
    if not objectives or not np.isfinite(values_of(done, objectives[0].figure)).any():
        return []
    marked = marked_points(done, varied, objectives, constraints)
    every = (
        study_overview(done, varied, objectives, constraints),
        pareto(done, varied, objectives, constraints, marked),
        sensitivity(done, varied, objectives),
        effects(done, varied, objectives, constraints, marked),
    )
    return [drawing for drawing in every if drawing is not None]
