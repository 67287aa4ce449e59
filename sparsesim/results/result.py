"""From the raw records of a simulation to its result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from compiler.program import Stage
from sparsesim.energy import ActionCounts, EnergyModel
from sparsesim.engine.kernels import layout
from sparsesim.engine.record import OtherRecord, StageRecord, StepRecords
from sparsesim.machine import Machine
from sparsesim.results.actions import line_bytes, other_actions
from sparsesim.results.interval import FloatArray, mean_half_width, ratio_half_width
from sparsesim.results.model import DENSE, EngineSpeed, LayerResult, ProfileSource, Result, RunResult
from sparsesim.results.parts import (
    CAUSES,
    ON_CHIP_CAUSES,
    STAGES,
    Accounts,
    ByteCounts,
    Energy,
    Measures,
    added,
)
from sparsesim.results.samples import Costed, Series, sample_series
from sparsesim.results.totals import by_layer_and_stage, costed, mean_actions, mean_cycles, sample_count
from workloads.sparsity.over_time import DensityOverTime

__all__ = ["Result", "build_result", "run_series", "utilization"]

OFF_CHIP = "dram"
_STATE_OF_CAUSE = {
    "busy": layout.BUSY,
    "reject": layout.REJECT,
    "imbalance": layout.IMBALANCE,
    "buffer": layout.BUFFER,
    "ppu": layout.PPU,
    "dispatch": layout.DISPATCH,
}


def build_result(
    records: StepRecords,
    machine: Machine,
    energy_model_sparse: EnergyModel,
    energy_model_dense: EnergyModel,
    *,
    network: str,
    dataset: str,
    batch: int,
    seed: int,
    profile: Mapping[str, str | None],
    wall_seconds: float,
    prune: float | None = None,
    density_over_time: DensityOverTime | None = None,
) -> Result:
    """The result of all records; the first run must be "dense".

    profile: "name", "kind", "source" and, or None, "transferred_from". energy_model_dense is that of the
    dense baseline.
    """
    models = {run: energy_model_dense if run == DENSE else energy_model_sparse for run in records.runs}
    parts = [_run(run, records, machine, models[run]) for run in records.runs]
    series = {run.name: found for run, _, found in parts}
    return Result(
        network=network,
        dataset=dataset,
        batch=batch,
        samples=records.samples,
        seed=seed,
        machine=machine,
        profile=_profile(profile),
        runs={run.name: run for run, _, _ in parts},
        layers=tuple(layer for _, layers, _ in parts for layer in layers),
        engine=_engine(records),
        wall_seconds=wall_seconds,
        prune=prune,
        energy_table=energy_model_sparse.table.name,
        notes=tuple(energy_model_sparse.notes),
        speedup_half_width=_ratio_widths(series, "cycles"),
        energy_efficiency_half_width=_ratio_widths(series, "energy_pj"),
        density_over_time=density_over_time,
    )


def _profile(profile: Mapping[str, str | None]) -> ProfileSource:
    return ProfileSource(
        str(profile["name"]), str(profile["kind"]), str(profile["source"]), profile.get("transferred_from")
    )


def _engine(records: StepRecords) -> EngineSpeed:
    return EngineSpeed(
        simulated_cycles=sum(record.on_chip_cycles for record in records.stages),
        dense_macs=sum(record.dense_macs for record in records.stages),
        row_operations=sum(record.row_operations for record in records.stages),
        seconds=records.seconds,
    )


def _run(
    name: str, records: StepRecords, machine: Machine, model: EnergyModel
) -> tuple[RunResult, list[LayerResult], Series | None]:
    items = costed(records, name, machine)
    others = _other_layers(name, records.other.get(name, ()), machine, model)
    everything = [*_stage_layers(items, machine, model), *others]
    whole = added(everything)
    series = sample_series(items, model, whole, added(others), records.samples)
    run = RunResult(
        **vars(whole),
        name=name,
        cycles_by_stage={
            stage: added(layer for layer in everything if layer.stage == stage).cycles for stage in STAGES
        },
        pe_utilization=utilization(whole, machine),
        cycles_half_width=_half_width(series.cycles) if series else None,
        energy_half_width_pj=_half_width(series.energy_pj) if series else None,
    )
    return run, everything, series


def run_series(name: str, records: StepRecords, machine: Machine, model: EnergyModel) -> Series | None:
    """The totals of a run sample by sample, for intervals of several results together; None as sample_series.

    model: of the run's machine, the dense baseline's for "dense".
    """
    return _run(name, records, machine, model)[2]


def utilization(measures: Measures, machine: Machine) -> float:
    """Useful MACs over what the PEs could do in the on-chip cycles, 0 to 1; 0 without cycles."""
    possible = measures.cycles.on_chip * machine.pes * machine.pe.macs_per_pe
    return measures.useful_macs / possible if possible else 0.0


def _half_width(values: FloatArray) -> Accounts | None:
    width = mean_half_width(values)
    return None if width is None else Accounts(float(width[0]), float(width[1]))


def _ratio_widths(series: Mapping[str, Series | None], quantity: str) -> dict[str, Accounts]:
    """Half widths of dense over run, of the runs whose samples are known."""
    widths = {}
    dense = series[DENSE]
    for run, found in series.items():
        if run == DENSE or found is None or dense is None:
            continue
        width = ratio_half_width(getattr(dense, quantity), getattr(found, quantity))
        if width is not None:
            widths[run] = Accounts(float(width[0]), float(width[1]))
    return widths


def _stage_layers(items: Sequence[Costed], machine: Machine, model: EnergyModel) -> list[LayerResult]:
    return [_stage_layer(found, machine, model) for found in by_layer_and_stage(items)]


def _stage_layer(items: list[Costed], machine: Machine, model: EnergyModel) -> LayerResult:
    records = [record for record, _ in items]
    samples = sample_count(records)
    counts, cycles = mean_actions(items), mean_cycles(records)
    measures = Measures(
        cycles=cycles,
        useful_macs=sum(record.useful_macs for record in records) / samples,
        dense_macs=sum(record.dense_macs for record in records) / samples,
        group_cycles=_group_cycles(records, cycles, machine),
        bytes=_bytes(counts, machine),
        energy_pj=_energy(counts, cycles, model),
    )
    first = records[0]
    return LayerResult(
        **vars(measures),
        name=first.layer,
        stage=first.stage.value,
        run=first.run,
        index=first.index,
        computed_macs=sum(actions.macs for _, actions in items) / samples,
        lower_bound_cycles=_lower_bound(items, machine),
        density=_densities(records),
        pe_utilization=utilization(measures, machine),
        cycles_of_groups=_cycles_of_groups(records, machine),
    )


def _group_cycles(records: Sequence[StageRecord], cycles: Accounts, machine: Machine) -> dict[str, float]:
    samples = sample_count(records)
    states = np.sum([record.states.sum(axis=0) for record in records], axis=0)
    per_group = samples * machine.array.pes_per_group
    found = {cause: int(states[_STATE_OF_CAUSE[cause]]) / per_group for cause in ON_CHIP_CAUSES}
    return {**found, "dram": (cycles.with_dram - cycles.on_chip) * machine.array.groups, "other": 0.0}


def _cycles_of_groups(records: Sequence[StageRecord], machine: Machine) -> FloatArray | None:
    if any(len(record.states) != machine.array.groups for record in records):
        return None  # of a study, summed over the groups
    states = np.sum([record.states for record in records], axis=0)
    samples = sample_count(records)
    columns = [_STATE_OF_CAUSE[cause] for cause in ON_CHIP_CAUSES]
    found: FloatArray = states[:, columns] / (samples * machine.array.pes_per_group)
    found.flags.writeable = False
    return found


def _bytes(counts: ActionCounts, machine: Machine) -> ByteCounts:
    return ByteCounts(
        counts.dram_read_bytes,
        counts.dram_write_bytes,
        counts.lines_read * line_bytes(machine),
        counts.lines_written * line_bytes(machine),
    )


def _energy(counts: ActionCounts, cycles: Accounts, model: EnergyModel) -> Energy:
    inside = model.energy(counts, cycles.on_chip)
    del inside[OFF_CHIP]
    return Energy(inside, model.energy(counts, cycles.with_dram))


def _lower_bound(items: Sequence[Costed], machine: Machine) -> Accounts:
    """Whole cycles per record: work over multipliers, lines over banks; with_dram bytes over bandwidth.

    Lines bound nothing where the machine's banks are idealised.
    """
    banks = math.inf if machine.ideal.free_banks or machine.ideal.free_transfers else machine.buffer.banks
    samples = sum(record.samples for record, _ in items)
    inside = with_dram = 0
    for record, counts in items:
        products = -(-record.useful_macs // (machine.pes * machine.pe.macs_per_pe))
        lines = math.ceil(int(counts.lines_read + counts.lines_written) / banks)
        # Rounded down: the DMA's rate is a fraction close to bytes_per_cycle.
        moved = int(
            (record.dram_read_bytes + record.dram_write_bytes) / machine.dram_bytes_per_cycle * (1 - 1e-6)
        )
        inside += max(products, lines)
        with_dram += max(products, lines, moved)
    return Accounts(inside / samples, with_dram / samples)


def _densities(records: Sequence[StageRecord]) -> dict[str, float]:
    samples = sample_count(records)

    def mean(values: Iterable[float]) -> float:
        pairs = zip(values, records, strict=True)
        return sum(value * record.samples for value, record in pairs) / samples

    return {
        "input": mean(record.density_input for record in records),
        "grad_output": mean(record.density_grad_output for record in records),
        "grad_input_mask": mean(record.density_grad_input_mask for record in records),
    }


def _other_layers(
    run: str, records: Iterable[OtherRecord], machine: Machine, model: EnergyModel
) -> list[LayerResult]:
    """One result per layer: its passes outside the convolutions together, in the order of their layers."""
    by_layer: dict[str, list[OtherRecord]] = {}
    for record in records:
        by_layer.setdefault(record.layer, []).append(record)
    return [_other_layer(run, passes, machine, model) for passes in by_layer.values()]


def _other_layer(
    run: str, passes: Sequence[OtherRecord], machine: Machine, model: EnergyModel
) -> LayerResult:
    counts = sum((other_actions(record, machine) for record in passes), ActionCounts())
    cycles = Accounts(0.0, counts.cycles)
    waiting = dict.fromkeys(CAUSES, 0.0) | {"other": counts.cycles * machine.array.groups}
    nothing = model.energy(ActionCounts())
    del nothing[OFF_CHIP]
    moved = (counts.dram_read_bytes + counts.dram_write_bytes) / machine.dram_bytes_per_cycle
    lanes = machine.array.groups * machine.ppu.words_per_cycle
    return LayerResult(
        cycles=cycles,
        useful_macs=0.0,
        dense_macs=0.0,
        group_cycles=waiting,
        bytes=_bytes(counts, machine),
        energy_pj=Energy(nothing, model.energy(counts)),
        name=passes[0].layer,
        stage=Stage.OTHER.value,
        run=run,
        index=-1,
        computed_macs=0.0,
        lower_bound_cycles=Accounts(0.0, max(moved * (1 - 1e-6), counts.vector_operations / lanes)),
        density={},
        pe_utilization=0.0,
    )
