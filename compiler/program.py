"""The machine program of one layer and stage: what engine and stepper execute.

Everything is whole numbers in flat tables, so that kernels, the stepper and later an instruction
stream for RTL read the same thing. docs/microarchitecture.md says what each step means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.target import Target


class Stage(StrEnum):
    """The three convolutions of training, and everything else of the step."""

    FORWARD = "forward"
    GTA = "gta"
    GTW = "gtw"
    OTHER = "other"


class RowOperation(StrEnum):
    """The three 1-D row operations of the dataflow (docs/microarchitecture.md section 2)."""

    SRC = "SRC"
    MSRC = "MSRC"
    OSRC = "OSRC"


ROW_OPERATION_OF_STAGE = {
    Stage.FORWARD: RowOperation.SRC,
    Stage.GTA: RowOperation.MSRC,
    Stage.GTW: RowOperation.OSRC,
}

# Which operand an OSRC operation takes on ch0, where it is broadcast; the other one is private on ch1.
GRADIENTS_BROADCAST = "dO"
INPUTS_BROADCAST = "I"
BROADCAST_OPERANDS = (GRADIENTS_BROADCAST, INPUTS_BROADCAST)


def ch0_pattern(operation: RowOperation, broadcast: str) -> RowOperation:
    """The row operation whose ch0 rows these are: an OSRC that broadcasts I reads them as SRC does.

    SRC means: ch0 is I and output channels f lie across the groups; MSRC and OSRC: ch0 is dO, channels c
    across.
    """
    return RowOperation.SRC if broadcast == INPUTS_BROADCAST else operation


# Columns of StageProgram.jobs. SRC and MSRC use BLOCK, REDUCE_*; OSRC uses BLOCK .. BLOCK_END and UNIT*.
JOB_OUT_START = 0  # first channel across the groups, absolute (SRC: of F, MSRC: of C, OSRC: of ch1)
JOB_OUT_COUNT = 1  # active PE groups, 1..groups_per_cluster
JOB_BLOCK = 2  # row of `row_blocks` (OSRC: first of a range)
JOB_BLOCK_END = 3  # one past the last row block (SRC, MSRC: JOB_BLOCK + 1)
JOB_REDUCE_START = 4  # first reduction channel (SRC: of C; MSRC: of F), absolute
JOB_REDUCE_COUNT = 5
JOB_UNIT = 6  # first row of `units` (OSRC)
JOB_UNIT_END = 7  # one past the last, at most pes_per_group further
JOB_READ_SUMS = 8  # 1: earlier partial sums are read and added
JOB_FINAL = 9  # 1: the result is finished (post-processed operand words); 0: partial sums are written
JOB_COLUMNS = 10

# Columns of StageProgram.row_blocks. Row i of a block is output row `phase + row_step * (first + i)`; for
# OSRC it is row `first + i` of dO of the sample BLOCK_PHASE.
BLOCK_PHASE = 0  # SRC: 0; MSRC: row phase; OSRC: sample of the tile
BLOCK_FIRST = 1
BLOCK_ROWS = 2
BLOCK_COLUMN = 3  # first output column
BLOCK_WIDTH = 4  # output columns T
BLOCK_COLUMNS = 5

# Columns of StageProgram.units (OSRC).
UNIT_KERNEL_ROW = 0
UNIT_OUT_START = 1  # first channel of the broadcast operand (f of dO or c of I), absolute
UNIT_OUT_COUNT = 2
UNIT_COLUMNS = 3


@dataclass(frozen=True)
class Transfer:
    """One DMA transfer: a box of a tensor, `share` samples paying for it together.

    tensor: "I", "W", "O", "dO", "dI", "mask", "dW" or "sums" (partial sums).
    channels, rows: half-open ranges; rows are rows of the tensor's map (W, dW: `rows` is the
    range of the second channel axis, relative to the convolution group).
    share: the transfer serves this many samples of the batch; one sample is charged 1/share.
    """

    tensor: str
    channels: tuple[int, int]
    rows: tuple[int, int]
    share: int = 1


@dataclass(frozen=True)
class Tile:
    """Jobs [job_start, job_end) of the program, and what the DMA moves before and after them."""

    job_start: int
    job_end: int
    loads: tuple[Transfer, ...]
    stores: tuple[Transfer, ...]


@dataclass(frozen=True)
class StageProgram:
    """One layer and stage, lowered. Arrays are int32 and read-only.

    jobs: [n_jobs, JOB_COLUMNS]; row_blocks: [n_blocks, BLOCK_COLUMNS]; units: [n_units, UNIT_COLUMNS].
    kernel_rows: [n_pairs], kernel_row_start: [n_blocks + 1]: the kernel rows issued for row block b (SRC,
    MSRC) are kernel_rows[kernel_row_start[b] : kernel_row_start[b + 1]], ascending.
    broadcast: the operand on ch0 of OSRC, "dO" or "I"; "dO" for SRC and MSRC, where it means nothing.
    samples: OSRC jobs accumulate weight gradients over this many samples; their maps are stacked by rows,
    I as [C, samples * H, W] and dO as [F, samples * Ho, Wo]. 1 for SRC and MSRC.
    """

    layer: str
    stage: Stage
    operation: RowOperation
    geometry: ConvGeometry
    target: Target
    jobs: NDArray[np.int32]
    row_blocks: NDArray[np.int32]
    kernel_rows: NDArray[np.int32]
    kernel_row_start: NDArray[np.int32]
    units: NDArray[np.int32]
    tiles: tuple[Tile, ...]
    samples: int = 1
    broadcast: str = GRADIENTS_BROADCAST

    @property
    def ch0_pattern(self) -> RowOperation:
        """The row operation whose ch0 rows these are; see the function of this name."""
        return ch0_pattern(self.operation, self.broadcast)
