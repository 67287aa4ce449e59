"""Cases of the whole machine: what the bench is given, and what stepper, engine and interpreter say of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparsesim.engine.dma import schedule
from sparsesim.engine.kernels import layout
from sparsesim.engine.kernels.layout import new_state
from sparsesim.engine.kernels.tile import run_tile
from sparsesim.engine.operands import pack_operands
from sparsesim.engine.stage import kernel_machine
from sparsesim.stepper import ProgramCounts, step_program
from tests.rtl.layers import Case

# What the RTL counts for a program, and the same of the stepper's tiles.
TILE_COUNTERS = ("headers", "lines_read", "lines_sums_read", "lines_written")
Observed = dict[str, Any]


def write_cases(cases: Iterable[Case], path: Path) -> Path:
    """One line of JSON for every case."""
    with path.open("w", encoding="utf-8") as out:
        for case in cases:
            out.write(json.dumps(_given(case)) + "\n")
    return path


def _given(case: Case) -> dict[str, Any]:
    rate, assembled = case.dram_bytes_per_cycle, case.assembled
    return {
        "tables": assembled.tables,
        "memory": assembled.memory,
        "lines": sorted(assembled.expected),
        "rate_bytes": rate.numerator,
        "rate_cycles": rate.denominator,
        "dram_latency_cycles": case.target.dram_latency_cycles,
        "most_cycles": 2 * case.cycles + 1000,
    }


def read_observed(path: Path) -> list[Observed]:
    """What the bench wrote down, case by case."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def differences(case: Case, observed: Observed) -> list[str]:
    """Everything in which the RTL differs from stepper, engine or interpreter; nothing if they agree."""
    stepped = step_program(case.program, case.masks, case.assembled.transfers)
    tiles = len(stepped.tiles)
    seen: Sequence[dict[str, Any]] = observed["seen"]
    if len(seen) != tiles + 1:
        return [f"the RTL ended {max(len(seen) - 1, 0)} of {tiles} tiles"]
    found = [
        *_tile_differences(stepped, seen, case),
        *_program_differences(stepped, seen[-1]),
        *_engine_differences(case, stepped),
        *_memory_differences(case, observed["memory"]),
    ]
    if sum(observed["abs_sums"]) != case.assembled.abs_sum:
        found.append(f"abs_sum {sum(observed['abs_sums'])} instead of {case.assembled.abs_sum}")
    return found


def _tile_differences(stepped: ProgramCounts, seen: Sequence[dict[str, Any]], case: Case) -> list[str]:
    """Counters run on from tile to tile; those of a tile are what they grew by."""
    found, before = (
        [],
        {"tile_cycles": 0, "states": [0] * len(seen[0]["states"])} | dict.fromkeys(TILE_COUNTERS, 0),
    )
    for number, (tile, after) in enumerate(zip(stepped.tiles, seen, strict=False)):
        pairs = [("tile_cycles", tile.cycles), *((name, getattr(tile, name)) for name in TILE_COUNTERS)]
        for name, expected in pairs:
            if after[name] - before[name] != expected:
                found.append(f"tile {number}: {name} {after[name] - before[name]} instead of {expected}")
        grown = np.array(after["states"]) - np.array(before["states"])
        if (grown.reshape(tile.pe_states.shape) != tile.pe_states).any():
            found.append(
                f"tile {number}: states {grown.tolist()} instead of {tile.pe_states.ravel().tolist()}"
            )
        before = after
    return found


def _program_differences(stepped: ProgramCounts, after: dict[str, Any]) -> list[str]:
    expected = {
        "cycles": stepped.with_dram_cycles,
        "tile_cycles": stepped.on_chip_cycles,
        "dram_cycles": stepped.dram_cycles,
        "dma_busy_cycles": stepped.dma_busy_cycles,
    }
    return [
        f"{name} {after[name]} instead of {value}" for name, value in expected.items() if after[name] != value
    ]


def _engine_differences(case: Case, stepped: ProgramCounts) -> list[str]:
    """The engine against the same stepper: the RTL equals both or there is a difference here."""
    program, machine = case.program, kernel_machine(case.target)
    operands, cycles, found = pack_operands(program, case.masks), [], []
    for number, tile in enumerate(program.tiles):
        state = new_state(machine)
        cycles.append(run_tile(program.jobs[tile.job_start : tile.job_end], machine, operands, state))
        expected = stepped.tiles[number]
        states = state.states.transpose(0, 2, 1, 3).reshape(expected.pe_states.shape)
        counted = int(state.counts[layout.LINES_READ]), int(state.counts[layout.HEADERS])
        if cycles[-1] != expected.cycles or (states != expected.pe_states).any():
            found.append(
                f"tile {number}: the engine takes {cycles[-1]} cycles, the stepper {expected.cycles}"
            )
        if counted != (expected.lines_read, expected.headers):
            found.append(f"tile {number}: the engine counts {counted} lines and headers")
    end = schedule(np.array(cycles), case.assembled.transfers, case.target).cycles
    if end != stepped.with_dram_cycles:
        found.append(f"the engine's program ends at {end}, the stepper's at {stepped.with_dram_cycles}")
    return found


def _memory_differences(case: Case, memory: dict[str, int | str]) -> list[str]:
    wrong = [
        f"line {line}: {memory[str(line)]!r} instead of {value!r}"
        for line, value in case.assembled.expected.items()
        if memory[str(line)] != value
    ]
    return [*wrong[:3], *([f"... {len(wrong)} lines of {len(memory)}"] if len(wrong) > 3 else [])]
