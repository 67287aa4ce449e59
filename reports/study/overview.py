"""What the best design of a study gains on each of several workloads, beside what was published."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.drawing import Drawing
from reports.figures.gain_groups import GAP, Group
from reports.figures.gains import AVERAGE, Gain, gains_table, gains_text
from reports.figures.overview import draw_gains
from reports.study.effects import relative
from reports.study.points import (
    WORKLOAD,
    Mask,
    Values,
    allowed,
    drawn_workloads,
    settings_of,
    values_of,
)
from reports.study.ranking import best_of, shown_objectives
from reports.study.sentences import design, said
from reports.study.transferred import transferred_of_points
from sparsesim.results.parts import ACCOUNTINGS
from sparsesim.study.figures import RUNS
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

STEM = "overview"
_STAR = " A star: not all of the sparsity was recorded on that network and data set."


@dataclass(frozen=True)
class _Chosen:
    """A point of every workload. places: in the frame, by workload; what: which points these are."""

    places: Mapping[str, int]
    what: str
    is_one_design: bool


def study_overview(
    done: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Drawing | None:
    """Speedup and energy efficiency of one design on every workload, and their averages.

    It is the design with the best geometric mean of the first objective, the others breaking ties, among
    those that are done, and allowed, on all workloads. Where there is none, it is the best point of every
    workload, without averages, which would be those of no machine. Workloads whose sparsity is transferred
    have a star. None where there is one workload only. Within house_style().
    """
    of_workloads = drawn_workloads(done)
    if len(of_workloads) < 2:
        return None
    permitted = allowed(done, constraints) & np.isfinite(values_of(done, objectives[0].figure))
    chosen = _one_design(done, varied, objectives, permitted) or _best(done, objectives, permitted)
    transferred = transferred_of_points(done)
    groups = _groups(done, chosen, transferred)
    if not groups:
        return None
    starred = any(name in transferred for name in chosen.places)
    every = [gain for group in groups for gain in group.gains]
    return Drawing(
        stem=STEM,
        title="Speedup and energy efficiency",
        lead=f"{chosen.what}{_STAR if starred else ''} Full bars: on chip, the accounting of the "
        "publication; hollow bars: with DRAM. The published averages (Dai et al., DAC 2020, abstract) are "
        "over AlexNet and ResNets.",
        alt=f"{chosen.what} {gains_text(every)}",
        figure=draw_gains(groups, starred),
        data=gains_table(every),
    )


def _one_design(
    done: DataFrame, varied: Sequence[str], objectives: Sequence[Objective], permitted: Mask
) -> _Chosen | None:
    """The design that is best over all workloads; None where no design has them all."""
    settings = [name for name in dict.fromkeys(varied) if name not in WORKLOAD]
    designs = list(zip(*(settings_of(done, name) for name in settings), strict=True)) or [()] * len(done)
    places: dict[Any, dict[str, int]] = {}
    for name, mine in drawn_workloads(done).items():
        for place in np.flatnonzero(mine & permitted):
            places.setdefault(designs[place], {})[name] = int(place)
    complete = [found for found in places.values() if len(found) == len(drawn_workloads(done))]
    if not complete:
        return None
    costs = [_costs(done, one) for one in (objectives[0], *shown_objectives(done, objectives))]
    best = min(complete, key=lambda found: [cost[list(found.values())].mean() for cost in costs])
    values = design(done, next(iter(best.values())), settings) or "no setting is varied"
    what = f"The design with the best mean {said(objectives[0].figure)} over all workloads: {values}."
    return _Chosen(best, what, is_one_design=True)


def _costs(done: DataFrame, objective: Objective) -> Values:
    """Lower is better, of unlike workloads alike; infinite where the figure is not known."""
    logarithms = relative(done, objective)
    costs = logarithms if objective.goal == "minimize" else -logarithms
    return np.nan_to_num(costs, nan=np.inf)


def _best(done: DataFrame, objectives: Sequence[Objective], permitted: Mask) -> _Chosen:
    found = {
        name: place
        for name, mine in drawn_workloads(done).items()
        if (place := best_of(done, mine & permitted, objectives[0], objectives)) is not None
    }
    best = said(objectives[0].figure)
    what = f"Of every workload the point with the best {best}; these are different designs."
    return _Chosen(found, what, is_one_design=False)


def _groups(done: DataFrame, chosen: _Chosen, transferred: Collection[str]) -> list[Group]:
    groups: list[Group] = []
    for name, place in chosen.places.items():
        label = f"{name.replace(', ', chr(10))}\nrow {done['row'].iloc[place]}"
        if gains := list(_gains(done.iloc[[place]], label)):
            text = label.replace("\nrow ", " *\nrow ") if name in transferred else label
            groups.append(Group(text, gains, _next_row(groups)))
    if chosen.is_one_design and len(groups) > 1:
        means = _averages([gain for group in groups for gain in group.gains])
        groups.append(Group(f"{AVERAGE}\nof {len(groups)}", means, _next_row(groups), is_average=True))
    return groups


def _next_row(groups: Sequence[Group]) -> float:
    return groups[-1].start + groups[-1].rows + GAP if groups else 0.0


def _gains(point: DataFrame, label: str) -> Iterator[Gain]:
    """The runs of a point over its dense run, those that it has."""
    for accounting in ACCOUNTINGS:
        for run in RUNS[1:]:
            speedup, efficiency = (
                float(values_of(point, f"{run}.{accounting}_{name}")[0])
                for name in ("speedup", "energy_efficiency")
            )
            if math.isfinite(speedup) or math.isfinite(efficiency):
                yield _gain(label, run, accounting, 1, speedup, efficiency)


def _gain(label: str, run: str, accounting: str, results: int, speedup: float, efficiency: float) -> Gain:
    """A study keeps neither the other columns of the energy table nor intervals of ratios."""
    return Gain(
        label=label,
        run=run,
        accounting=accounting,
        results=results,
        speedup=speedup,
        speedup_half_width=math.nan,
        energy_efficiency=efficiency,
        energy_efficiency_low_column=math.nan,
        energy_efficiency_high_column=math.nan,
        energy_efficiency_half_width=math.nan,
    )


def _averages(every: Sequence[Gain]) -> list[Gain]:
    kinds: dict[tuple[str, str], list[Gain]] = {}
    for gain in every:
        kinds.setdefault((gain.accounting, gain.run), []).append(gain)
    return [
        _gain(
            AVERAGE,
            run,
            accounting,
            len(found),
            fmean(gain.speedup for gain in found),
            fmean(gain.energy_efficiency for gain in found),
        )
        for (accounting, run), found in kinds.items()
    ]
