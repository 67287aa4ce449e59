"""What is fixed when the machine in RTL is built, and the machine description that goes with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from compiler.target import Target
from tests.builders import ONE_PE
from tests.rtl.ports import Machine

POINTER_BITS = 16


@dataclass(frozen=True)
class Build:
    """Parameters of the machine in RTL; those of a PE are in `machine`, names as in the machine description.

    bank_lines: lines of each bank of the global buffer, at most 2^16 words. job_words .. descriptor_words:
    words of the tables of the instruction stream, of taps and places geometry_words each; pointer_words: row
    pointers.
    """

    machine: Machine = field(default_factory=Machine)
    clusters: int = 1
    groups_per_cluster: int = 2
    pes_per_group: int = 2
    buffer_banks: int = 4
    read_latency_cycles: int = 2
    bank_lines: int = 1024
    job_words: int = 1024
    rowop_words: int = 512
    unit_words: int = 128
    geometry_words: int = 16
    tile_words: int = 64
    descriptor_words: int = 4096
    pointer_words: int = 8192

    @property
    def memory_lines(self) -> int:
        """Lines of the off-chip memory: the banks one behind the other, then the row pointers."""
        return self.buffer_banks * self.bank_lines + -(-self.pointer_words // self.words_per_line)

    @property
    def words_per_line(self) -> int:
        return self.machine.line_bits // self.machine.operand_bits

    @property
    def sums_per_line(self) -> int:
        return self.machine.line_bits // self.machine.sum_bits

    @property
    def line_bytes(self) -> int:
        return self.machine.line_bits // 8

    def parameters(self) -> dict[str, object]:
        """For the simulator's command line."""
        own = {name: value for name, value in asdict(self).items() if name != "machine"}
        return self.machine.parameters() | own

    def target(self, **choices: Any) -> Target:
        """The machine as compiler and stepper see it; choices: what is not fixed by the build."""
        machine = self.machine
        return replace(
            ONE_PE,
            clusters=self.clusters,
            groups_per_cluster=self.groups_per_cluster,
            pes_per_group=self.pes_per_group,
            macs_per_pe=machine.macs_per_pe,
            row_slots=machine.row_slots,
            row_slot_entries=machine.row_slot_entries,
            reg1_words=machine.reg1_words,
            reg2_words=machine.reg2_words,
            pipeline_cycles=machine.pipeline_cycles,
            ppu_words_per_cycle=machine.ppu_words_per_cycle,
            buffer_banks=self.buffer_banks,
            words_per_line=self.words_per_line,
            read_latency_cycles=self.read_latency_cycles,
            operand_bits=machine.operand_bits,
            sum_bits=machine.sum_bits,
            **choices,
        )
