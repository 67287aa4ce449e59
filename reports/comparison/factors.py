"""How much of a ratio of cycles is work, and how much is how well the machine is used."""

from __future__ import annotations

from dataclasses import dataclass

from reports.comparison.sides import Side
from sparsesim.results.parts import ratio


@dataclass(frozen=True)
class Factors:
    """Factors of the cycles of a side over those of the reference; nan where there is nothing to divide by.

    cycles on chip = useful MACs / (multipliers x utilisation), so macs x multipliers x utilization =
    cycles_on_chip; and cycles_on_chip x waiting = cycles_with_dram. multipliers and utilization are above 1
    where the side has fewer multipliers, or uses them less well. waiting: for DRAM, and other work.
    """

    macs: float
    multipliers: float
    utilization: float
    waiting: float
    cycles_on_chip: float
    cycles_with_dram: float


def factors(reference: Side, side: Side) -> Factors:
    """The factors of the run that the differences are about."""
    before, after = reference.measures, side.measures
    cycles = after.cycles.over(before.cycles)
    return Factors(
        macs=ratio(after.useful_macs, before.useful_macs),
        multipliers=ratio(_multipliers(reference), _multipliers(side)),
        utilization=ratio(before.pe_utilization, after.pe_utilization),
        waiting=ratio(cycles.with_dram, cycles.on_chip),
        cycles_on_chip=cycles.on_chip,
        cycles_with_dram=cycles.with_dram,
    )


def _multipliers(side: Side) -> int:
    return side.result.machine.pes * side.result.machine.pe.macs_per_pe
