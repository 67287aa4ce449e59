"""Area of a machine from the area rows of the table: what wires and leakage depend on."""

from __future__ import annotations

import math

from sparsesim.energy.per_action import JOB_BITS, POINTER_BITS, POINTER_TABLE_WORDS, Column, entry_bits
from sparsesim.energy.ranges import COLUMNS, Range
from sparsesim.energy.table import EnergyTable
from sparsesim.energy.values import Rows
from sparsesim.machine.description import Machine

UM2_PER_MM2 = 1e6
AREA_PARTS = ("pe", "ppu", "buffer", "controller", "total")


def pe_um2(machine: Machine, rows: Rows) -> float:
    """One PE: MACs, the bits of slots, Reg-1, Reg-2 and their masks, the detector; plus overhead."""
    pe = machine.pe
    blocks = pe.macs_per_pe * rows(f"mac_{machine.data.operand_format}.area")
    blocks += _pe_bits(machine) * rows("flop_bit.area")
    if machine.policy.mask_skipping or machine.policy.input_skipping:
        blocks += pe.macs_per_pe * rows("detector.area")
    return blocks * (1 + rows("logic.area_overhead"))


def _pe_bits(machine: Machine) -> int:
    """Two vectors of Reg-1, and the masks of two jobs beside the sums: the next is fetched while one runs."""
    pe, data, policy = machine.pe, machine.data, machine.policy
    ch1_bits = pe.reg1_words * (data.operand_bits + policy.input_skipping)
    slot_bits = pe.row_slot_entries * entry_bits(machine)
    sums_bits = pe.reg2_words * (data.sum_bits + 2 * policy.mask_skipping)
    return 2 * ch1_bits + pe.row_slots * slot_bits + sums_bits


def ppu_um2(machine: Machine, rows: Rows) -> float:
    """One PPU: result register of P x Reg-2, P adders and one MAC per lane, compaction; plus overhead."""
    pes, lanes, data = machine.array.pes_per_group, machine.ppu.words_per_cycle, machine.data
    blocks = pes * machine.pe.reg2_words * data.sum_bits * rows("flop_bit.area")
    blocks += lanes * (pes * rows("add_int32.area") + rows(f"mac_{data.operand_format}.area"))
    if machine.policy.skip_zeros:
        blocks += rows("compaction.area")
    return blocks * (1 + rows("logic.area_overhead"))


def buffer_um2(machine: Machine, rows: Rows) -> float:
    """banks x area_per_bank + KB x area_per_kilobyte."""
    buffer = machine.buffer
    return buffer.banks * rows("sram.area_per_bank") + buffer.kilobytes * rows("sram.area_per_kilobyte")


def controller_um2(machine: Machine, rows: Rows) -> float:
    """An estimate: a pointer table and two job descriptors a cluster, and a job table, as flip-flops."""
    table_bits = POINTER_TABLE_WORDS * POINTER_BITS
    bits = machine.array.clusters * (table_bits + 2 * JOB_BITS) + table_bits
    return bits * rows("flop_bit.area") * (1 + rows("logic.area_overhead"))


def _areas_um2(machine: Machine, rows: Rows) -> dict[str, float]:
    parts = {
        "pe": machine.pes * pe_um2(machine, rows),
        "ppu": machine.array.groups * ppu_um2(machine, rows),
        "buffer": buffer_um2(machine, rows),
        "controller": controller_um2(machine, rows),
    }
    return {**parts, "total": sum(parts.values())}


def area(machine: Machine, table: EnergyTable) -> dict[str, Range]:
    """Area in um2 of all PEs, all PPUs, the buffer and the controller, and their total (AREA_PARTS)."""
    columns = [_areas_um2(machine, table.column(name)) for name in COLUMNS]
    return {part: Range(*(column[part] for column in columns)) for part in AREA_PARTS}


def column_of(machine: Machine, rows: Rows) -> Column:
    """One number a row of the table, with the wire lengths that follow from the areas: sides of squares."""
    parts = _areas_um2(machine, rows)
    array_um2 = parts["pe"] + parts["ppu"]
    return Column(
        machine=machine,
        rows=rows,
        chip_side_mm=math.sqrt(parts["total"] / UM2_PER_MM2),
        cluster_side_mm=math.sqrt(array_um2 / machine.array.clusters / UM2_PER_MM2),
        group_side_mm=math.sqrt(array_um2 / machine.array.groups / UM2_PER_MM2),
        logic_mm2=(parts["total"] - parts["buffer"]) / UM2_PER_MM2,
    )
