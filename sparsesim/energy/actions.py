"""The actions energy is charged for: what one of them is, its component, and how often it happens.

Their energies for a given machine are in `sparsesim.energy.per_action`. These names are stable: users' tables
and Accelergy ERTs give energies under them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sparsesim.energy.counts import ActionCounts

COMPONENTS = ("mac", "registers", "detector", "ppu", "buffer", "wires", "control", "leakage", "dram")
DRAM_WORD_BYTES = 8  # of the actions dram.read and dram.write: 64 bits, the word of Accelergy's DRAM tables


class Action(NamedTuple):
    """component: where the energy is reported; one: what a single action is; how_many: its number."""

    component: str
    one: str
    how_many: Callable[[ActionCounts], float]


def _lines(c: ActionCounts) -> float:
    return c.lines_read + c.lines_written + c.dma_lines


def _sums_read(c: ActionCounts) -> float:
    return c.drained_words + c.added_words


def _executed_cycles(c: ActionCounts) -> float:
    # A reject takes exactly one cycle.
    return c.pe_busy_cycles + c.rejects


ACTIONS: dict[str, Action] = {
    "mac.compute": Action("mac", "one product and its accumulation", lambda c: c.macs),
    "slot.write": Action("registers", "one ch0 entry into a slot", lambda c: c.entries_delivered),
    "slot.read": Action("registers", "one ch0 entry from a slot", lambda c: c.entries),
    "reg1.write": Action("registers", "one ch1 word into Reg-1", lambda c: c.ch1_words_delivered),
    "reg1.read": Action("registers", "one ch1 word from Reg-1, per product", lambda c: c.macs),
    "reg2.write": Action("registers", "one sum into Reg-2, per product", lambda c: c.macs),
    "reg2.read": Action(
        "registers", "one sum from Reg-2, per product and at the drain", lambda c: c.macs + _sums_read(c)
    ),
    "detector.entry": Action("detector", "masks aligned with one ch0 entry", lambda c: c.entries),
    "detector.product": Action("detector", "next product found and its sum addressed", lambda c: c.macs),
    "ppu.drain": Action("ppu", "one sum into the result register", lambda c: c.drained_words),
    "ppu.add": Action("ppu", "one addition of sums of two PEs", lambda c: c.added_words),
    "ppu.result": Action("ppu", "one result word post-processed", lambda c: c.result_words),
    "ppu.vector": Action("ppu", "one element operation of other work", lambda c: c.vector_operations),
    "buffer.read": Action("buffer", "one line read from a bank", lambda c: c.lines_read),
    # The DMA is charged a write for every line: a load writes, a store reads, and a write costs more.
    "buffer.write": Action("buffer", "one line written to a bank", lambda c: c.lines_written + c.dma_lines),
    "wire.line": Action("wires", "one line between a bank and a cluster or the memory interface", _lines),
    "wire.entry": Action(
        "wires", "one ch0 entry to one more group of a cluster", lambda c: c.entries_delivered
    ),
    "wire.word": Action("wires", "one ch1 word to its group", lambda c: c.ch1_words_delivered),
    "wire.sum": Action("wires", "one sum from a PE to its PPU", _sums_read),
    "control.cycle": Action("control", "clock and control of a PE for one executed cycle", _executed_cycles),
    "control.entry": Action("control", "clock and control of reading a slot", lambda c: c.entries),
    "control.delivery": Action(
        "control", "clock and control of writing a slot", lambda c: c.entries_delivered
    ),
    "control.word": Action("control", "clock and control of writing Reg-1", lambda c: c.ch1_words_delivered),
    "control.header": Action(
        "control", "one row pointer read and turned into a request", lambda c: c.headers
    ),
    "control.job": Action("control", "one job descriptor sent to a cluster", lambda c: c.jobs),
    "leakage.cycle": Action("leakage", "one clock cycle of the whole chip", lambda c: c.cycles),
    "dram.read": Action("dram", "64 bits read off chip", lambda c: c.dram_read_bytes / DRAM_WORD_BYTES),
    "dram.write": Action("dram", "64 bits written off chip", lambda c: c.dram_write_bytes / DRAM_WORD_BYTES),
}
