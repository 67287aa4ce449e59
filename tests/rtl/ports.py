"""How what a PE is given is laid out on the ports of design/pe.sv."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from compiler.program import RowOperation
from tests.rtl.coordinates import Tap
from tests.rtl.row_operations import Entry, PeJob, RowOp

Inputs = dict[str, int]


@dataclass(frozen=True)
class Machine:
    """Parameters of design/pe.sv, by their names there."""

    macs_per_pe: int = 1
    row_slots: int = 2
    row_slot_entries: int = 64
    reg1_words: int = 64
    reg2_words: int = 64
    pipeline_cycles: int = 3
    ppu_words_per_cycle: int = 4
    operand_bits: int = 16
    sum_bits: int = 32
    line_bits: int = 128
    mask_skipping: int = 1
    input_skipping: int = 1
    kernel_columns: int = 11
    column_bits: int = 8
    residue_bits: int = 2

    @property
    def words_per_line(self) -> int:
        return self.line_bits // self.operand_bits

    @property
    def reg1_address_bits(self) -> int:
        return (2 * self.reg1_words - 1).bit_length()

    @property
    def reg2_address_bits(self) -> int:
        return (self.reg2_words - 1).bit_length()

    @property
    def target_bits(self) -> int:
        return max(self.reg1_address_bits, self.reg2_address_bits)

    def parameters(self) -> dict[str, object]:
        """For the simulator's command line."""
        return asdict(self)


def packed(fields: Iterable[tuple[int, int]]) -> int:
    """(value, bits) pairs side by side, the first at the bottom; negative values as two's complements."""
    word = place = 0
    for value, bits in fields:
        word |= (value & ((1 << bits) - 1)) << place
        place += bits
    return word


def _signed(value: int, bits: int) -> int:
    """The value, which must be representable: a layer the PE was not built for must not pass unseen."""
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise ValueError(f"{value} does not fit into {bits} signed bits")
    return value


def _entry(machine: Machine, entry: Entry) -> int:
    return packed(
        [
            (entry.value, machine.operand_bits),
            (entry.row_base, machine.reg2_address_bits),
            (_signed(entry.column, machine.column_bits), machine.column_bits),
            (entry.residue, machine.residue_bits),
        ]
    )


def fill_steps(machine: Machine, entries: Sequence[Entry], rng: np.random.Generator) -> list[Inputs]:
    """The cycles in which a slot is filled: full lines or any number of entries, at random."""
    entry_bits = machine.operand_bits + machine.reg2_address_bits + machine.column_bits + machine.residue_bits
    ragged, steps, at = rng.random() < 0.5, [], 0
    while at < len(entries):
        count = int(rng.integers(0, machine.words_per_line + 1)) if ragged else machine.words_per_line
        some = entries[at : at + count]
        word = packed((_entry(machine, entry), entry_bits) for entry in some)
        steps.append({"fill_count": len(some), "fill_entries": word})
        at += count
    return steps


def reg1_steps(machine: Machine, words: Sequence[tuple[int, int]]) -> list[Inputs]:
    """The cycles in which (address, word) pairs are written to Reg-1."""
    steps = []
    for at in range(0, len(words), machine.words_per_line):
        some = words[at : at + machine.words_per_line]
        steps.append(
            {
                "reg1_valid": (1 << len(some)) - 1,
                "reg1_load_addresses": packed((address, machine.reg1_address_bits) for address, _ in some),
                "reg1_load_words": packed((word, machine.operand_bits) for _, word in some),
            }
        )
    return steps


def tap_step(machine: Machine, tap_set: int, taps: Sequence[Tap]) -> Inputs:
    """The cycle in which a set of taps is written; taps beyond the kernel are never useful."""
    all_taps = [*taps, *[Tap(0, 0, 0, 0)] * (machine.kernel_columns - len(taps))]
    fields = [
        field
        for tap in all_taps
        for field in (
            (tap.offset, machine.target_bits),
            (_signed(tap.first, machine.column_bits), machine.column_bits),
            (_signed(tap.end, machine.column_bits), machine.column_bits),
            (tap.residue, machine.residue_bits),
        )
    ]
    return {"tap_load": 1, "tap_load_set": tap_set, "load_taps": packed(fields)}


def mask_word(mask: Sequence[bool] | None) -> int:
    """The mask of the sums; without one nothing is let through where a PE looks at it all the same."""
    return packed((int(bit), 1) for bit in mask or [])


def operation_word(
    machine: Machine, job: PeJob, job_parity: int, tap_set: int, reg1_base: int, operation: RowOp
) -> int:
    """The descriptor that comes with an arriving row."""
    return packed(
        [
            (reg1_base, machine.reg1_address_bits),
            (operation.reg2_base, machine.reg2_address_bits),
            (int(job.operation is RowOperation.MSRC), 1),
            (int(job.operation is RowOperation.OSRC), 1),
            (int(job.use_mask), 1),
            (tap_set, 1),
            (job_parity, 1),
        ]
    )
