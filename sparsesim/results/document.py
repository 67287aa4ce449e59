"""A result as JSON: schema 1, `sparsesim-result/1`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sparsesim.energy import Range
from sparsesim.results.model import SCHEMA, LayerResult, Result, RunResult
from sparsesim.results.parts import STAGES, Accounts, ByteCounts, Energy
from workloads.sparsity.over_time import DensityOverTime

Number = int | float
REVISION = 2  # of the keys beyond the schema: from 2 on, a result can be read back; before, there is none


def document(result: Result) -> dict[str, Any]:
    """The summary of a result, as JSON knows it: all numbers finite, whole counts as integers.

    Beyond the schema: revision, prune, energy_table, notes, engine, energy_efficiency_range,
    density_over_time, with several samples the half widths of 95 % confidence intervals, and in runs and
    layers what `sparsesim.load_run` needs to make the result again. A key without a value is absent.
    """
    summary: dict[str, Any] = {
        "schema": SCHEMA,
        "revision": REVISION,
        "network": result.network,
        "dataset": result.dataset,
        "batch": result.batch,
        "samples": result.samples,
        "seed": result.seed,
        "machine": result.machine.model_dump(mode="json"),
        "profile": _without_none(vars(result.profile)),
        "density_over_time": _over_time(result.density_over_time),
        "prune": result.prune,
        "energy_table": result.energy_table,
        "notes": list(result.notes),
        "runs": {name: _run(run) for name, run in result.runs.items()},
        "speedup": _by_run(result.speedup),
        "energy_efficiency": _by_run(result.energy_efficiency),
        "energy_efficiency_range": {
            name: {accounting: _finite(found._asdict()) for accounting, found in ranges.items()}
            for name, ranges in result.energy_efficiency_range.items()
        },
        "speedup_half_width": _by_run(result.speedup_half_width) or None,
        "energy_efficiency_half_width": _by_run(result.energy_efficiency_half_width) or None,
        "layers": [_layer(layer) for layer in result.layers],
        "engine": dict(vars(result.engine)),
        "wall_seconds": result.wall_seconds,
    }
    return _without_none(summary)


def number(value: float) -> Number:
    """An integer where the value is whole; raises ValueError for what is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"results must be finite (got {value})")
    return int(value) if value == int(value) else float(value)


def _without_none(pairs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pairs.items() if value is not None}


def _numbers(values: Mapping[str, float]) -> dict[str, Number]:
    return {name: number(value) for name, value in values.items()}


def _accounts(accounts: Accounts) -> dict[str, Number]:
    return _numbers(vars(accounts))


def _by_run(accounts: Mapping[str, Accounts]) -> dict[str, dict[str, Number]]:
    return {run: _finite(vars(found)) for run, found in accounts.items()}


def _finite(ratios: Mapping[str, float]) -> dict[str, Number]:
    """Ratios; one without a denominator is absent."""
    return _numbers({name: value for name, value in ratios.items() if math.isfinite(value)})


def _over_time(density: DensityOverTime | None) -> dict[str, Any] | None:
    if density is None:
        return None
    return {
        "recorded_on": density.recorded_on,
        "source": density.source,
        "epochs": list(density.epochs),
        "layers": {name: [number(value) for value in values] for name, values in density.layers.items()},
    }


def _range(values: Range) -> dict[str, Number]:
    return _numbers(values._asdict())


def _energy(energy: Energy) -> dict[str, Any]:
    return {
        "on_chip": _range(energy.on_chip),
        "with_dram": _range(energy.with_dram),
        "by_component": _numbers(energy.by_component),
        "by_component_on_chip": _numbers(energy.by_component_on_chip),
        "by_component_range": {
            "on_chip": _extremes(energy.on_chip_components),
            "with_dram": _extremes(energy.with_dram_components),
        },
    }


def _extremes(components: Mapping[str, Range]) -> dict[str, list[Number]]:
    """Low and high; the centre is in by_component."""
    return {name: [number(found.low), number(found.high)] for name, found in components.items()}


def _bytes(moved: ByteCounts) -> dict[str, Number]:
    return _numbers(vars(moved))


def _run(run: RunResult) -> dict[str, Any]:
    on_chip = {stage: number(run.cycles_by_stage[stage].on_chip) for stage in STAGES if stage != "other"}
    with_dram = {stage: number(run.cycles_by_stage[stage].with_dram) for stage in STAGES}
    widths = (run.cycles_half_width, run.energy_half_width_pj)
    return _without_none(
        {
            "cycles": _accounts(run.cycles),
            "cycles_half_width": _accounts(widths[0]) if widths[0] else None,
            "cycles_by_stage": {"on_chip": on_chip, "with_dram": with_dram},
            "useful_macs": number(run.useful_macs),
            "dense_macs": number(run.dense_macs),
            "pe_utilization": run.pe_utilization,
            "group_cycles": _numbers(run.group_cycles),
            "bytes": _bytes(run.bytes),
            "energy_pj": _energy(run.energy_pj),
            "energy_half_width_pj": _accounts(widths[1]) if widths[1] else None,
        }
    )


def _layer(layer: LayerResult) -> dict[str, Any]:
    return {
        "name": layer.name,
        "stage": layer.stage,
        "run": layer.run,
        "index": layer.index,
        "cycles": _accounts(layer.cycles),
        "useful_macs": number(layer.useful_macs),
        "dense_macs": number(layer.dense_macs),
        "computed_macs": number(layer.computed_macs),
        "lower_bound_cycles": number(layer.lower_bound_cycles.on_chip),
        "lower_bound_cycles_with_dram": number(layer.lower_bound_cycles.with_dram),
        "pe_utilization": layer.pe_utilization,
        "density": _numbers(layer.density),
        "group_cycles": _numbers(layer.group_cycles),
        "bytes": _bytes(layer.bytes),
        "energy_pj": _energy(layer.energy_pj),
    }
