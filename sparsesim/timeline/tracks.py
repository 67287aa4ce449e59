"""What the columns of spans mean: those of the engine's log, and what happens around its tiles.

Spans are int64[n, LOG_COLUMNS] with the columns of sparsesim/engine/kernels/log.py. In a timeline START and
END count from the start of the stage's schedule (with_dram) and JOB from the first job of the program.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sparsesim.engine.kernels import log

Spans = NDArray[np.int64]

# Tracks beside those of the log, one unit each. FIRST: the tile, -1 none; SECOND: bytes of a transfer.
TRANSFER_TRACK, TILE_TRACK = OF_TILES = log.N_TRACKS, log.N_TRACKS + 1

DRAM = 6  # a seventh state of the PEs: no tile runs, the array waits for the off-chip memory
STATE_NAMES = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch", "dram")

# WHAT of the two tracks.
LOAD, STORE = 0, 1
TILE, MEMORY_WAIT = 0, 1

CATEGORIES = {
    log.PE_TRACK: "pe",
    log.FETCH_TRACK: "fetch port",
    log.WRITE_TRACK: "write port",
    log.BANK_TRACK: "bank",
    log.PPU_TRACK: "ppu",
    log.CONTROLLER_TRACK: "controller",
    TRANSFER_TRACK: "dma",
    TILE_TRACK: "tile",
}

_FETCHED = {log.FETCH_OPERATION: "operation", log.FETCH_CH1: "ch1 rows", log.FETCH_MASK: "mask"}
_WRITTEN = {log.SUMS_READ: "sums read", log.WRITE: "write"}

# By track, the name of each WHAT.
SPAN_NAMES: dict[int, dict[int, str]] = {
    log.PE_TRACK: dict(enumerate(STATE_NAMES)),
    log.FETCH_TRACK: {log.HEADER: "header", log.FETCH_WAIT: "wait for bank", **_FETCHED},
    log.WRITE_TRACK: {log.WRITE_WAIT: "wait for bank", **_WRITTEN},
    log.BANK_TRACK: {**_FETCHED, **_WRITTEN},
    log.PPU_TRACK: {log.DRAIN: "drain", log.RESULT_WAIT: "wait for write", log.WRITE: "write"},
    log.CONTROLLER_TRACK: {log.JOB_DISPATCH: "dispatch", log.TILE_SWITCH: "tile switch"},
    TRANSFER_TRACK: {LOAD: "load", STORE: "store"},
    TILE_TRACK: {TILE: "tile", MEMORY_WAIT: "wait for memory"},
}
