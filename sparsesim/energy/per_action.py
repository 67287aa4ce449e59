"""The energy of each action for the sizes of a machine, from the rows of the table: one equation a function.

Energies are pJ. Row names are those of the table; `Column` reads them in one of low, centre and high.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from compiler.program import JOB_COLUMNS
from sparsesim.machine.description import Machine

FJ = 1e-3  # pJ

# Pointers and job descriptors lie in small register files; 256 words is where the fit for these ends.
POINTER_TABLE_WORDS = 256
POINTER_BITS = 32
JOB_BITS = JOB_COLUMNS * 32


@dataclass(frozen=True)
class Column:
    """One column of a table applied to one machine, with the lengths its wires have."""

    machine: Machine
    rows: Callable[[str], float]
    chip_side_mm: float
    cluster_side_mm: float
    group_side_mm: float
    logic_mm2: float

    @property
    def detects(self) -> bool:
        """Whether the PEs match masks at all."""
        return self.machine.policy.mask_skipping or self.machine.policy.input_skipping

    @property
    def mask_words(self) -> float:
        """Width of the masks to be matched, in units of 32 bits."""
        return max(self.machine.pe.reg1_words, self.machine.pe.reg2_words) / 32

    def file_read(self, words: int, bits: int) -> float:
        """Reading `bits` from a register file of `words` entries: (base + slope words) bits/16."""
        per_16_bits = self.rows("register_file.read_base") + self.rows("register_file.read_per_word") * words
        return per_16_bits * bits / 16

    def file_write(self, words: int, bits: int) -> float:
        """Writing the same: read x write_ratio."""
        return self.rows("register_file.write_ratio") * self.file_read(words, bits)

    def wire(self, bits: float, length_mm: float) -> float:
        """Moving bits over a repeated wire: bits x length x energy per bit and mm."""
        return bits * length_mm * self.rows("wire.transfer") * FJ


def offset_bits(machine: Machine) -> int:
    """Bits of the offset of a ch0 entry: enough for row_slot_entries positions; 0 in a dense machine."""
    return math.ceil(math.log2(machine.pe.row_slot_entries)) if machine.policy.skip_zeros else 0


def entry_bits(machine: Machine) -> int:
    """Bits of a ch0 entry in a slot: the operand and its offset."""
    return machine.data.operand_bits + offset_bits(machine)


def mac_compute(c: Column) -> float:
    """MAC of the operand format with a 32-bit sum; int16 adds or saves an adder's share for other widths."""
    data = c.machine.data
    other_width = (data.sum_bits / 32 - 1) * c.rows("add_int32.compute")
    return c.rows(f"mac_{data.operand_format}.compute") + other_width


def slot_read(c: Column) -> float:
    """Register file of row_slot_entries entries (one slot; the slots are files of their own)."""
    return c.file_read(c.machine.pe.row_slot_entries, entry_bits(c.machine))


def slot_write(c: Column) -> float:
    """The same file, written."""
    return c.file_write(c.machine.pe.row_slot_entries, entry_bits(c.machine))


def reg1_read(c: Column) -> float:
    """Register file of reg1_words operand words (one of the two vectors)."""
    return c.file_read(c.machine.pe.reg1_words, c.machine.data.operand_bits)


def reg1_write(c: Column) -> float:
    """The same file, written."""
    return c.file_write(c.machine.pe.reg1_words, c.machine.data.operand_bits)


def reg2_read(c: Column) -> float:
    """Register file of reg2_words sums."""
    return c.file_read(c.machine.pe.reg2_words, c.machine.data.sum_bits)


def reg2_write(c: Column) -> float:
    """The same file, written."""
    return c.file_write(c.machine.pe.reg2_words, c.machine.data.sum_bits)


def detector_entry(c: Column) -> float:
    """A mask as wide as the larger register is shifted to the entry's position and compared with zero.

    0 where no mask is looked at. Check: mask matching synthesised in 14 nm takes 0.41 pJ a cycle (CODEBench).
    """
    if not c.detects:
        return 0.0
    return c.mask_words * (c.rows("shifter32.shift") + c.rows("comparator32.compare"))


def detector_product(c: Column) -> float:
    """Find-first in the mask, as a comparison of its width; an addition of offset_bits for Reg-2's index."""
    find = c.mask_words * c.rows("comparator32.compare") if c.detects else 0.0
    return find + offset_bits(c.machine) / 32 * c.rows("add_int32.compute")


def absent_actions(machine: Machine) -> frozenset[str]:
    """Actions of blocks the machine does not have; they are free, whatever a table says of them."""
    policy = machine.policy
    if policy.mask_skipping or policy.input_skipping:
        return frozenset()
    return frozenset({"detector.entry"} if policy.skip_zeros else {"detector.entry", "detector.product"})


def ppu_drain(c: Column) -> float:
    """Write into the result register, a file of reg2_words sums."""
    return reg2_write(c)


def ppu_add(c: Column) -> float:
    """One addition of sum_bits."""
    return c.rows("add_int32.compute") * c.machine.data.sum_bits / 32


def ppu_result(c: Column) -> float:
    """Read of the result register and ReLU; where rows are compressed, |g| sum, pruning and compaction."""
    energy = reg2_read(c) + c.rows("comparator32.compare")
    return energy + (_prune_and_compact(c) if c.machine.policy.skip_zeros else 0.0)


def _prune_and_compact(c: Column) -> float:
    """Sum of |g| (one addition); 32-bit shift-register random number, x tau, two comparisons; 1:4 crossbar.

    Charged for every result word, though only gradients are pruned: an upper value of a small term.
    """
    prune = (
        32 * c.rows("flop_bit.write") * FJ + c.rows("mul_int16.compute") + 2 * c.rows("comparator32.compare")
    )
    return c.rows("add_int32.compute") + prune + c.rows("crossbar32.transfer")


