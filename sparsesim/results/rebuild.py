"""A result made again of its summary, equal to the one that was written, number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sparsesim.energy import Range
from sparsesim.machine import Machine
from sparsesim.results.document import document
from sparsesim.results.model import EngineSpeed, LayerResult, ProfileSource, Result, RunResult
from sparsesim.results.parts import TOLERANCE, Accounts, ByteCounts, Energy, Measures, added
from sparsesim.results.summary import (
    AccountsPart,
    EnergyPart,
    LayerPart,
    MeasuresPart,
    OverTimePart,
    RunPart,
    StagesPart,
    Summary,
)
from workloads.sparsity.over_time import DensityOverTime


def rebuild(summary: Summary, machine: Machine) -> Result:
    """The result of a summary whose parts fit each other; the cycles of single PE groups are not in it."""
    return Result(
        network=summary.network,
        dataset=summary.dataset,
        batch=summary.batch,
        samples=summary.samples,
        seed=summary.seed,
        machine=machine,
        profile=ProfileSource(**dict(summary.profile)),
        runs={name: _run(name, run) for name, run in summary.runs.items()},
        layers=tuple(_layer(layer) for layer in summary.layers),
        engine=EngineSpeed(**dict(summary.engine)),
        wall_seconds=summary.wall_seconds,
        prune=summary.prune,
        energy_table=summary.energy_table,
        notes=summary.notes,
        speedup_half_width=_by_run(summary.speedup_half_width),
        energy_efficiency_half_width=_by_run(summary.energy_efficiency_half_width),
        density_over_time=_over_time(summary.density_over_time),
    )


def contradictions(result: Result, tree: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where a summary and what follows from its layers differ: dotted path, value, what it should be.

    tree: the summary that `result` was made of. Runs are the sums of their layers, ratios those of the runs.
    Raises ValueError where a sum is too large for a number.
    """
    runs = {name: _summed(run, result) for name, run in result.runs.items()}
    wanted = document(replace(result, runs=runs))
    del wanted["machine"]  # a machine is checked as a whole, and has defaults
    yield from _differences("", tree, wanted)


def _summed(run: RunResult, result: Result) -> RunResult:
    layers = [layer for layer in result.layers if layer.run == run.name]
    return replace(run, **vars(added(layers)))


def _differences(path: str, found: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    if found == wanted:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in wanted.keys() & found.keys():
            yield from _differences(f"{path}.{key}" if path else key, found[key], wanted[key])
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, value in enumerate(wanted):
            yield from _differences(f"{path}.{place}", found[place], value)
    elif not _close(found, wanted):
        yield path, found, wanted


def _close(found: Any, wanted: Any) -> bool:
    numbers = all(isinstance(value, int | float) for value in (found, wanted))
    return numbers and math.isclose(found, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _run(name: str, run: RunPart) -> RunResult:
    return RunResult(
        **vars(_measures(run)),
        name=name,
        cycles_by_stage=_stages(run.cycles_by_stage),
        pe_utilization=run.pe_utilization,
        cycles_half_width=_optional(run.cycles_half_width),
        energy_half_width_pj=_optional(run.energy_half_width_pj),
    )


def _stages(stages: StagesPart) -> dict[str, Accounts]:
    on_chip = {**dict(stages.on_chip), "other": 0.0}  # which has no cycles on chip
    return {stage: Accounts(on_chip[stage], cycles) for stage, cycles in dict(stages.with_dram).items()}


def _layer(layer: LayerPart) -> LayerResult:
    return LayerResult(
        **vars(_measures(layer)),
        name=layer.name,
        stage=layer.stage,
        run=layer.run,
        index=layer.index,
        computed_macs=layer.computed_macs,
        lower_bound_cycles=Accounts(layer.lower_bound_cycles, layer.lower_bound_cycles_with_dram),
        density=layer.density,
        pe_utilization=layer.pe_utilization,
    )


def _measures(part: MeasuresPart) -> Measures:
    return Measures(
        cycles=_accounts(part.cycles),
        useful_macs=part.useful_macs,
        dense_macs=part.dense_macs,
        group_cycles=dict(part.group_cycles),
        bytes=ByteCounts(**dict(part.bytes)),
        energy_pj=_energy(part.energy_pj),
    )


def _energy(part: EnergyPart) -> Energy:
    extremes = part.by_component_range
    return Energy(
        _components(part.by_component_on_chip, extremes.on_chip),
        _components(part.by_component, extremes.with_dram),
    )


def _components(
    centres: Mapping[str, float], extremes: Mapping[str, tuple[float, float]]
) -> dict[str, Range]:
    return {name: Range(extremes[name][0], centre, extremes[name][1]) for name, centre in centres.items()}


def _accounts(part: AccountsPart) -> Accounts:
    return Accounts(part.on_chip, part.with_dram)


def _optional(part: AccountsPart | None) -> Accounts | None:
    return None if part is None else _accounts(part)


def _by_run(parts: Mapping[str, AccountsPart]) -> dict[str, Accounts]:
    return {run: _accounts(part) for run, part in parts.items()}


def _over_time(part: OverTimePart | None) -> DensityOverTime | None:
    return None if part is None else DensityOverTime(**dict(part))
