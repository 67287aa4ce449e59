"""The cocotb side of the whole machine: runs one case after the other and writes down what came out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, ReadOnly, RisingEdge

INPUTS = (
    "run", "program_write", "program_select", "program_address", "program_data", "dram_latency_cycles",
    "rate_bytes", "rate_cycles", "host_write", "host_line", "host_write_line",
)  # fmt: skip
COUNTERS = (
    "cycles", "tile_cycles", "dram_cycles", "dma_busy_cycles", "headers", "lines_read", "lines_sums_read",
    "lines_written",
)  # fmt: skip
COUNT_BITS, SUM_BITS = 24, 40


def _fields(handle: Any, bits: int) -> list[int]:
    """The numbers of `bits` bits that stand side by side in a signal, the lowest first."""
    word = int(handle.value)
    return [word >> place & ((1 << bits) - 1) for place in range(0, len(handle), bits)]


async def _reset(dut: Any, case: dict[str, Any]) -> None:
    for name in INPUTS:
        getattr(dut, name).value = 0
    for name in ("dram_latency_cycles", "rate_bytes", "rate_cycles"):
        getattr(dut, name).value = case[name]
    dut.reset.value = 1
    await ClockCycles(dut.clk, 3)
    dut.reset.value = 0


async def _write_program(dut: Any, tables: dict[str, list[int]]) -> None:
    dut.program_write.value = 1
    for select, words in tables.items():
        dut.program_select.value = int(select)
        for address, word in enumerate(words):
            dut.program_address.value = address
            dut.program_data.value = word
            await RisingEdge(dut.clk)
    dut.program_write.value = 0


async def _fill_memory(dut: Any, memory: dict[str, int]) -> None:
    dut.host_write.value = 1
    for line, value in memory.items():
        dut.host_line.value = int(line)
        dut.host_write_line.value = value
        await RisingEdge(dut.clk)
    dut.host_write.value = 0


async def _read_memory(dut: Any, lines: list[int]) -> dict[int, int | str]:
    found: dict[int, int | str] = {}
    for line in lines:
        dut.host_line.value = line
        await RisingEdge(dut.clk)
        await ReadOnly()
        value = dut.host_read_line.value
        found[line] = int(value) if value.is_resolvable else str(value)
        await RisingEdge(dut.clk)
    return found


def _seen(dut: Any) -> dict[str, Any]:
    return {name: int(getattr(dut, name).value) for name in COUNTERS} | {
        "states": _fields(dut.states, COUNT_BITS)
    }


async def _run(dut: Any, most_cycles: int) -> list[dict[str, Any]]:
    """What the counters were at the end of every tile, and of the program; fewer if it does not end."""
    seen: list[dict[str, Any]] = []
    dut.run.value = 1
    timeout = ClockCycles(dut.clk, most_cycles)
    while True:
        fired = await First(dut.tile.value_change, RisingEdge(dut.finished), timeout)
        if fired is timeout:
            return seen
        await ReadOnly()
        # The last tile and the program may end together.
        if int(dut.tile.value) > len(seen):
            seen.append(_seen(dut))
        if int(dut.finished.value):
            break
    await RisingEdge(dut.clk)
    await ReadOnly()
    return [*seen, _seen(dut)]


async def observe(dut: Any, case: dict[str, Any]) -> dict[str, Any]:
    await _reset(dut, case)
    await _write_program(dut, case["tables"])
    await _fill_memory(dut, case["memory"])
    await RisingEdge(dut.clk)
    seen = await _run(dut, case["most_cycles"])
    await RisingEdge(dut.clk)
    abs_sums = _fields(dut.abs_sums, SUM_BITS)
    dut.run.value = 0
    return {"seen": seen, "abs_sums": abs_sums, "memory": await _read_memory(dut, case["lines"])}


@cocotb.test()
async def runs_the_cases(dut: Any) -> None:
    """Whether what came out is right is said by the test that gave the cases."""
    Clock(dut.clk, 2, unit="ns").start()
    cases, results = (Path(os.environ[f"SPARSESIM_RTL_{name}"]) for name in ("SCRIPT", "RESULTS"))
    with cases.open(encoding="utf-8") as lines, results.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(await observe(dut, json.loads(line))) + "\n")
            out.flush()
