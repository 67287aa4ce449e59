"""Synthesizes the PE with Yosys and holds its size against the area table: python -m tests.rtl.synthesize.

Flip-flops are counted at the table's flop_bit.area. Gates are counted in NAND2 of 4 transistors (static CMOS,
as Yosys counts them); a flip-flop of 24 transistors is 6 NAND2, so one NAND2 is a sixth of flop_bit.area.
Clock tree, wiring and utilisation are in neither figure: logic.area_overhead is left out of both.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sparsesim.energy.area import pe_um2
from sparsesim.energy.table import default_table
from sparsesim.machine.load import load_machine
from tests.rtl.simulators import sources

# Transistors of static CMOS gates, as of `stat -tech cmos` of Yosys.
TRANSISTORS = {
    "NOT": 2, "NAND": 4, "NOR": 4, "AND": 6, "OR": 6, "ANDNOT": 6, "ORNOT": 6, "XOR": 12, "XNOR": 12,
    "MUX": 12, "AOI3": 6, "OAI3": 6, "AOI4": 8, "OAI4": 8,
}  # fmt: skip
TRANSISTORS_PER_NAND2 = 4
NAND2_PER_FLIP_FLOP = 6


@dataclass(frozen=True)
class Block:
    """Cells of one module without those below it."""

    flip_flops: int
    nand2: float


def synthesize() -> dict[str, Block]:
    """Blocks of the PE at the default sizes, by module name."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "cells.json"
        steps = f"read_verilog -sv {' '.join(map(str, sources()))}; hierarchy -top pe; synth -top pe; "
        steps += f"abc -g cmos; opt_clean; tee -q -o {report} stat -json"
        subprocess.run(["yosys", "-q", "-p", steps], check=True)
        modules = json.loads(report.read_text(encoding="utf-8"))["modules"]
    return {_plain_name(name): _block(module["num_cells_by_type"]) for name, module in modules.items()}


def _plain_name(module: str) -> str:
    """`$paramod$<digest>\\reg2` and `\\reg2` are both reg2."""
    return (
        re.split(r"\\", module.removeprefix("$paramod\\"))[-1 if module.startswith("$paramod$") else 0]
        or module[1:]
    )


def _block(cells: dict[str, Any]) -> Block:
    flip_flops, transistors = 0, 0
    for kind, count in cells.items():
        name = kind.removeprefix("$_").split("_")[0]
        if "DFF" in name:
            flip_flops += count
        elif name in TRANSISTORS:
            transistors += TRANSISTORS[name] * count
    return Block(flip_flops, transistors / TRANSISTORS_PER_NAND2)


def main() -> None:
    """Print the cells and the estimated area of every block, and the energy model's area of a PE."""
    machine, rows = load_machine("sparsetrain"), default_table().column("centre")
    flip_flop_um2 = rows("flop_bit.area")
    blocks, table = synthesize(), Table("block", "flip-flops", "NAND2", "um2")
    for name, block in sorted(blocks.items()):
        um2 = flip_flop_um2 * (block.flip_flops + block.nand2 / NAND2_PER_FLIP_FLOP)
        table.add_row(name, str(block.flip_flops), f"{block.nand2:.0f}", f"{um2:.0f}")
    flip_flops = sum(block.flip_flops for block in blocks.values())
    nand2 = sum(block.nand2 for block in blocks.values())
    um2 = flip_flop_um2 * (flip_flops + nand2 / NAND2_PER_FLIP_FLOP)
    table.add_row("pe, all of it", str(flip_flops), f"{nand2:.0f}", f"{um2:.0f}")
    modelled = pe_um2(machine, rows) / (1 + rows("logic.area_overhead"))
    console = Console(file=sys.stdout)
    console.print(table)
    console.print(
        f"energy model, without overhead: {modelled:.0f} um2; synthesized / modelled: {um2 / modelled:.2f}"
    )


if __name__ == "__main__":
    main()
