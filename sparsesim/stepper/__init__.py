"""The machine of docs/microarchitecture.md, stepped one clock at a time and block by block.

Slow and obviously right: it is what "cycle-accurate" means here, and shares no arithmetic with the engine.
Reading order: machine (the phases of a cycle), jobs, operands and storage (what is fetched), fetch, bank, pe,
ppu, group (where idle cycles go), controller, dma.
"""

from sparsesim.stepper.counters import (
    BUFFER,
    BUSY,
    DISPATCH,
    IMBALANCE,
    PPU,
    REJECT,
    STATE_NAMES,
    ProgramCounts,
    TileCounts,
)
from sparsesim.stepper.machine import step_program, step_tile
from sparsesim.stepper.operands import Masks

__all__ = [
    "BUFFER",
    "BUSY",
    "DISPATCH",
    "IMBALANCE",
    "PPU",
    "REJECT",
    "STATE_NAMES",
    "Masks",
    "ProgramCounts",
    "TileCounts",
    "step_program",
    "step_tile",
]
