"""One objective at each value of a setting: how many points there are, their median, and the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.study.levels import Levels
from reports.study.points import Mask, values_of
from reports.study.ranking import best_first
from sparsesim.study.objectives import Objective

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Summary:
    """A level of a setting in one workload: how many points, their median, and the best one that is allowed.

    label, centre: as in Levels. best: nan, and best_row: None, where no point is allowed.
    """

    setting: str
    label: str
    centre: float
    points: int
    median: float
    best: float
    best_row: int | None


def summaries(
    frame: DataFrame, of_setting: Levels, objectives: Sequence[Objective], mine: Mask, permitted: Mask
) -> list[Summary]:
    """A summary of the first objective at every level that has points.

    mine: rows of the workload; permitted: rows allowed. The other objectives break ties of the best.
    """
    figures = values_of(frame, objectives[0].figure)
    known = mine & np.isfinite(figures)
    order = best_first(frame, objectives[0], objectives)
    found = []
    for level, (label, centre) in enumerate(zip(of_setting.labels, of_setting.centres, strict=True)):
        inside = known & (of_setting.of_point == level)
        if inside.any():
            best = next(iter(order[(inside & permitted)[order]]), None)
            value = np.nan if best is None else float(figures[best])
            row = None if best is None else int(frame["row"].iloc[best])
            median = float(np.median(figures[inside]))
            found.append(
                Summary(of_setting.setting, label, float(centre), int(inside.sum()), median, value, row)
            )
    return found
