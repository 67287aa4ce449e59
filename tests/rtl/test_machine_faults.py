"""Does the comparison of the whole machine see a wrong latency, arbiter, depth, address or counter?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rtl.block_faults import first_outputs
from tests.rtl.faults import Fault
from tests.rtl.machine_fault_list import FAULTS
from tests.rtl.machine_faults import Finding, find_all, kind, seeded_design, table
from tests.rtl.model_faults import MODEL_FAULTS
from tests.rtl.simulators import DESIGN, require

# Above the PE and PPU, which have faults of their own.
MACHINE_FILES = {
    "activity", "bank", "cluster", "controller", "dma", "fetch_unit", "line_pipeline", "line_reader",
    "machine", "map_items", "mask_store", "next_operation", "oldest_first", "pe_group", "tile_sequencer",
    "unit_items", "write_port",
}  # fmt: skip


@pytest.mark.slow
def test_every_seeded_fault_is_found_and_nothing_else(tmp_path: Path) -> None:
    require("verilator")
    findings = find_all(tmp_path)
    assert findings.wrong_without == []
    assert len(findings.seeded) == len(FAULTS) + len(MODEL_FAULTS)
    assert [finding.name for finding in findings.seeded if finding.case is None] == []
    kinds = {kind for finding in findings.seeded for kind in finding.found_by}
    assert kinds == {"clock", "counters", "memory", "does not end"}


def test_there_are_faults_in_every_file_of_the_machine() -> None:
    assert {fault.file for fault in FAULTS} == {f"{name}.sv" for name in MACHINE_FILES}
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 40
    assert {fault.where for fault in MODEL_FAULTS} == {"stepper", "engine"}


def test_a_fault_changes_its_file_alone_and_only_where_it_is_chosen(tmp_path: Path) -> None:
    design = seeded_design(tmp_path / "design", FAULTS[:1])
    changed = [
        path.name for path in DESIGN.glob("*.sv") if path.read_text() != (design / path.name).read_text()
    ]
    assert changed == [FAULTS[0].file]
    assert (design / FAULTS[0].file).read_text().count("(seeded_bench.fault == 8'd1)") == 1


@pytest.mark.parametrize("right", ["not there", "assign"])
def test_a_fault_without_one_place_is_refused(right: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"oldest_first\.sv has \d places for 'some fault', not 1"):
        seeded_design(tmp_path / "design", [Fault("some fault", "oldest_first.sv", right, "FAULT")])


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ("the RTL ended 1 of 2 tiles", "does not end"),
        ("tile 3: tile_cycles 10 instead of 11", "clock"),
        ("cycles 10 instead of 11", "clock"),
        ("tile 0: the engine takes 10 cycles, the stepper 11", "clock"),
        ("tile 12: states [1] instead of [2]", "counters"),
        ("tile 0: lines_read 1 instead of 2", "counters"),
        ("dma_busy_cycles 1 instead of 2", "counters"),
        ("line 17: 1 instead of 2", "memory"),
        ("... 4 lines of 20", "memory"),
        ("abs_sum 1 instead of 2", "memory"),
    ],
)
def test_differences_are_sorted_by_what_they_are_about(difference: str, expected: str) -> None:
    assert kind(difference) == expected


def test_the_table_says_what_was_found_and_what_was_not() -> None:
    findings = [
        Finding("late", "bank.sv", 2, ["cycles 1 instead of 2", "dram_cycles 1 instead of 2"]),
        Finding("unseen", "dma.sv", None, []),
    ]
    assert table(findings).splitlines()[2:] == [
        "| late | `bank.sv` | clock, counters | 3 |",
        "| unseen | `dma.sv` | **nothing** |  |",
    ]


def test_outputs_that_differ_first_are_named() -> None:
    text = "cycle 7: {'busy': 1, 'done': 'XX', 'drained': 3} instead of {'busy': 1, 'done': 0, 'drained': 4}"
    assert first_outputs(text) == (["done", "drained"], "7")
    assert first_outputs("anything else") == ([], "")
