"""The trials of a search as a table like that of load_study: a row per design, judged on all workloads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparsesim.study.exploration import Trial
from sparsesim.study.figures import FIGURES
from sparsesim.study.judge import judge
from sparsesim.study.point import Scalar
from sparsesim.study.store import Study
from workloads.errors import UserError

if TYPE_CHECKING:
    import pandas


def frame_of_trials(study: Study, trials: Sequence[Trial]) -> pandas.DataFrame:
    """Columns row (of its first workload in the study), trial, status, network and data set where designs are
    judged on one workload, the searched settings, figures, error.

    Designs that were refused or are not finished are left out. Figures that a design's workloads do not make
    one number of are NaN.
    """
    import pandas  # noqa: PLC0415

    shown = [trial for trial in trials if trial.status in ("done", "failed")]
    settings = list(dict.fromkeys(name for trial in shown for name in trial.settings))
    figures = [_figures(study, trial) for trial in shown]
    table: dict[str, Sequence[Any]] = {
        "row": [trial.rows[0] if trial.rows else 0 for trial in shown],
        "trial": [trial.number for trial in shown],
        "status": [trial.status for trial in shown],
    }
    table |= {name: [value] * len(shown) for name, value in _workload(study, shown).items()}
    for name in settings:
        table[name] = [trial.settings.get(name) for trial in shown]
    for name in FIGURES:
        if any(name in one for one in figures):
            table[name] = [one.get(name, math.nan) for one in figures]
    table["error"] = [trial.error for trial in shown]
    return pandas.DataFrame(table)


def _workload(study: Study, shown: Sequence[Trial]) -> dict[str, Scalar]:
    """Network and data set, where designs are judged on one workload only."""
    first = next((trial for trial in shown if trial.rows), None)
    if first is None or len(first.rows) > 1:
        return {}
    settings = study.row(first.rows[0]).settings
    return {name: settings[name] for name in ("network", "dataset", "trace") if name in settings}


def _figures(study: Study, trial: Trial) -> Mapping[str, float]:
    if trial.status != "done":
        return {}
    by_workload = [study.row(row).figures for row in trial.rows]
    if len(by_workload) == 1:
        return by_workload[0]
    common = [name for name in FIGURES if all(name in figures for figures in by_workload)]
    return {name: _judged(name, by_workload) for name in common}


def _judged(name: str, by_workload: Sequence[Mapping[str, float]]) -> float:
    try:
        return judge(name, by_workload)
    except UserError:
        return math.nan
