"""Faults seeded into the PE: one changed expression each. A suite that does not see them proves nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.rtl.simulators import DESIGN


@dataclass(frozen=True)
class Fault:
    """`right` in a design file becomes `wrong`."""

    name: str
    file: str
    right: str
    wrong: str


FAULTS = (
    Fault(
        "pipeline one cycle longer",
        "pe.sv",
        ".pipeline_cycles(pipeline_cycles)",
        ".pipeline_cycles(pipeline_cycles + 1)",
    ),
    Fault("next job starts before the drain", "pe.sv", "job == current_job", "1'b1"),
    Fault(
        "reject takes two cycles",
        "sequencer.sv",
        "active && rest == '0",
        "active && rest == '0 && (halfway || pending != '0)",
    ),
    Fault("one entry too many", "sequencer.sv", "index + 1'b1 == entries", "index == entries"),
    Fault("last column belongs to the block twice", "detector.sv", "< $signed(last)", "<= $signed(last)"),
    Fault("stride is not looked at", "detector.sv", "residue == phase &&", "residue == residue &&"),
    Fault("ReLU mask the wrong way round", "detector.sv", "!sums_mask[sum]", "sums_mask[sum]"),
    Fault("zeros of ch1 are not skipped", "detector.sv", "input_skipping && !ch1_mask[word]", "1'b0"),
    Fault("slots are not filled in turn", "sequencer.sv", "? '0 : slot + 1'b1", "? '0 : slot"),
    Fault("a skipped slot is waited for", "sequencer.sv", "arrive && others_full == '0", "1'b0"),
    Fault("slot entries start in bank 0", "slot_store.sv", "(b - 32'(fill_index))", "b"),
    Fault(
        "old words of a cleared vector are read",
        "reg1.sv",
        "nonzero[address] ? words[address] : '0",
        "words[address]",
    ),
    Fault("drained sums are not cleared", "reg2.sv", "reset || drained_now", "reset"),
    Fault(
        "drain leaves the last sum",
        "reg2.sv",
        "distance < drain_bits'(ppu",
        "distance + 1'b1 < drain_bits'(ppu",
    ),
    Fault("products of an entry are lost", "lane_select.sv", "left = left & (left - 1'b1)", "left = '0"),
    Fault("unsigned operands", "mac_lane.sv", "logic signed [operand_bits-1:0]", "logic [operand_bits-1:0]"),
)


def seeded(fault: Fault, folder: Path) -> Path:
    """A copy of the design with the fault in it."""
    shutil.copytree(DESIGN, folder)
    path = folder / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(
            f"{fault.file} has {text.count(fault.right)} places for the fault {fault.name!r}, not 1"
        )
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    return folder
