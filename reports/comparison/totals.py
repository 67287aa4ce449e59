"""Whole runs side by side, with their ratios to those of the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.comparison.sides import Side, common_runs
from sparsesim.results.model import DENSE
from sparsesim.results.parts import ACCOUNTINGS, Accounts, ratio


@dataclass(frozen=True)
class Total:
    """One run of one side in one accounting, centre energies.

    *_to_reference: over those of the same run of A. speedup, energy_efficiency: over the side's own dense
    run, nan for that; pe_utilization: nan with DRAM, where it has no meaning. *half_width*: half of the 95 %
    confidence interval of the mean over the samples, nan where there is a single one.
    """

    run: str
    accounting: str
    side: Side
    cycles: float
    cycles_to_reference: float
    energy_pj: float
    energy_to_reference: float
    speedup: float
    energy_efficiency: float
    pe_utilization: float
    cycles_half_width: float
    energy_half_width_pj: float
    speedup_half_width: float
    energy_efficiency_half_width: float


def totals(sides: Sequence[Side]) -> list[Total]:
    """By accounting, run and side: every run that all have; where the compared ones differ, those too."""
    return [
        _total(sides[0], side, before, after, accounting)
        for accounting in ACCOUNTINGS
        for before, runs in _rows(sides)
        for side, after in zip(sides, runs, strict=True)
    ]


def _rows(sides: Sequence[Side]) -> Iterator[tuple[str, Sequence[str]]]:
    for run in common_runs([side.result for side in sides]):
        yield run, [run] * len(sides)
    chosen = [side.run for side in sides]
    if len(set(chosen)) > 1:
        yield chosen[0], chosen


def _total(reference: Side, side: Side, before: str, after: str, accounting: str) -> Total:
    one, other = reference.result.runs[before], side.result.runs[after]
    cycles, energy = getattr(other.cycles, accounting), getattr(other.energy_pj, accounting).centre
    gains = after != DENSE
    return Total(
        run=after,
        accounting=accounting,
        side=side,
        cycles=cycles,
        cycles_to_reference=ratio(cycles, getattr(one.cycles, accounting)),
        energy_pj=energy,
        energy_to_reference=ratio(energy, getattr(one.energy_pj, accounting).centre),
        speedup=getattr(side.result.speedup[after], accounting) if gains else math.nan,
        energy_efficiency=getattr(side.result.energy_efficiency[after], accounting) if gains else math.nan,
        pe_utilization=other.pe_utilization if accounting == "on_chip" else math.nan,
        cycles_half_width=_half(other.cycles_half_width, accounting),
        energy_half_width_pj=_half(other.energy_half_width_pj, accounting),
        speedup_half_width=_half(side.result.speedup_half_width.get(after), accounting),
        energy_efficiency_half_width=_half(side.result.energy_efficiency_half_width.get(after), accounting),
    )


def _half(widths: Accounts | None, accounting: str) -> float:
    return math.nan if widths is None else float(getattr(widths, accounting))
