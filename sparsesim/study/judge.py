"""One design over several workloads: its figures put together, as FIGURES says each is.

Cycles, times, energies and bytes are added: training all the workloads, one step of each. Ratios are combined
by the geometric mean, the only mean by which the ratio of two designs does not depend on the reference
(Fleming and Wallace, CACM 29(3), 1986). What belongs to the machine alone, its area, is the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sparsesim.study.figures import FIGURES
from workloads.errors import UserError


def judge(name: str, by_workload: Sequence[Mapping[str, float]]) -> float:
    """The figure `name` (canonical) of a design, from its figures on each workload, in the figure's unit.

    UserError where a workload has no such figure, where a ratio is not above 0, and where what should be the
    same for all workloads is not.
    """
    values = [_figure(name, figures) for figures in by_workload]
    if len(values) == 1:
        return values[0]
    combination = FIGURES[name].combination
    if combination == "sum":
        return math.fsum(values)
    if combination == "geometric_mean":
        return _geometric_mean(name, values)
    return _same(name, values)


def _figure(name: str, figures: Mapping[str, float]) -> float:
    value = figures.get(name, math.nan)
    if math.isnan(value):
        raise UserError(
            f"the figure {name!r} does not exist for every point of the study; "
            "name another objective or constraint."
        )
    return value


def _geometric_mean(name: str, values: Sequence[float]) -> float:
    if min(values) <= 0:
        raise UserError(
            f"the figure {name!r} cannot be put together over workloads: a geometric mean needs values "
            f"above 0, and one is {min(values):g}; explore one workload, or name another figure."
        )
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _same(name: str, values: Sequence[float]) -> float:
    if not math.isclose(min(values), max(values), rel_tol=1e-12):
        raise UserError(
            f"the figure {name!r} cannot be put together over workloads: it belongs to the machine, but is "
            f"{min(values):g} for one and {max(values):g} for another; explore one workload, or name "
            "another figure."
        )
    return values[0]
