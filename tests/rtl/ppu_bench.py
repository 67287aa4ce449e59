"""The cocotb side: plays a script against design/ppu.sv. An input keeps its value until it is named again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

STROBES = ("seed_load", "drain", "transfer")
INPUTS = (
    *STROBES, "seed", "accumulators", "read_sums", "final_result", "masked", "relu", "prune", "shift",
    "threshold", "mask", "drain_index", "drained", "line_index", "sums_line",
)  # fmt: skip
OUTPUTS = ("sums_lines", "lines", "reading", "write_line", "abs_sum")
HALF_CYCLE = Timer(1, "ns")


def _seen(handle: Any) -> int | str:
    """The value of an output; its bits where some are X."""
    value = handle.value
    return int(value) if value.is_resolvable else str(value)


async def _reset(dut: Any) -> None:
    for name in INPUTS:
        getattr(dut, name).value = 0
    for reset in (1, 1, 0):
        dut.reset.value = reset
        dut.clk.value = 0
        await HALF_CYCLE
        dut.clk.value = 1
        await HALF_CYCLE
    dut.clk.value = 0


@cocotb.test()
async def plays_the_script(dut: Any) -> None:
    """Every output the script names has the value it says; a strobe it does not name is 0."""
    handles = {name: getattr(dut, name) for name in (*INPUTS, *OUTPUTS)}
    await _reset(dut)
    strobes: set[str] = set()
    with Path(os.environ["SPARSESIM_RTL_SCRIPT"]).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            inputs, outputs = json.loads(line)
            for name in strobes - inputs.keys():
                handles[name].value = 0
            for name, value in inputs.items():
                handles[name].value = value
            strobes = inputs.keys() & set(STROBES)
            await HALF_CYCLE
            found = {name: _seen(handles[name]) for name in outputs}
            assert found == outputs, f"cycle {number}: {found} instead of {outputs}"
            dut.clk.value = 1
            await HALF_CYCLE
            dut.clk.value = 0
