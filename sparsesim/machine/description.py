"""The description of a machine, checked as a whole, and what follows from it."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from compiler.target import NATURAL_ORDER, Target
from sparsesim.machine.rules import broken_rules
from sparsesim.machine.sections import (
    ArraySection,
    BufferSection,
    ControllerSection,
    DataSection,
    IdealSection,
    MappingSection,
    MemorySection,
    PeSection,
    PolicySection,
    PpuSection,
    Section,
)

DENSE_SUFFIX = "-dense"


class Machine(Section):
    """A machine: docs/microarchitecture.md with numbers. Frozen; a field not given has its default.

    Raises pydantic.ValidationError for a field out of its range and for fields that contradict each other;
    `sparsesim.machine.load.load_machine` turns that into sentences with file, line and column.
    """

    name: str = Field(
        "sparsetrain",
        min_length=1,
        max_length=100,
        description="Name shown in results; a file that gives none is named after the file.",
    )
    description: str = Field(
        "", max_length=2000, description="What the machine is, and where its numbers are from."
    )
    array: ArraySection = ArraySection()
    pe: PeSection = PeSection()
    ppu: PpuSection = PpuSection()
    buffer: BufferSection = BufferSection()
    controller: ControllerSection = ControllerSection()
    memory: MemorySection = MemorySection()
    data: DataSection = DataSection()
    policy: PolicySection = PolicySection()
    mapping: MappingSection = MappingSection()
    ideal: IdealSection = IdealSection()

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        broken = broken_rules(self)
        if broken:
            sentences = " ".join(rule.sentence for rule in broken)
            # Handed over as context because pydantic wants a literal template.
            context = {"sentences": sentences, "rules": broken}
            raise PydanticCustomError("broken_rules", "{sentences}", context)
        return self

    @property
    def groups_per_cluster(self) -> int:
        """PE groups that share the streams of one cluster."""
        return self.array.groups // self.array.clusters

    @property
    def pes(self) -> int:
        """Processing elements of the whole machine."""
        return self.array.groups * self.array.pes_per_group

    @property
    def buffer_bytes(self) -> int:
        """Capacity of the global buffer in bytes; 1 KB = 1024 bytes."""
        return self.buffer.kilobytes * 1024

    @property
    def words_per_line(self) -> int:
        """Operand words of a buffer line."""
        return self.buffer.line_bits // self.data.operand_bits

    @property
    def dram_bytes_per_cycle(self) -> float:
        """Peak off-chip bandwidth in bytes per clock cycle: (GB/s) 1000 / MHz."""
        return self.memory.bandwidth_gbytes_per_second * 1000 / self.array.clock_mhz

    @property
    def dram_latency_cycles(self) -> int:
        """Latency of an off-chip transfer in whole clock cycles, rounded up."""
        # Rounding to 1e-9 first: 65 ns at 800 MHz are 52 cycles, whatever the last bit of the product says.
        return math.ceil(round(self.memory.latency_ns * self.array.clock_mhz / 1000, 9))

    @property
    def row_format(self) -> str:
        """How rows lie in the buffer: data.row_format, or "dense" where zeros are not skipped."""
        return self.data.row_format if self.policy.skip_zeros else "dense"

    def dense_baseline(self) -> Machine:
        """The same machine with nothing skipped and nothing compressed; its name ends in "-dense"."""
        off = {
            "skip_zeros": False,
            "mask_skipping": False,
            "input_skipping": False,
            "channel_order": NATURAL_ORDER,
        }
        name = self.name if self.name.endswith(DENSE_SUFFIX) else self.name + DENSE_SUFFIX
        return self.model_copy(update={"name": name, "policy": self.policy.model_copy(update=off)})

    def to_target(self) -> Target:
        """What the compiler, the engine and the stepper have to know of this machine."""
        return Target(
            clusters=self.array.clusters,
            groups_per_cluster=self.groups_per_cluster,
            pes_per_group=self.array.pes_per_group,
            macs_per_pe=self.pe.macs_per_pe,
            row_slots=self.pe.row_slots,
            row_slot_entries=self.pe.row_slot_entries,
            reg1_words=self.pe.reg1_words,
            reg2_words=self.pe.reg2_words,
            pipeline_cycles=self.pe.pipeline_cycles,
            ppu_words_per_cycle=self.ppu.words_per_cycle,
            buffer_bytes=self.buffer_bytes,
            buffer_banks=self.buffer.banks,
            words_per_line=self.words_per_line,
            read_latency_cycles=self.buffer.read_latency_cycles,
            dispatch_cycles=self.controller.dispatch_cycles,
            tile_switch_cycles=self.controller.tile_switch_cycles,
            operand_bits=self.data.operand_bits,
            sum_bits=self.data.sum_bits,
            row_format=self.row_format,
            skip_zeros=self.policy.skip_zeros,
            mask_skipping=self.policy.mask_skipping,
            input_skipping=self.policy.input_skipping,
            row_handout_dynamic=self.policy.row_handout == "dynamic",
            job_handout_dynamic=self.policy.job_handout == "dynamic",
            dram_bytes_per_cycle=self.dram_bytes_per_cycle,
            dram_latency_cycles=self.dram_latency_cycles,
            stays=self.mapping.stays,
            gtw_broadcast=self.mapping.gtw_broadcast,
            channel_order=self.policy.channel_order,
            free_banks=self.ideal.free_banks,
            free_transfers=self.ideal.free_transfers,
            free_ppus=self.ideal.free_ppus,
            free_controller=self.ideal.free_controller,
        )
