"""What the compiler has to know of a machine. `sparsesim.machine` makes one from a machine description."""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"  # of what the mapper may choose
NATURAL_ORDER, DENSITY_ORDER = "natural", "density"  # of channels across the groups


@dataclass(frozen=True)
class Target:
    """Sizes and policies of a machine; names as in docs/microarchitecture.md, units in the names."""

    clusters: int
    groups_per_cluster: int
    pes_per_group: int
    macs_per_pe: int
    row_slots: int
    row_slot_entries: int
    reg1_words: int
    reg2_words: int
    pipeline_cycles: int
    ppu_words_per_cycle: int
    buffer_bytes: int
    buffer_banks: int
    words_per_line: int
    read_latency_cycles: int
    dispatch_cycles: int
    tile_switch_cycles: int
    operand_bits: int
    sum_bits: int
    row_format: str  # "bitmask" | "offset" | "dense"
    skip_zeros: bool
    mask_skipping: bool
    input_skipping: bool
    row_handout_dynamic: bool
    job_handout_dynamic: bool
    dram_bytes_per_cycle: float
    dram_latency_cycles: int
    stays: str = AUTO  # what Forward and GTA keep in the buffer where it fits: "weights", "inputs", "outputs"
    gtw_broadcast: str = AUTO  # "dO" | "I"
    channel_order: str = NATURAL_ORDER  # | DENSITY_ORDER
    # Limits that only the engine takes away, under the program of the machine that has them.
    free_banks: bool = False
    free_transfers: bool = False
    free_ppus: bool = False
    free_controller: bool = False

    @property
    def groups(self) -> int:
        return self.clusters * self.groups_per_cluster

    @property
    def pes(self) -> int:
        return self.groups * self.pes_per_group

    @property
    def line_bits(self) -> int:
        return self.words_per_line * self.operand_bits
