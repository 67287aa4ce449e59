"""Which points are better: by an objective, and where that is the same by the others, then by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.study.points import Mask, Values, values_of
from sparsesim.study.objectives import Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_PARTNERS = ("area_mm2", "with_dram_energy_pj", "with_dram_cycles")


def shown_objectives(done: DataFrame, objectives: Sequence[Objective]) -> list[Objective]:
    """What figures and tables show: the objectives; beside a single one also area (energy, cycles)."""
    if len(objectives) > 1:
        return list(dict.fromkeys(objectives))
    partners = [name for name in _PARTNERS if name != objectives[0].figure]
    varying = [name for name in partners if len(np.unique(_finite(values_of(done, name)))) > 1]
    return [objectives[0], Objective((varying or partners)[0], "minimize")]


def _finite(values: Values) -> Values:
    return values[np.isfinite(values)]


def best_first(done: DataFrame, objective: Objective, objectives: Sequence[Objective]) -> NDArray[np.intp]:
    """The places of all rows from best to worst at an objective; those without the figure last.

    objectives: of the study, in the order in which what is shown of them breaks ties; equal rows stand as
    they do in the frame. So the best point is never one that another point dominates.
    """
    costs = [
        _costs(values_of(done, one.figure), one) for one in (objective, *shown_objectives(done, objectives))
    ]
    return np.lexsort(costs[::-1])


def best_of(
    done: DataFrame, among: Mask, objective: Objective, objectives: Sequence[Objective]
) -> int | None:
    """The place of the best row of `among` at an objective; None where none has the figure."""
    known = among & np.isfinite(values_of(done, objective.figure))
    order = best_first(done, objective, objectives)
    return int(order[known[order]][0]) if known.any() else None


def _costs(values: Values, objective: Objective) -> Values:
    return values if objective.goal == "minimize" else -values
