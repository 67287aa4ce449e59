"""The per-layer table as columns: one row per layer, stage and run, units in the names."""

from __future__ import annotations

from typing import Any

from sparsesim.energy import COMPONENTS
from sparsesim.results.model import LayerResult, Result
from sparsesim.results.parts import ACCOUNTINGS, CAUSES

DENSITIES = ("input", "grad_output", "grad_input_mask")


def columns(result: Result) -> dict[str, list[Any]]:
    """Columns by name, all equally long; a density that does not exist is None.

    energy_COMPONENT_pj are the centre values of the whole step (with_dram), energy_COMPONENT_on_chip_pj those
    of the on-chip accounting.
    """
    rows = [row(layer) for layer in result.layers]
    return {name: [found[name] for found in rows] for name in rows[0]} if rows else {}


def row(layer: LayerResult) -> dict[str, Any]:
    """One row of the table."""
    return {
        "run": layer.run,
        "index": layer.index,
        "layer": layer.name,
        "stage": layer.stage,
        "cycles_on_chip": float(layer.cycles.on_chip),
        "cycles_with_dram": float(layer.cycles.with_dram),
        "useful_macs": float(layer.useful_macs),
        "dense_macs": float(layer.dense_macs),
        "lower_bound_cycles": float(layer.lower_bound_cycles.on_chip),
        "lower_bound_with_dram_cycles": float(layer.lower_bound_cycles.with_dram),
        "utilization": layer.pe_utilization,
        **{f"density_{name}": layer.density.get(name) for name in DENSITIES},
        **{f"group_cycles_{cause}": float(layer.group_cycles[cause]) for cause in CAUSES},
        **{f"{name}_bytes": float(moved) for name, moved in vars(layer.bytes).items()},
        **_energy(layer),
    }


def _energy(layer: LayerResult) -> dict[str, float]:
    energy = layer.energy_pj
    totals = {
        f"energy_{accounting}_{column}_pj": value
        for accounting in ACCOUNTINGS
        for column, value in getattr(energy, accounting)._asdict().items()
    }
    whole, inside = energy.by_component, energy.by_component_on_chip
    parts = {f"energy_{name}_pj": whole.get(name, 0.0) for name in COMPONENTS}
    parts.update(
        {f"energy_{name}_on_chip_pj": inside.get(name, 0.0) for name in COMPONENTS if name != "dram"}
    )
    return {**totals, **parts}
