"""What results are made of: numbers in two accountings, bytes, energy, and sums of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sparsesim.energy import Range, total
from sparsesim.energy.ranges import sum_of

CAUSES = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch", "dram", "other")
ON_CHIP_CAUSES = CAUSES[:6]
STAGES = ("forward", "gta", "gtw", "other")
COMPUTING_STAGES = STAGES[:3]  # those of convolutions and FC layers
# Which of them read an operand, and so have a density of it.
STAGES_OF_OPERAND = {
    "input": ("forward", "gtw"),
    "grad_output": ("gta", "gtw"),
    "grad_input_mask": ("gta",),
}
# Relative: means over samples and sums over layers are floating point, and other versions of Python form them
# in another order.
TOLERANCE = 1e-9
ACCOUNTINGS = ("on_chip", "with_dram")


def ratio(numerator: float, denominator: float) -> float:
    """numerator / denominator; nan where there is nothing to divide by (a layer without work)."""
    return numerator / denominator if denominator else math.nan


@dataclass(frozen=True)
class Accounts:
    """One quantity in both accountings; they are never mixed.

    on_chip: convolution and FC stages only, the memory behind the buffers never stalls, no off-chip energy
    (as published).
    with_dram: the whole step, with stalls for the memory and all other work.
    """

    on_chip: float
    with_dram: float

    def __add__(self, other: Accounts) -> Accounts:
        return Accounts(self.on_chip + other.on_chip, self.with_dram + other.with_dram)

    def over(self, divisor: Accounts) -> Accounts:
        """The ratio, accounting by accounting; nan where the divisor is zero."""
        return Accounts(ratio(self.on_chip, divisor.on_chip), ratio(self.with_dram, divisor.with_dram))


@dataclass(frozen=True)
class ByteCounts:
    """Bytes moved, per sample.

    dram_*: by the DMA, which has a port of its own into every bank; each of these bytes enters or leaves the
    buffer once. buffer_*: through the array's side of the banks (operands, kernel rows, partial sums,
    results). The DMA's bytes are not in them.
    """

    dram_read: float = 0.0
    dram_write: float = 0.0
    buffer_read: float = 0.0
    buffer_write: float = 0.0

    def __add__(self, other: ByteCounts) -> ByteCounts:
        return ByteCounts(
            self.dram_read + other.dram_read,
            self.dram_write + other.dram_write,
            self.buffer_read + other.buffer_read,
            self.buffer_write + other.buffer_write,
        )


@dataclass(frozen=True)
class Energy:
    """Energy in pJ per sample by component (sparsesim.energy.COMPONENTS), once for each accounting.

    Leakage differs between the two with the time; on_chip_components has no "dram".
    """

    on_chip_components: Mapping[str, Range]
    with_dram_components: Mapping[str, Range]

    @property
    def on_chip(self) -> Range:
        """The total of the on-chip accounting."""
        return total(self.on_chip_components)

    @property
    def with_dram(self) -> Range:
        """The total of the whole step."""
        return total(self.with_dram_components)

    @property
    def by_component(self) -> dict[str, float]:
        """Centre values of the whole step; they add up to with_dram.centre."""
        return {name: energy.centre for name, energy in self.with_dram_components.items()}

    @property
    def by_component_on_chip(self) -> dict[str, float]:
        """Centre values; they add up to on_chip.centre."""
        return {name: energy.centre for name, energy in self.on_chip_components.items()}


@dataclass(frozen=True)
class Measures:
    """What layers and runs have in common; per sample, so counts may be fractional.

    cycles: duration. useful_macs: products of non-zeros, counted from the masks. dense_macs: kernel taps
    inside the input.
    group_cycles: cycles of the PE groups by cause (CAUSES); they add up to cycles.with_dram x groups.
    bytes: moved; energy_pj: spent.
    """

    cycles: Accounts
    useful_macs: float
    dense_macs: float
    group_cycles: Mapping[str, float]
    bytes: ByteCounts
    energy_pj: Energy


def added(parts: Iterable[Measures]) -> Measures:
    """The sum of measures; zero for none."""
    every = list(parts)
    return Measures(
        cycles=sum((part.cycles for part in every), Accounts(0.0, 0.0)),
        useful_macs=sum((part.useful_macs for part in every), 0.0),
        dense_macs=sum((part.dense_macs for part in every), 0.0),
        group_cycles={cause: sum((part.group_cycles[cause] for part in every), 0.0) for cause in CAUSES},
        bytes=sum((part.bytes for part in every), ByteCounts()),
        energy_pj=Energy(
            _components(part.energy_pj.on_chip_components for part in every),
            _components(part.energy_pj.with_dram_components for part in every),
        ),
    )


def _components(energies: Iterable[Mapping[str, Range]]) -> dict[str, Range]:
    every = list(energies)
    names = list(every[0]) if every else []
    return {name: sum_of(energy[name] for energy in every) for name in names}
