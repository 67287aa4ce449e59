"""The figures of a point: everything reported about it as numbers with names, units and a way to add them up.

A figure without a run before its name is that of the headline run, the last one simulated: pruned, or
natural where nothing is pruned, or recorded. `RUN.NAME` is that of another run. Cycles, times, energies and
bytes are per sample of a training step; energies are centre values of the energy table. The two accountings
are those of results: on_chip (as published) and with_dram (the whole step, off-chip memory included).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sparsesim.energy import COMPONENTS, Range
from sparsesim.energy.area import AREA_PARTS, UM2_PER_MM2
from sparsesim.results.model import DENSE, Result, RunResult
from sparsesim.results.parts import ACCOUNTINGS, CAUSES
from workloads.errors import unknown_name

Combination = Literal["sum", "geometric_mean", "same"]
RUNS = ("dense", "natural", "pruned", "recorded")
MILLISECONDS = 1e3


@dataclass(frozen=True)
class Figure:
    """What a figure is. combination: how several workloads of one design make one number."""

    name: str
    unit: str
    meaning: str
    combination: Combination


def _by_accounting() -> Iterator[Figure]:
    for name, words in (("on_chip", "on chip"), ("with_dram", "with off-chip memory")):
        yield Figure(f"{name}_cycles", "cycles", f"Cycles, {words}.", "sum")
        yield Figure(f"{name}_time_ms", "ms", f"Time at the machine's clock, {words}.", "sum")
        yield Figure(f"{name}_energy_pj", "pJ", f"Energy, {words}.", "sum")
        yield Figure(f"{name}_energy_delay_pj_ms", "pJ ms", f"Energy x time, {words}.", "geometric_mean")
        yield Figure(f"{name}_speedup", "", f"Dense cycles over cycles, {words}.", "geometric_mean")
        yield Figure(f"{name}_energy_efficiency", "", f"Dense energy over energy, {words}.", "geometric_mean")


def _of_runs() -> Iterator[Figure]:
    yield from _by_accounting()
    yield Figure("pe_utilization", "", "Useful MACs over what the PEs could do, on chip.", "geometric_mean")
    yield Figure("useful_macs", "MACs", "Products of non-zeros.", "sum")


def _of_headline() -> Iterator[Figure]:
    yield Figure("on_chip_energy_low_pj", "pJ", "Energy on chip, low column.", "sum")
    yield Figure("on_chip_energy_high_pj", "pJ", "Energy on chip, high column.", "sum")
    yield Figure("with_dram_energy_low_pj", "pJ", "Energy with off-chip memory, low column.", "sum")
    yield Figure("with_dram_energy_high_pj", "pJ", "Energy with off-chip memory, high column.", "sum")
    yield Figure("dense_macs", "MACs", "Kernel taps inside the input.", "sum")
    yield Figure("dram_traffic_bytes", "bytes", "Read from and written to off-chip memory.", "sum")
    yield Figure("buffer_traffic_bytes", "bytes", "Moved between the banks and the array.", "sum")
    for cause in CAUSES:
        words = f"Cycles of all PE groups, with off-chip memory, by cause: {cause}."
        yield Figure(f"group_cycles_{cause}", "group cycles", words, "sum")
    for component in COMPONENTS:
        words = f"Energy of the whole step, component {component}."
        yield Figure(f"energy_{component}_pj", "pJ", words, "sum")
    for part in AREA_PARTS:
        name = "area_mm2" if part == "total" else f"area_{part}_mm2"
        yield Figure(name, "mm2", f"Area, {part}; centre of the table.", "same")


def _figures() -> dict[str, Figure]:
    of_runs = list(_of_runs())
    found = {figure.name: figure for figure in (*of_runs, *_of_headline())}
    for run in RUNS:
        for figure in of_runs:
            if run == DENSE and figure.name.endswith(("speedup", "efficiency")):
                continue  # it is what the others are compared with
            name = f"{run}.{figure.name}"
            found[name] = Figure(name, figure.unit, f"Run {run}. {figure.meaning}", figure.combination)
    return found


FIGURES: Mapping[str, Figure] = _figures()
ALIASES: Mapping[str, str] = {
    "cycles": "with_dram_cycles",
    "time": "with_dram_time_ms",
    "energy": "with_dram_energy_pj",
    "energy_delay": "with_dram_energy_delay_pj_ms",
    "speedup": "with_dram_speedup",
    "energy_efficiency": "with_dram_energy_efficiency",
    "area": "area_mm2",
    "utilization": "pe_utilization",
}


def canonical_figure(name: str, where: str) -> str:
    """The figure that a name or an alias stands for.

    UserError beginning with `where`, with the nearest name, for what is neither.
    """
    found = ALIASES.get(name, name)
    if found in FIGURES:
        return found
    headline = [known for known in FIGURES if "." not in known]
    error = unknown_name("figure", name, [*ALIASES, *(FIGURES if "." in name else headline)])
    raise type(error)(f"{where}: {error}")


def area_figures(area_um2: Mapping[str, Range]) -> dict[str, float]:
    """The figures known of a machine without simulating: its areas.

    area_um2: as sparsesim.energy.EnergyModel.area_um2 has them.
    """
    return {
        "area_mm2" if part == "total" else f"area_{part}_mm2": area_um2[part].centre / UM2_PER_MM2
        for part in AREA_PARTS
    }


def figures_of(result: Result, area_um2: Mapping[str, Range]) -> dict[str, float]:
    """All figures of a result, in the order of FIGURES; those that do not exist (a ratio to nothing) are left
    out. area_um2: of the machine, by part.
    """
    headline = list(result.runs)[-1]
    found = {**_of_run(result, headline), **_of_headline_run(result.runs[headline]), **area_figures(area_um2)}
    for run in result.runs:
        found |= {f"{run}.{name}": value for name, value in _of_run(result, run).items()}
    return {name: float(found[name]) for name in FIGURES if name in found and math.isfinite(found[name])}


def _of_run(result: Result, name: str) -> dict[str, float]:
    run = result.runs[name]
    found = {"pe_utilization": run.pe_utilization, "useful_macs": run.useful_macs}
    for accounting in ACCOUNTINGS:
        cycles: float = getattr(run.cycles, accounting)
        energy: float = getattr(run.energy_pj, accounting).centre
        milliseconds = cycles / (result.machine.array.clock_mhz * 1e6) * MILLISECONDS
        found |= {
            f"{accounting}_cycles": cycles,
            f"{accounting}_time_ms": milliseconds,
            f"{accounting}_energy_pj": energy,
            f"{accounting}_energy_delay_pj_ms": energy * milliseconds,
        }
        if name != DENSE:
            found[f"{accounting}_speedup"] = getattr(result.speedup[name], accounting)
            found[f"{accounting}_energy_efficiency"] = getattr(result.energy_efficiency[name], accounting)
    return found


def _of_headline_run(run: RunResult) -> dict[str, float]:
    energy, moved = run.energy_pj, run.bytes
    found = {
        "on_chip_energy_low_pj": energy.on_chip.low,
        "on_chip_energy_high_pj": energy.on_chip.high,
        "with_dram_energy_low_pj": energy.with_dram.low,
        "with_dram_energy_high_pj": energy.with_dram.high,
        "dense_macs": run.dense_macs,
        "dram_traffic_bytes": moved.dram_read + moved.dram_write,
        "buffer_traffic_bytes": moved.buffer_read + moved.buffer_write,
    }
    found |= {f"group_cycles_{cause}": run.group_cycles[cause] for cause in CAUSES}
    return found | {f"energy_{name}_pj": value for name, value in energy.by_component.items()}
