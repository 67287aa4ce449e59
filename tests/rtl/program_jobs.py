"""The jobs of a machine program by name, and which elements of the result each of them makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compiler import program as table
from compiler.program import RowOperation, StageProgram
from sparsesim.stepper.operands import Operands, RowBlock

Index = tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class Unit:
    """A unit of an OSRC job: what one PE position does."""

    kernel_row: int
    channels: range


@dataclass(frozen=True)
class ProgramJob:
    """Row `number` of the job table. blocks: rows of the program's row blocks; units: of OSRC."""

    number: int
    tile: int
    out: range
    blocks: range
    reduce: range
    units: tuple[Unit, ...]
    read_sums: bool
    final: bool


class Jobs:
    """All jobs of a program, in order."""

    def __init__(self, program: StageProgram, operands: Operands) -> None:
        self.program = program
        self.operands = operands
        self.is_osrc = program.operation is RowOperation.OSRC
        self.blocks = [self._block(row) for row in program.row_blocks.tolist()]
        self.jobs = [
            self._job(number, tile)
            for tile, of_tile in enumerate(program.tiles)
            for number in range(of_tile.job_start, of_tile.job_end)
        ]

    @property
    def channels_of(self) -> tuple[int, int]:
        """(across the groups, through the PEs) channels of a convolution group."""
        g = self.program.geometry
        per_group = g.out_channels_per_group, g.in_channels_per_group
        return per_group if self.program.ch0_pattern is RowOperation.SRC else (per_group[1], per_group[0])

    def pair(self, across: int, through: int) -> tuple[int, int]:
        """(f, c) of a channel across the groups and one that passes on ch0."""
        src = self.program.ch0_pattern is RowOperation.SRC
        return (across, through) if src else (through, across)

    def _block(self, row: list[int]) -> RowBlock:
        phase, first, rows, column, width = row
        sample, phase = (phase, 0) if self.is_osrc else (0, phase)
        return RowBlock(phase, first, rows, column, width, self.operands.block_row_step, sample)

    def _job(self, number: int, tile: int) -> ProgramJob:
        row = self.program.jobs[number].tolist()
        units = self.program.units[row[table.JOB_UNIT] : row[table.JOB_UNIT_END]].tolist()
        out, reduce = row[table.JOB_OUT_START], row[table.JOB_REDUCE_START]
        return ProgramJob(
            number=number,
            tile=tile,
            out=range(out, out + row[table.JOB_OUT_COUNT]),
            blocks=range(row[table.JOB_BLOCK], row[table.JOB_BLOCK_END]),
            reduce=range(reduce, reduce + row[table.JOB_REDUCE_COUNT]),
            units=tuple(Unit(kh, range(first, first + count)) for kh, first, count in units)
            if self.is_osrc
            else (),
            read_sums=bool(row[table.JOB_READ_SUMS]),
            final=bool(row[table.JOB_FINAL]) and not self.is_osrc,
        )

    def issued_kernel_rows(self, block: int) -> list[int]:
        """Kernel rows of a row block: those issued (SRC, MSRC); those that meet some row (OSRC)."""
        if self.is_osrc:
            every = range(self.program.geometry.kernel[0])
            return [kh for kh in every if self.operands.row_pairs(self.blocks[block], kh)]
        begin, end = self.program.kernel_row_start[block : block + 2].tolist()
        return [int(kh) for kh in self.program.kernel_rows[begin:end]]

    def key(self, job: ProgramJob) -> object:
        """What a job's sums are of, channel by channel: its row block or its units."""
        return job.units if self.is_osrc else self.blocks[job.blocks[0]]

    def accumulators(self, job: ProgramJob) -> int:
        """n_acc of docs/microarchitecture.md section 6."""
        if self.is_osrc:
            return sum(len(unit.channels) for unit in job.units) * self.program.geometry.kernel[1]
        block = self.blocks[job.blocks[0]]
        return block.rows * block.width

    def elements(self, job: ProgramJob, channel: int) -> Index:
        """Index of the result tensor for the accumulators of output channel `channel`, in their order."""
        if self.is_osrc:
            return tuple(np.array(list(self._gradients(job, channel)), np.int64).T)
        block = self.blocks[job.blocks[0]]
        rows, columns = np.array(block.row_numbers()), np.array(block.column_numbers())
        index = np.meshgrid(np.array([channel]), rows, columns, indexing="ij")
        return tuple(axis.ravel() for axis in index)

    def _gradients(self, job: ProgramJob, channel: int) -> Iterator[tuple[int, int, int, int]]:
        geometry = self.program.geometry
        for unit in job.units:
            for other in unit.channels:
                f, c = self.pair(channel, other)
                for k in range(geometry.kernel[1]):
                    yield f, c % geometry.in_channels_per_group, unit.kernel_row, k

    @cached_property
    def by_tile(self) -> list[list[ProgramJob]]:
        """The jobs of each tile."""
        return [[job for job in self.jobs if job.tile == tile] for tile in range(len(self.program.tiles))]