def ppu_vector(c: Column) -> float:
    """One MAC with two operand reads and one write of a file as deep as the result register."""
    words, bits = c.machine.pe.reg2_words, c.machine.data.operand_bits
    return mac_compute(c) + 2 * c.file_read(words, bits) + c.file_write(words, bits)


def sram_read(rows: Callable[[str], float], capacity_bits: float, width_bits: float) -> float:
    """One access of `width_bits` to a memory of `capacity_bits`: scale (w + w0) (local + distance sqrt(S)).

    At w = 128 this is w (50 + 0.022 sqrt(S)) fJ of Dally, Turakhia and Han (CACM 2020) for 14 nm; the
    dependence on the width is fitted to CACTI. Holds for 16..256 bits and 1 KB..1 MB.
    """
    per_bit = rows("sram.read_local") + rows("sram.read_distance") * math.sqrt(capacity_bits)
    return rows("sram.read_scale") * (width_bits + rows("sram.width_overhead")) * per_bit


def buffer_read(c: Column) -> float:
    """`sram_read` of a line from one bank, and its address."""
    buffer = c.machine.buffer
    access = sram_read(c.rows, c.machine.buffer_bytes * 8 / buffer.banks, buffer.line_bits)
    return access * (1 + c.rows("sram.address_ratio"))


def buffer_write(c: Column) -> float:
    """Read x write_ratio."""
    return buffer_read(c) * c.rows("sram.write_ratio")


def wire_line(c: Column) -> float:
    """A line over half the side of the chip, the average distance between a bank and a cluster."""
    return c.wire(c.machine.buffer.line_bits, c.chip_side_mm / 2)


def wire_entry(c: Column) -> float:
    """An entry over the piece of the broadcast bus that belongs to one group: cluster side / groups."""
    return c.wire(entry_bits(c.machine), c.cluster_side_mm / c.machine.groups_per_cluster)


def wire_word(c: Column) -> float:
    """A ch1 word over half the side of the cluster, to its own group."""
    return c.wire(c.machine.data.operand_bits, c.cluster_side_mm / 2)


def wire_sum(c: Column) -> float:
    """A sum over half the side of the group."""
    return c.wire(c.machine.data.sum_bits, c.group_side_mm / 2)


def control_cycle(c: Column) -> float:
    """clock_ratio x what a PE with all its lanes at work spends on MACs and registers in a cycle.

    Charged for executed cycles, useful or not, so a reject or an idle lane is not free. PEs that wait are
    taken as clock-gated.
    """
    product = mac_compute(c) + reg1_read(c) + reg2_read(c) + reg2_write(c)
    return c.rows("control.clock_ratio") * c.machine.pe.macs_per_pe * product


def control_entry(c: Column) -> float:
    """clock_ratio x slot read."""
    return c.rows("control.clock_ratio") * slot_read(c)


def control_delivery(c: Column) -> float:
    """clock_ratio x slot write."""
    return c.rows("control.clock_ratio") * slot_write(c)


def control_word(c: Column) -> float:
    """clock_ratio x Reg-1 write."""
    return c.rows("control.clock_ratio") * reg1_write(c)


def control_header(c: Column) -> float:
    """A counter, two additions for the address, and where rows are compressed the read of a pointer."""
    step = c.rows("counter32.count") + 2 * c.rows("add_int32.compute")
    return step + (c.file_read(POINTER_TABLE_WORDS, POINTER_BITS) if c.machine.policy.skip_zeros else 0.0)


def control_job(c: Column) -> float:
    """A descriptor of JOB_COLUMNS 32-bit words: read, moved over half the chip, written into flip-flops."""
    read = c.file_read(POINTER_TABLE_WORDS, JOB_BITS)
    return read + c.wire(JOB_BITS, c.chip_side_mm / 2) + JOB_BITS * c.rows("flop_bit.write") * FJ


def leakage_cycle(c: Column) -> float:
    """(leak per KB x KB + leak per mm2 x mm2 of logic) / clock; uW / MHz = pJ."""
    sram_uw = c.rows("sram.leak") * c.machine.buffer.kilobytes
    logic_uw = c.rows("logic.leak") * 1000 * c.logic_mm2
    return (sram_uw + logic_uw) / c.machine.array.clock_mhz


def dram_access(c: Column) -> float:
    """64 bits at the all-in energy per bit of the memory's kind; no background on top (it is included)."""
    return 64 * c.rows(f"dram_{c.machine.memory.kind}.access")


ENERGY_OF_ACTION: dict[str, Callable[[Column], float]] = {
    "mac.compute": mac_compute,
    "slot.write": slot_write,
    "slot.read": slot_read,
    "reg1.write": reg1_write,
    "reg1.read": reg1_read,
    "reg2.write": reg2_write,
    "reg2.read": reg2_read,
    "detector.entry": detector_entry,
    "detector.product": detector_product,
    "ppu.drain": ppu_drain,
    "ppu.add": ppu_add,
    "ppu.result": ppu_result,
    "ppu.vector": ppu_vector,
    "buffer.read": buffer_read,
    "buffer.write": buffer_write,
    "wire.line": wire_line,
    "wire.entry": wire_entry,
    "wire.word": wire_word,
    "wire.sum": wire_sum,
    "control.cycle": control_cycle,
    "control.entry": control_entry,
    "control.delivery": control_delivery,
    "control.word": control_word,
    "control.header": control_header,
    "control.job": control_job,
    "leakage.cycle": leakage_cycle,
    "dram.read": dram_access,
    "dram.write": dram_access,
}
