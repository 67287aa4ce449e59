"""Averages of a reproduction: what is held against the published averages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from sparsesim.reproduction.asked import Workload
from sparsesim.reproduction.model import Cycles, Figures, Reproduction
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ratio

NEAR = 0.15
"""An average is near the published one within this share of it."""


@dataclass(frozen=True)
class Average:
    """Means over workloads of one run, in one accounting. *_half_width: 95 %; nan for a single sample."""

    speedup: float
    efficiency: float
    speedup_half_width: float = math.nan
    efficiency_half_width: float = math.nan


def is_near(value: float, published: float) -> bool:
    """Within 15 % of what was published."""
    return abs(value / published - 1) <= NEAR


def of_result(result: Result, run: str, accounting: str) -> Average:
    """One result, with its intervals."""
    widths = result.speedup_half_width.get(run), result.energy_efficiency_half_width.get(run)
    return replace(
        of_results([result], run, accounting),
        speedup_half_width=getattr(widths[0], accounting, math.nan),
        efficiency_half_width=getattr(widths[1], accounting, math.nan),
    )


def of_results(results: Sequence[Result], run: str, accounting: str) -> Average:
    """The mean over results, each with the same weight, without intervals."""
    return Average(
        fmean(getattr(result.speedup[run], accounting) for result in results),
        fmean(getattr(result.energy_efficiency[run], accounting) for result in results),
    )


def of_average(reproduction: Reproduction, rate: float, run: str, accounting: str) -> Average:
    """The average that is held against the published one, at a pruning rate."""
    found = of_results(reproduction.at(rate, averaged=True), run, accounting)
    widths = reproduction.average_widths.get(rate, {}).get(run)
    if widths is None:
        return found
    return replace(
        found,
        speedup_half_width=getattr(widths.speedup, accounting),
        efficiency_half_width=getattr(widths.efficiency, accounting),
    )


def of_figures(
    figures: Mapping[Workload, Figures], counts: Mapping[Workload, int], run: str, accounting: str
) -> Average:
    """The mean over workloads that were examined, each as often as it stands for one of the average."""
    return Average(
        weighted(_each(figures, f"{run}.{accounting}_speedup"), counts),
        weighted(_each(figures, f"{run}.{accounting}_energy_efficiency"), counts),
    )


def _each(figures: Mapping[Workload, Figures], name: str) -> dict[Workload, float]:
    return {workload: found[name] for workload, found in figures.items()}


def weighted(values: Mapping[Workload, float], counts: Mapping[Workload, int]) -> float:
    """The mean; nan unless every workload counted has a value."""
    if set(values) != set(counts):
        return math.nan
    return sum(values[workload] * n for workload, n in counts.items()) / sum(counts.values())


def geometric(ratios: Mapping[Workload, float], counts: Mapping[Workload, int]) -> float:
    """The geometric mean of ratios > 0; nan unless every workload counted has one."""
    return math.exp(weighted({key: math.log(value) for key, value in ratios.items()}, counts))


def rung_speedups(cycles: Mapping[Workload, Cycles], run: str) -> dict[Workload, float]:
    """Dense cycles over those of a run on a rung of the ladder: both machines have the same limits."""
    return {workload: ratio(found[DENSE], found[run]) for workload, found in cycles.items()}


def step_gain(reproduction: Reproduction, place: int, figure: str, run: str = "pruned") -> float:
    """The published arrangement over the machine after a step, geometric mean over workloads: > 1 is better.

    figure: as on_chip_cycles, with_dram_cycles, on_chip_energy_pj, of a run.
    """
    name = f"{run}.{figure}"
    first, after = reproduction.steps[0].figures, reproduction.steps[place].figures
    ratios = {key: first[key][name] / after[key][name] for key in after if key in first}
    return geometric(ratios, reproduction.counts)
