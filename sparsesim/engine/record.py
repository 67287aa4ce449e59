"""What a simulation leaves behind: one record per run, layer, stage and sample (or group of samples)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.program import Stage


@dataclass(frozen=True)
class StageRecord:
    """One layer and stage on the machine. All numbers are totals over the `samples` samples of the record.

    run: "dense", "natural", "pruned" or "recorded". index: place of the layer in forward order. sample:
    the first sample (of this layer).
    on_chip_cycles, with_dram_cycles: the two accountings. states: int64[groups, N_STATES] PE cycles by
    state, summed over the PEs of a group
    (sparsesim/engine/kernels/layout.py); per group they add up to on_chip_cycles x pes_per_group. counts:
    int64[N_COUNTS].
    useful_macs: non-zero products counted from the masks, dense_macs: taps inside the input.
    densities: fraction of non-zeros of I, of dO, and of positions where dI is needed.
    dram_read_bytes, dram_write_bytes: moved by the DMA. tiles: tiles executed. fc: a fully connected layer
    (its samples are the batch).
    row_operations: PE row operations executed (operations x active groups). seconds: time the simulation
    of it took.
    """

    run: str
    layer: str
    index: int
    stage: Stage
    sample: int
    samples: int
    on_chip_cycles: int
    with_dram_cycles: int
    states: NDArray[np.int64]
    counts: NDArray[np.int64]
    useful_macs: int
    dense_macs: int
    density_input: float
    density_grad_output: float
    density_grad_input_mask: float
    dram_read_bytes: int
    dram_write_bytes: int
    tiles: int
    fc: bool
    row_operations: int
    seconds: float


@dataclass(frozen=True)
class OtherRecord:
    """Work outside the convolutions, per sample (fractional where a batch shares it); the same in every
    run of a machine.

    It costs cycles in the with_dram accounting only: the slower of the PPU lanes and the off-chip memory.
    """

    layer: str
    kind: str
    step: str
    cycles: float
    vector_operations: float
    dram_read_bytes: float
    dram_write_bytes: float


@dataclass(frozen=True)
class StepRecords:
    """All records of a simulation of one training step. samples: how many samples the convolutions were
    simulated on.
    """

    runs: tuple[str, ...]
    stages: tuple[StageRecord, ...]
    other: dict[str, tuple[OtherRecord, ...]]
    samples: int
    seconds: float
