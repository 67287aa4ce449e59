"""Synthesizes a PE group with Yosys and holds PE, PPU and group against the area of the energy model:
python -m tests.rtl.synthesize [MACHINE]. It takes three to five minutes on one core.

Sizes are those of a preset or description, by default of `sparsetrain`; all storage becomes flip-flops. The
hierarchy is kept, so that cells can be told by module, and nothing is optimised across the modules' borders.
Clock tree, wiring and utilisation are not in the cells; logic.area_overhead, for wiring and control, is in
one of the two ratios.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sparsesim.energy.area import Rows, pe_um2, ppu_um2
from sparsesim.energy.per_action import entry_bits
from sparsesim.energy.table import default_table
from sparsesim.machine.description import Machine
from sparsesim.machine.load import load_machine
from tests.rtl.cells import TRANSISTORS, TRANSISTORS_PER_NAND2, Netlist
from tests.rtl.simulators import sources
from workloads.errors import UserError

TOP = "pe_group"
BLOCKS = ("pe", "ppu", TOP)


def read_steps(top: str, parameters: Mapping[str, int], files: list[Path] | None = None) -> str:
    """Commands of Yosys that read the design and set the parameters of its top module."""
    # `hierarchy -chparam` of Yosys 0.23 fails on an assertion of its own for pe_group.
    sizes = "".join(f"-set {name} {value} " for name, value in parameters.items())
    names = " ".join(map(str, files or sources()))
    set_sizes = f"chparam {sizes}{top}; " if sizes else ""
    return f"read_verilog -sv {names}; {set_sizes}hierarchy -check -top {top}"


def synthesize(top: str, parameters: Mapping[str, int], files: list[Path] | None = None) -> Netlist:
    """The netlist of a module. CalledProcessError if Yosys fails, also on a loop through its gates."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "cells.json"
        steps = f"{read_steps(top, parameters, files)}; synth -noabc; abc -g cmos; opt_clean; "
        steps += f"tee -q -o {report} stat -json; flatten; check -assert"
        subprocess.run(["yosys", "-q", "-p", steps], check=True)
        return Netlist.from_report(modules_of(report.read_text(encoding="utf-8")))


def modules_of(report: str) -> dict[str, Any]:
    """What `stat -json` says of the modules. Yosys 0.23 prints lines that are not JSON behind it."""
    start = report.index("{", report.index('"modules"'))
    modules: dict[str, Any] = json.JSONDecoder().raw_decode(report, start)[0]
    return modules


def group_parameters(machine: Machine) -> dict[str, int]:
    """Parameters of design/pe_group.sv. How long a kernel row and how far a column may be, stays as there."""
    pe, data, policy = machine.pe, machine.data, machine.policy
    return {
        "pes_per_group": machine.array.pes_per_group,
        "macs_per_pe": pe.macs_per_pe,
        "row_slots": pe.row_slots,
        "row_slot_entries": pe.row_slot_entries,
        "reg1_words": pe.reg1_words,
        "reg2_words": pe.reg2_words,
        "pipeline_cycles": pe.pipeline_cycles,
        "ppu_words_per_cycle": machine.ppu.words_per_cycle,
        "buffer_banks": machine.buffer.banks,
        "operand_bits": data.operand_bits,
        "sum_bits": data.sum_bits,
        "line_bits": machine.buffer.line_bits,
        "mask_skipping": int(policy.mask_skipping),
        "input_skipping": int(policy.input_skipping),
    }


def modelled_um2(machine: Machine, rows: Rows) -> dict[str, float]:
    """What the area model counts for one instance of each module of a machine that skips, without overhead.

    The same parts as in sparsesim/energy/area.py, each with the module that does its work: the MAC of a lane
    with the multiplier (its adder is in reg2), the masks with the group's one store, the PPU's adders with
    the group.
    """
    pe, data, pes = machine.pe, machine.data, machine.array.pes_per_group
    flip_flop, mac = rows("flop_bit.area"), rows(f"mac_{data.operand_format}.area")
    sums = pe.reg2_words * data.sum_bits * flip_flop
    return {
        "mac_lane": mac,
        "slot_store": pe.row_slots * pe.row_slot_entries * entry_bits(machine) * flip_flop,
        "reg1": 2 * pe.reg1_words * (data.operand_bits + machine.policy.input_skipping) * flip_flop,
        "reg2": sums,
        "detector": pe.macs_per_pe * rows("detector.area"),
        "mask_store": pes * pe.reg2_words * 2 * machine.policy.mask_skipping * flip_flop,
        "ppu": pes * sums + rows("compaction.area"),
        "finish": mac,
        TOP: machine.ppu.words_per_cycle * pes * rows("add_int32.area"),
    }


def block_table(netlist: Netlist, machine: Machine, rows: Rows) -> Table:
    """PE, PPU and group against the model, without and with its overhead."""
    table = Table("block", "flip-flops", "NAND2", "um2", "model", "ratio", "with overhead", "ratio")
    pe, ppu = pe_um2(machine, rows), ppu_um2(machine, rows)
    modelled = dict(zip(BLOCKS, (pe, ppu, machine.array.pes_per_group * pe + ppu), strict=True))
    for block in BLOCKS:
        cells, charged = netlist.total(block), modelled[block]
        um2, bare = cells.um2(rows("flop_bit.area")), charged / (1 + rows("logic.area_overhead"))
        areas = (f"{um2:.0f}", f"{bare:.0f}", f"{um2 / bare:.2f}", f"{charged:.0f}", f"{um2 / charged:.2f}")
        table.add_row(block, str(cells.flip_flops), f"{cells.nand2:.0f}", *areas)
    return table


def module_table(netlist: Netlist, machine: Machine, rows: Rows) -> Table:
    """Each module of the group without those below it, the largest difference to the model first."""
    flip_flop_um2, modelled = rows("flop_bit.area"), modelled_um2(machine, rows)
    lines = []
    for module, count in netlist.instances(TOP).items():
        own, part = netlist.own(module), modelled.get(module, 0.0)
        um2 = own.um2(flip_flop_um2)
        figures = f"{own.flip_flops}", f"{own.nand2:.0f}", f"{um2:.0f}", f"{part:.0f}"
        lines.append((count * (um2 - part), (module, str(count), *figures)))
    table = Table("module", "in a group", "flip-flops", "NAND2", "um2", "model", "difference in a group")
    for difference, line in sorted(lines, reverse=True):
        table.add_row(*line, f"{difference:.0f}")
    return table


def main() -> None:
    """Print cells and area of PE, PPU and group beside the model's, then module by module."""
    if shutil.which("yosys") is None:
        raise UserError("yosys is not on the PATH (apt install yosys)")
    machine = load_machine(sys.argv[1] if len(sys.argv) > 1 else "sparsetrain")
    rows = default_table().column("centre")
    netlist, console = synthesize(TOP, group_parameters(machine)), Console(file=sys.stdout, width=110)
    console.print(block_table(netlist, machine, rows))
    console.print(module_table(netlist, machine, rows))
    enabled = netlist.total(TOP).enabled
    console.print(
        f"{enabled} flip-flops of the group have an enable, taken as clock gating; as multiplexers these "
        f"would be {enabled * TRANSISTORS['MUX'] / TRANSISTORS_PER_NAND2:.0f} NAND2 more."
    )


if __name__ == "__main__":
    main()
