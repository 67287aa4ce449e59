"""The cocotb side: plays a script against design/pe.sv and compares every output it names in every cycle."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

INPUTS = (
    "fill_count", "fill_entries", "arrive", "arriving_operation", "reg1_clear", "reg1_valid",
    "reg1_load_addresses", "reg1_load_words", "tap_load", "tap_load_set", "load_taps", "current_job",
    "fill_slot", "sums_mask", "drain", "drain_address",
)  # fmt: skip
HALF_CYCLE = Timer(1, "ns")


def _seen(handle: Any) -> int | str:
    """The value of an output; its bits where some are X, which is no value the script can ask for."""
    value = handle.value
    return int(value) if value.is_resolvable else str(value)


async def _clock(dut: Any) -> None:
    await HALF_CYCLE
    dut.clk.value = 1
    await HALF_CYCLE
    dut.clk.value = 0


async def _reset(dut: Any) -> None:
    for name in INPUTS:
        getattr(dut, name).value = 0
    dut.clk.value = 0
    dut.reset.value = 1
    for _ in range(4):
        await _clock(dut)
    dut.reset.value = 0


@cocotb.test()
async def plays_the_script(dut: Any) -> None:
    """Every output equals the script's in every cycle."""
    handles = {name: getattr(dut, name) for name in (*INPUTS, "busy", "reject", "done", "drained")}
    await _reset(dut)
    given: set[str] = set()
    with Path(os.environ["SPARSESIM_RTL_SCRIPT"]).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            inputs, outputs = json.loads(line)
            for name in given - inputs.keys():
                handles[name].value = 0
            for name, value in inputs.items():
                handles[name].value = value
            given = set(inputs)
            await HALF_CYCLE
            found = {name: _seen(handles[name]) for name in outputs}
            assert found == outputs, f"cycle {number}: {found} instead of {outputs}"
            dut.clk.value = 1
            await HALF_CYCLE
            dut.clk.value = 0
