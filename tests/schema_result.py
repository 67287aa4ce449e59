"""A strict reader of summaries of schema 1: every key, every type, every sum."""

from __future__ import annotations

import math
from typing import Any

import pytest

CAUSES = {"busy", "reject", "imbalance", "buffer", "ppu", "dispatch", "dram", "other"}
COMPONENTS = {"mac", "registers", "detector", "ppu", "buffer", "wires", "control", "leakage", "dram"}
TOP = {
    "schema", "network", "dataset", "batch", "samples", "seed", "machine", "profile", "runs", "speedup",
    "energy_efficiency", "layers", "wall_seconds",
}  # fmt: skip
MORE = {
    "revision", "density_over_time", "prune", "energy_table", "notes", "engine", "energy_efficiency_range",
    "speedup_half_width", "energy_efficiency_half_width",
}  # fmt: skip
RUN = {
    "cycles", "cycles_by_stage", "useful_macs", "dense_macs", "pe_utilization", "group_cycles", "bytes",
    "energy_pj",
}  # fmt: skip
LAYER = {
    "name", "stage", "run", "cycles", "useful_macs", "dense_macs", "lower_bound_cycles", "density",
    "group_cycles",
    "bytes", "energy_pj",
}  # fmt: skip
BYTES = {"dram_read", "dram_write", "buffer_read", "buffer_write"}
DENSITIES = {"input", "grad_output", "grad_input_mask"}
ACCOUNTINGS = {"on_chip", "with_dram"}
RANGE = {"low", "centre", "high"}
RUN_SETS = ({"dense", "natural", "pruned"}, {"dense", "natural"}, {"dense", "recorded"})


def check_summary(summary: dict[str, Any]) -> None:
    """AssertionError for the first thing that is not as schema 1 has it."""
    _finite(summary, "summary")
    assert summary["schema"] == "sparsesim-result/1"
    assert set(summary) >= TOP, TOP - set(summary)
    assert set(summary) <= TOP | MORE, set(summary) - TOP - MORE
    for key in ("network", "dataset"):
        assert isinstance(summary[key], str) and summary[key]
    for key in ("batch", "samples", "seed"):
        assert isinstance(summary[key], int)
    assert set(summary["profile"]) >= {"name", "kind", "source"}
    assert summary["profile"]["kind"] in {"trace", "profile", "uniform", "dense"}
    assert set(summary["runs"]) in RUN_SETS
    array = summary["machine"]["array"]
    groups, pes = array["groups"], array["groups"] * array["pes_per_group"]
    macs_per_cycle = pes * summary["machine"]["pe"]["macs_per_pe"]
    for layer in summary["layers"]:
        check_layer(layer, groups)
        assert layer["run"] in summary["runs"]
    for name, run in summary["runs"].items():
        check_run(run, groups, macs_per_cycle)
        check_sums(run, [layer for layer in summary["layers"] if layer["run"] == name])
    check_ratios(summary)


def check_layer(layer: dict[str, Any], groups: int) -> None:
    """One LAYER."""
    assert set(layer) >= LAYER, LAYER - set(layer)
    assert layer["stage"] in {"forward", "gta", "gtw", "other"}
    check_measures(layer, groups)
    assert set(layer["density"]) == (set() if layer["stage"] == "other" else DENSITIES)
    assert all(0 <= density <= 1 for density in layer["density"].values())
    assert layer["lower_bound_cycles"] <= layer["cycles"]["on_chip"] * (1 + 1e-9)
    if layer["stage"] == "other":
        assert layer["cycles"]["on_chip"] == layer["energy_pj"]["on_chip"]["high"] == 0


def check_run(run: dict[str, Any], groups: int, macs_per_cycle: int) -> None:
    """One RUN."""
    assert set(run) >= RUN, RUN - set(run)
    check_measures(run, groups)
    stages = run["cycles_by_stage"]
    assert set(stages["on_chip"]) == {"forward", "gta", "gtw"}
    assert set(stages["with_dram"]) == {"forward", "gta", "gtw", "other"}
    for accounting in ACCOUNTINGS:
        assert sum(stages[accounting].values()) == pytest.approx(run["cycles"][accounting])
    possible = run["cycles"]["on_chip"] * macs_per_cycle
    assert run["pe_utilization"] == pytest.approx(run["useful_macs"] / possible)
    assert 0 <= run["pe_utilization"] <= 1


def check_measures(measures: dict[str, Any], groups: int) -> None:
    """What RUN and LAYER have in common."""
    cycles, energy = measures["cycles"], measures["energy_pj"]
    assert set(cycles) == ACCOUNTINGS
    assert cycles["on_chip"] <= cycles["with_dram"]
    assert set(measures["group_cycles"]) == CAUSES
    assert all(value >= 0 for value in measures["group_cycles"].values())
    assert sum(measures["group_cycles"].values()) == pytest.approx(cycles["with_dram"] * groups)
    assert set(measures["bytes"]) == BYTES
    assert measures["useful_macs"] <= measures["dense_macs"]
    for accounting in ACCOUNTINGS:
        assert set(energy[accounting]) == RANGE
        assert 0 <= energy[accounting]["low"] <= energy[accounting]["centre"] <= energy[accounting]["high"]
    assert set(energy["by_component"]) == COMPONENTS
    for name, (low, high) in energy["by_component_range"]["with_dram"].items():
        assert 0 <= low <= energy["by_component"][name] <= high
    assert sum(energy["by_component"].values()) == pytest.approx(energy["with_dram"]["centre"])
    assert sum(energy["by_component_on_chip"].values()) == pytest.approx(energy["on_chip"]["centre"])


def check_sums(run: dict[str, Any], layers: list[dict[str, Any]]) -> None:
    """A run is the sum of its layers, in every number."""
    for path in _number_paths({key: run[key] for key in RUN & LAYER}):
        found = sum(_at(layer, path) for layer in layers)
        assert found == pytest.approx(_at(run, path)), path


def check_ratios(summary: dict[str, Any]) -> None:
    """Speedup and energy efficiency are dense over run, accounting by accounting."""
    runs = summary["runs"]
    dense = runs["dense"]
    assert set(summary["speedup"]) == set(summary["energy_efficiency"]) == set(runs) - {"dense"}
    for name in summary["speedup"]:
        for accounting in ACCOUNTINGS:
            cycles = dense["cycles"][accounting] / runs[name]["cycles"][accounting]
            assert summary["speedup"][name][accounting] == pytest.approx(cycles)
            spent = runs[name]["energy_pj"][accounting]["centre"]
            efficiency = dense["energy_pj"][accounting]["centre"] / spent
            assert summary["energy_efficiency"][name][accounting] == pytest.approx(efficiency)


def _finite(value: Any, where: str) -> None:
    assert value is not None, where
    if isinstance(value, float):
        assert math.isfinite(value), where
    if isinstance(value, dict):
        for key, inner in value.items():
            _finite(inner, f"{where}.{key}")
    if isinstance(value, list):
        for place, inner in enumerate(value):
            _finite(inner, f"{where}[{place}]")


def _number_paths(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if not isinstance(tree, dict | list):
        return [path]
    below = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [found for key, value in below for found in _number_paths(value, (*path, key))]


def _at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree
