"""Can every block be synthesized, without loops and double drivers, and is its area counted rightly?"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from sparsesim.energy.area import pe_um2, ppu_um2
from sparsesim.energy.ranges import COLUMNS, ColumnName
from sparsesim.energy.table import default_table
from sparsesim.machine.load import load_machine
from tests.rtl.cells import TRANSISTORS_PER_NAND2, Cells, Netlist, cells_of, plain_name
from tests.rtl.simulators import require
from tests.rtl.synthesize import TOP, group_parameters, modelled_um2, modules_of, read_steps, synthesize

MACHINE = load_machine("sparsetrain")
# All blocks and every arbiter with two sides, and little storage.
SMALL_MACHINE = {
    "clusters": 2, "groups_per_cluster": 2, "pes_per_group": 2, "buffer_banks": 2, "bank_lines": 16,
    "row_slot_entries": 8, "reg1_words": 8, "reg2_words": 8, "kernel_columns": 3, "job_words": 4,
    "rowop_words": 4, "unit_words": 4, "geometry_words": 4, "tile_words": 4, "descriptor_words": 4,
    "pointer_words": 32,
}  # fmt: skip
# Without parameters: the defaults.
TOPS = {"pe": {}, "ppu": {}, TOP: group_parameters(MACHINE), "machine": SMALL_MACHINE}
# Memories become flip-flops and multiplexers, or a loop through one that is read without a clock would not be
# seen; words that a memory lacks up to a power of two are then without a driver.
CHECK = "proc; check -assert; memory; setundef -undriven -zero; flatten; check -assert"

LOOP = """
module half(input logic clk, input logic [1:0] place, input logic [1:0] address, output logic [1:0] word);
  logic [1:0] words[0:3];
  assign word = words[address];
  always_ff @(posedge clk) words[place] <= address;
endmodule
module loop(input logic clk, input logic [1:0] place, output logic [1:0] word);
  logic [1:0] other;
  half one(.clk, .place, .address(other), .word);
  half two(.clk, .place, .address(word), .word(other));
endmodule
"""
TWO_DRIVERS = """
module twice(input logic a, input logic b, output logic c);
  assign c = a;
  assign c = b;
endmodule
"""


def _yosys(steps: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["yosys", "-q", "-p", steps], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("top", TOPS)
def test_no_block_has_a_loop_or_a_double_driver(top: str) -> None:
    require("yosys")
    done = _yosys(f"{read_steps(top, TOPS[top])}; {CHECK}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("top", "text", "said"),
    [("loop", LOOP, "found logic loop"), ("twice", TWO_DRIVERS, "multiple conflicting drivers")],
)
def test_the_check_finds_what_it_is_for(top: str, text: str, said: str, tmp_path: Path) -> None:
    require("yosys")
    (tmp_path / "wrong.sv").write_text(text, encoding="utf-8")
    done = _yosys(f"{read_steps(top, {}, [tmp_path / 'wrong.sv'])}; {CHECK}")
    assert done.returncode != 0
    assert said in done.stderr


def test_a_store_is_as_many_flip_flops_as_it_has_bits() -> None:
    require("yosys")
    cells = synthesize("mask_store", {"reg2_words": 8, "line_bits": 8}).total("mask_store")
    assert (cells.flip_flops, cells.enabled) == (16, 16)
    assert 0 < cells.nand2 < 20


def test_gates_are_counted_as_yosys_counts_them() -> None:
    require("yosys")
    steps = f"{read_steps('finish', {})}; synth -noabc; abc -g cmos; opt_clean; stat -tech cmos; stat -json"
    done = subprocess.run(["yosys", "-QT", "-p", steps], capture_output=True, text=True, check=True)
    (*_, transistors) = re.findall(r"Estimated number of transistors: +(\d+)", done.stdout)
    _, report = done.stdout.rsplit("Printing statistics.", 1)
    counted = Netlist.from_report(modules_of(report)).total("finish")
    assert counted.flip_flops == 0
    assert counted.nand2 * TRANSISTORS_PER_NAND2 == int(transistors)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("$_NOT_", Cells(nand2=0.5)),
        ("$_NMUX_", Cells(nand2=2.5)),
        ("$_DFF_P_", Cells(1)),
        ("$_DFFE_PP_", Cells(1, 1)),
        ("$_SDFF_PP0_", Cells(1, 0, 1.5)),
        ("$_SDFFE_PP0N_", Cells(1, 1, 1.5)),
    ],
)
def test_what_a_cell_counts(kind: str, cells: Cells) -> None:
    assert cells_of(kind) == cells


@pytest.mark.parametrize("kind", ["$_DLATCH_P_", "$_TBUF_", "$mul", r"\reg2", "NAND"])
def test_a_cell_of_unknown_size_is_an_error(kind: str) -> None:
    with pytest.raises(ValueError, match="has no size"):
        cells_of(kind)


def test_cells_of_a_module_count_once_for_each_instance() -> None:
    report = {
        "\\top": {"num_cells_by_type": {"$_NAND_": 1, "$paramod$0a1b\\pair": 2, "$paramod\\leaf\\n=1": 1}},
        "$paramod$0a1b\\pair": {"num_cells_by_type": {"$_DFFE_PP_": 4, "$paramod\\leaf\\n=1": 2}},
        "$paramod\\leaf\\n=1": {"num_cells_by_type": {"$_DFF_P_": 1, "$_XOR_": 1}},
    }
    netlist = Netlist.from_report(report)
    assert netlist.instances("top") == Counter(top=1, pair=2, leaf=5)
    assert netlist.own("pair") == Cells(4, 4, 0)
    assert netlist.total("pair") == Cells(6, 4, 6)
    assert netlist.total("top") == Cells(13, 8, 16)
    assert netlist.total("top").um2(1.5) == pytest.approx(1.5 * (13 + 16 / 6))


def test_a_module_of_two_sizes_is_an_error() -> None:
    cells = {"num_cells_by_type": {"$_NAND_": 1}}
    with pytest.raises(ValueError, match="modules reg2 are there with different parameters"):
        Netlist.from_report({"$paramod$00\\reg2": cells, "$paramod$11\\reg2": cells})


@pytest.mark.parametrize(
    "module",
    ["\\reg2", "$paramod$0a1b\\reg2", "$paramod\\reg2\\words=s32'1", "$paramod\\reg2\\a=1\\b=2"],
)
def test_plain_names_of_modules(module: str) -> None:
    assert plain_name(module) == "reg2"


def test_modules_are_read_from_a_report_that_is_not_json() -> None:
    report = '{"creator": "Yosys", "modules": {"\\\\a": {"num_cells_by_type": {}}},\n  b   3\n "design": {}}'
    assert modules_of(report) == {"\\a": {"num_cells_by_type": {}}}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_modules_parts_add_up_to_the_area_model(column: ColumnName) -> None:
    rows, pes = default_table().column(column), MACHINE.array.pes_per_group
    counts = {
        "mac_lane": pes * MACHINE.pe.macs_per_pe, "slot_store": pes, "reg1": pes, "reg2": pes,
        "detector": pes, "finish": MACHINE.ppu.words_per_cycle, "ppu": 1, "mask_store": 1, TOP: 1,
    }  # fmt: skip
    parts = modelled_um2(MACHINE, rows)
    assert counts.keys() == parts.keys()
    bare = (pes * pe_um2(MACHINE, rows) + ppu_um2(MACHINE, rows)) / (1 + rows("logic.area_overhead"))
    assert sum(counts[part] * um2 for part, um2 in parts.items()) == pytest.approx(bare)
