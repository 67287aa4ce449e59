"""How the totals of a run vary from sample to sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sparsesim.energy import ActionCounts, EnergyModel, on_chip, total
from sparsesim.engine.record import StageRecord
from sparsesim.results.interval import FloatArray
from sparsesim.results.parts import Accounts, Measures

Costed = tuple[StageRecord, ActionCounts]


@dataclass(frozen=True)
class Series:
    """One run, sample by sample: float64[samples, 2], columns on_chip and with_dram; centre energy in pJ."""

    cycles: FloatArray
    energy_pj: FloatArray


def sample_series(
    records: Iterable[Costed], model: EnergyModel, whole: Measures, other: Measures, samples: int
) -> Series | None:
    """The totals of a run for each of its samples, or None where there are not two samples to compare.

    whole: means of the run; other: the part of it outside the convolutions, which does not depend on the
    sample. Most layers are simulated sample by sample. Those that the machine executes for several samples
    together (a fully connected layer for a batch, weight gradients accumulated over samples) have only a
    mean; they are taken to vary as the rest does, in proportion and together with it; docs/energy.md
    says how far that holds. A run of which every layer was simulated once (the dense
    one, which no mask changes) is the same for all samples.
    """
    single = [item for item in records if item[0].samples == 1 and not item[0].fc]
    by_sample = _by_sample(single)
    if samples > 1 and len(by_sample) == 1:
        return _constant(whole, samples)
    if len(by_sample) < 2 or len(by_sample) != samples:
        return None
    cycles = np.array([_cycles(items) for items in by_sample])
    energy = np.array([_energy_pj(items, model) for items in by_sample])
    return Series(
        _scaled(cycles, whole.cycles, other.cycles),
        _scaled(energy, centre_energy(whole), centre_energy(other)),
    )


def _constant(whole: Measures, samples: int) -> Series:
    energy = centre_energy(whole)
    return Series(
        np.tile([whole.cycles.on_chip, whole.cycles.with_dram], (samples, 1)),
        np.tile([energy.on_chip, energy.with_dram], (samples, 1)),
    )


def centre_energy(measures: Measures) -> Accounts:
    """The centre energies in pJ."""
    return Accounts(measures.energy_pj.on_chip.centre, measures.energy_pj.with_dram.centre)


def _by_sample(items: Sequence[Costed]) -> list[list[Costed]]:
    """The records of each sample; layers not recorded for all samples are left out."""
    samples = {record.sample for record, _ in items}
    seen = Counter((record.layer, record.stage) for record, _ in items)
    complete = [item for item in items if seen[item[0].layer, item[0].stage] == len(samples)]
    grouped = {sample: [item for item in complete if item[0].sample == sample] for sample in sorted(samples)}
    return [group for group in grouped.values() if group]


def _cycles(items: Sequence[Costed]) -> tuple[int, int]:
    return sum(r.on_chip_cycles for r, _ in items), sum(r.with_dram_cycles for r, _ in items)


def _energy_pj(items: Sequence[Costed], model: EnergyModel) -> tuple[float, float]:
    counts = sum((actions for _, actions in items), ActionCounts())
    with_dram = model.energy(counts, sum(record.with_dram_cycles for record, _ in items))
    return on_chip(model.energy(counts)).centre, total(with_dram).centre


def _scaled(values: FloatArray, whole: Accounts, other: Accounts) -> FloatArray:
    means = values.mean(axis=0)
    added = np.array([other.on_chip, other.with_dram])
    targets = np.array([whole.on_chip, whole.with_dram]) - added
    # What costs nothing (by a table without energies) has nothing to scale.
    factors = np.divide(targets, means, out=np.zeros_like(means), where=means != 0)
    scaled: FloatArray = values * factors + added
    return scaled
