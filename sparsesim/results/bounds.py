"""What no result may violate: physics, and books that balance.

A violation is a bug in the simulator, never the user's doing. The speedup is bounded by work: a run needs at
least useful MACs / (PEs x macs_per_pe) cycles, so dense cycles over that is the most it can gain; likewise
the energy of its products alone bounds the energy efficiency.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sparsesim.results.model import DENSE, LayerResult, Result, RunResult
from sparsesim.results.parts import ACCOUNTINGS, CAUSES, ON_CHIP_CAUSES, STAGES, TOLERANCE, ratio


class BoundViolation(Exception):
    """A result that cannot be true."""


def check_bounds(result: Result) -> None:
    """Check every layer, run and ratio of a result; raises BoundViolation naming what is wrong."""
    found = list(violations(result))
    if found:
        shown = "\n".join(f"  {sentence}" for sentence in found[:10])
        more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
        raise BoundViolation(
            f"this is a bug in sparsesim: the result of {result.network} on {result.dataset} breaks bounds "
            f"that hold for every machine\n{shown}{more}"
        )


def violations(result: Result) -> Iterator[str]:
    """What is wrong, a sentence each."""
    groups = result.machine.array.groups
    for layer in result.layers:
        where = f"{layer.run} {layer.name} {layer.stage}"
        for sentence in (*_layer(layer), *_books(layer, groups), *_groups(layer, groups)):
            yield f"{where}: {sentence}"
    for run in result.runs.values():
        for sentence in (*_run(run, result), *_books(run, groups)):
            yield f"{run.name}: {sentence}"
    yield from _ratios(result)


def _exceeds(value: float, bound: float) -> bool:
    return value > bound * (1 + TOLERANCE) + TOLERANCE


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-6)


def _layer(layer: LayerResult) -> Iterator[str]:
    for accounting in ACCOUNTINGS:
        bound, cycles = getattr(layer.lower_bound_cycles, accounting), getattr(layer.cycles, accounting)
        if _exceeds(bound, cycles):
            yield f"{cycles:,.1f} cycles ({accounting}) are below the lower bound of {bound:,.1f}"
    if _exceeds(layer.pe_utilization, 1):
        yield f"PE utilisation {layer.pe_utilization:.4f} is above 1"
    if layer.computed_macs != layer.useful_macs:
        yield f"{layer.computed_macs:,.1f} products computed, but the masks have {layer.useful_macs:,.1f}"
    if _exceeds(layer.useful_macs, layer.dense_macs):
        yield f"{layer.useful_macs:,.1f} useful MACs are more than the {layer.dense_macs:,.1f} dense ones"
    if any(not 0 <= density <= 1 for density in layer.density.values()):
        yield f"densities {dict(layer.density)} are not all within 0 and 1"


def _books(measures: LayerResult | RunResult, groups: int) -> Iterator[str]:
    accounted = sum(measures.group_cycles.values())
    if not _equal(accounted, measures.cycles.with_dram * groups):
        wanted = measures.cycles.with_dram * groups
        yield f"the causes add up to {accounted:,.1f} PE-group cycles instead of {wanted:,.1f}"
    inside = accounted - measures.group_cycles["dram"] - measures.group_cycles["other"]
    if not _equal(inside, measures.cycles.on_chip * groups):
        wanted = measures.cycles.on_chip * groups
        yield f"the on-chip causes add up to {inside:,.1f} PE-group cycles instead of {wanted:,.1f}"
    if any(measures.group_cycles[cause] < 0 for cause in CAUSES):
        yield f"a cause has negative cycles: {dict(measures.group_cycles)}"
    for accounting in ACCOUNTINGS:
        energy = getattr(measures.energy_pj, accounting)
        if not (math.isfinite(energy.high) and 0 <= energy.low <= energy.centre <= energy.high):
            yield f"the energy ({accounting}) is not low <= centre <= high: {tuple(energy)}"


def _groups(layer: LayerResult, groups: int) -> Iterator[str]:
    """Every PE group has books of its own, and together they are those of the layer."""
    found = layer.cycles_of_groups
    if found is None:
        return
    if found.shape != (groups, len(ON_CHIP_CAUSES)):
        yield f"cycles of {found.shape} groups and causes, but the machine has {groups} groups"
        return
    if not (found >= 0).all():
        yield "a PE group has negative cycles"
    with np.errstate(over="ignore"):  # what a file holds need not be possible
        sums, totals = found.sum(axis=1), found.sum(axis=0)
    wanted = layer.cycles.on_chip
    wrong = np.flatnonzero(~(np.abs(sums - wanted) <= TOLERANCE * wanted + 1e-6))
    if wrong.size:
        first = wrong[0]
        yield f"the causes of PE group {first} add up to {sums[first]:,.1f} cycles instead of {wanted:,.1f}"
    for cause, cycles in zip(ON_CHIP_CAUSES, totals, strict=True):
        if not _equal(cycles, layer.group_cycles[cause]):
            wanted = layer.group_cycles[cause]
            yield f"the PE groups add up to {cycles:,.1f} cycles of {cause} instead of {wanted:,.1f}"


def _run(run: RunResult, result: Result) -> Iterator[str]:
    if _exceeds(run.pe_utilization, 1):
        yield f"PE utilisation {run.pe_utilization:.4f} is above 1"
    for accounting in ACCOUNTINGS:
        stages = sum(getattr(run.cycles_by_stage[stage], accounting) for stage in STAGES)
        if not _equal(stages, getattr(run.cycles, accounting)):
            yield f"the stages add up to {stages:,.1f} cycles ({accounting}), not to the run's"
    if run.dense_macs != result.runs[DENSE].dense_macs and not _equal(
        run.dense_macs, result.runs[DENSE].dense_macs
    ):
        yield f"{run.dense_macs:,.1f} dense MACs differ from the dense run's"


def _ratios(result: Result) -> Iterator[str]:
    dense = result.runs[DENSE]
    macs_per_cycle = result.machine.pes * result.machine.pe.macs_per_pe
    for name, speedup in result.speedup.items():
        # Without a single useful product nothing bounds the speedup: nan compares with nothing.
        bound = ratio(dense.cycles.on_chip * macs_per_cycle, result.runs[name].useful_macs)
        if _exceeds(speedup.on_chip, bound):
            yield f"{name}: a speedup of {speedup.on_chip:.3f} is above the {bound:.3f} its work permits"
    for name, efficiency in result.energy_efficiency.items():
        for accounting in ACCOUNTINGS:
            products = result.runs[name].energy_pj.by_component.get("mac", 0.0)
            total = getattr(dense.energy_pj, accounting).centre
            found = getattr(efficiency, accounting)
            if products and _exceeds(found, total / products):
                bound = total / products
                yield f"{name}: an energy efficiency of {found:.3f} ({accounting}) is above {bound:.3f}"
