"""The figures of a study, written to files beside the data they show."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.study.effects import levels, summaries
from reports.study.panels import draw_effects, shown_settings
from reports.study.pareto import draw_pareto, shown_objectives
from reports.study.points import WORKLOAD, allowed, done_points, on_front, values_of, workloads
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

PARETO, EFFECTS = "pareto", "effects"  # stems of the files
# Dates and versions would make equal figures differ.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}


def save_study_figures(
    frame: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    folder: Path,
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Write the figures `pareto` and `effects` of a study, and beside each a CSV file of what it shows.

    frame, varied, objectives, constraints: as reports.terminal.study_table.print_study takes them. formats:
    endings that matplotlib knows. Equal studies give equal files. Returns what was written: nothing where no
    point is done that has the first objective, no `effects` where no setting has two values.
    """
    from matplotlib import style  # noqa: PLC0415

    done = done_points(frame)
    if not objectives or not np.isfinite(values_of(done, objectives[0].figure)).any():
        return []
    written = []
    with style.context(_style()), warnings.catch_warnings():
        # A name that the font has no letters for gets boxes there.
        warnings.filterwarnings("ignore", message=".*Glyph .* missing from font", category=UserWarning)
        pareto = draw_pareto(done, varied, objectives, constraints)
        written += _save(pareto, folder, PARETO, formats)
        written.append(_write(pareto_data(done, varied, objectives, constraints), folder, PARETO))
        effects = draw_effects(done, varied, objectives[0], constraints)
        if effects is not None:
            written += _save(effects, folder, EFFECTS, formats)
            written.append(_write(effects_data(done, varied, objectives[0], constraints), folder, EFFECTS))
    return written


def _style() -> Path:
    return Path(str(resources.files("reports") / "figures" / "style.mplstyle"))


def _save(figure: Figure, folder: Path, stem: str, formats: Iterable[str]) -> list[Path]:
    from matplotlib import rcParams  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415

    FigureCanvasAgg(figure)
    # Laid out once for all formats, which takes longer than drawing.
    figure.set_dpi(rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    paths = [folder / f"{stem}.{kind}" for kind in formats]
    for path, kind in zip(paths, formats, strict=True):
        figure.savefig(path, format=kind, metadata=_METADATA.get(kind))
    return paths


def _write(data: DataFrame, folder: Path, stem: str) -> Path:
    path = folder / f"{stem}.csv"
    data.to_csv(path, index=False, lineterminator="\n")
    return path


def pareto_data(
    done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> DataFrame:
    """What the figure `pareto` shows: a row per point, in the figures' own units.

    meets_constraints, on_front: whether the point does, and whether it is on the front of all figures shown
    among the points of its workload that do.
    """
    shown = shown_objectives(done, objectives)
    permitted = allowed(done, constraints)
    limited = [constraint.figure for constraint in constraints]
    names = ["row", *WORKLOAD, *varied, *(objective.figure for objective in shown), *limited]
    data = done[[name for name in dict.fromkeys(names) if name in done]].copy()
    data["meets_constraints"] = permitted
    data["on_front"] = False
    for mine in workloads(done).values():
        data.loc[on_front(done, shown, mine & permitted), "on_front"] = True
    return data


def effects_data(
    done: DataFrame, varied: Sequence[str], objective: Objective, constraints: Sequence[Constraint]
) -> DataFrame:
    """What the lines of the figure `effects` show: a row per workload, setting and level."""
    import pandas as pd  # noqa: PLC0415

    permitted = allowed(done, constraints)
    of_settings = [levels(done, name) for name in shown_settings(done, varied, objective)]
    found = [
        {
            "workload": workload,
            "setting": one.setting,
            "value": one.label,
            "points": one.points,
            f"median_{objective.figure}": one.median,
            f"best_{objective.figure}": one.best,
            "best_row": one.best_row,
        }
        for workload, mine in workloads(done).items()
        for of_setting in of_settings
        for one in summaries(done, of_setting, objective, mine, permitted)
    ]
    data = pd.DataFrame(found)
    return data.astype({"best_row": "Int64"}) if found else data
