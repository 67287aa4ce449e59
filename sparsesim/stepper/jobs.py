"""A row of the job table, decoded into the items the fetch unit serves and the result the PPUs write."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np

from compiler import program as table
from compiler.program import RowOperation, StageProgram
from sparsesim.stepper.items import Block, Ch1Item, Item, MaskItem, Operation
from sparsesim.stepper.operands import Masks, MsrcOperands, Operands, OsrcOperands, RowBlock, operands_of
from sparsesim.stepper.storage import fetch_lines


@dataclass(frozen=True)
class Result:
    """What one group's PPU writes: one burst to `bank`, earlier sums read first. words: as result_words."""

    bank: int
    lines_sums_read: int
    lines_written: int
    words: int


@dataclass(eq=False)
class Job:
    """A job in flight. Group g of its cluster works on output channel channels[g]; others are inactive.

    queues: per stream, the items it has not asked for; with dynamic hand-out all streams share one queue.
    The times are None until they happen: dispatched_at, fetched_at = T_f, and per group mask_arrives_at and
    done_at = E.
    unwritten: active groups whose result is not in the buffer.
    """

    channels: range
    accumulators: int  # n_acc per group
    results: list[Result]
    prologue: deque[Item] = field(default_factory=deque)
    queues: list[deque[Item]] = field(default_factory=list)
    dispatched_at: int | None = None
    fetched_at: int | None = None
    mask_arrives_at: dict[int, int] = field(default_factory=dict)
    done_at: dict[int, int] = field(default_factory=dict)
    unwritten: set[int] = field(default_factory=set)

    def active(self, group: int) -> bool:
        return group < len(self.channels)


def _take_turns(first: list[Item], second: list[Ch1Item]) -> Iterator[Item]:
    for pair in zip_longest(first, second):
        yield from (item for item in pair if item is not None)


class JobDecoder:
    """Makes jobs from the tables of a program and the masks of one sample."""

    def __init__(self, program: StageProgram, masks: Masks) -> None:
        self.program = program
        self.target = program.target
        self.operands: Operands = operands_of(program, masks)

    def decode(self, index: int) -> Job:
        """Job `index` of the job table, not yet dispatched."""
        row = self.program.jobs[index]
        start = int(row[table.JOB_OUT_START])
        job = Job(range(start, start + int(row[table.JOB_OUT_COUNT])), self._accumulators(index), [])
        job.results = [self._result(index, job, channel) for channel in job.channels]
        job.unwritten = set(range(len(job.channels)))
        job.prologue.extend(self._mask_items(index, job))
        job.queues = self._queues(index, job)
        return job

    def _bank(self, channel: int) -> int:
        return channel % self.target.buffer_banks

    def _block(self, number: int) -> RowBlock:
        row = [int(value) for value in self.program.row_blocks[number]]
        is_sample = self.program.operation is RowOperation.OSRC
        return RowBlock(
            phase=0 if is_sample else row[table.BLOCK_PHASE],
            sample=row[table.BLOCK_PHASE] if is_sample else 0,
            first=row[table.BLOCK_FIRST],
            rows=row[table.BLOCK_ROWS],
            column=row[table.BLOCK_COLUMN],
            width=row[table.BLOCK_WIDTH],
            row_step=self.operands.block_row_step,
        )

    def _job_block(self, index: int) -> RowBlock:
        return self._block(int(self.program.jobs[index, table.JOB_BLOCK]))

    def _units(self, index: int) -> list[tuple[int, range]]:
        """(kernel row, ch0 channels) of each unit of an OSRC job."""
        row = self.program.jobs[index]
        units = self.program.units[row[table.JOB_UNIT] : row[table.JOB_UNIT_END]]
        return [
            (int(kernel_row), range(int(first), int(first) + int(count)))
            for kernel_row, first, count in units
        ]

    # Items, in the order of section 4.

    def _mask_items(self, index: int, job: Job) -> Iterator[Item]:
        if self.operands.has_masks:
            lines = math.ceil(job.accumulators / self.target.line_bits)
            for group, channel in enumerate(job.channels):
                yield MaskItem(self._bank(channel), lines, group)

    def _queues(self, index: int, job: Job) -> list[deque[Item]]:
        streams = range(self.target.pes_per_group)
        if self.program.operation is RowOperation.OSRC:
            units = self._units(index)
            return [deque(self._unit_items(index, job, *units[p]) if p < len(units) else ()) for p in streams]
        operations = list(self._reduction(index, job))
        if self.target.row_handout_dynamic:
            return [deque(operations)] * len(streams)
        return [deque(operations[p :: len(streams)]) for p in streams]

    def _reduction(self, index: int, job: Job) -> Iterator[Item]:
        """SRC, MSRC: the operations of a job, channel outside, kernel row inside."""
        row = self.program.jobs[index]
        block = self._job_block(index)
        number = int(row[table.JOB_BLOCK])
        begin, end = self.program.kernel_row_start[number : number + 2]
        first = int(row[table.JOB_REDUCE_START])
        for channel in range(first, first + int(row[table.JOB_REDUCE_COUNT])):
            for kernel_row in self.program.kernel_rows[begin:end]:
                yield self._operation(job, block, channel, int(kernel_row), self.program.geometry.kernel[1])

    def _unit_items(self, index: int, job: Job, kernel_row: int, channels: range) -> Iterator[Item]:
        """OSRC: each block's ch1 items take turns with the operations of the block before."""
        operations: list[Item] = []
        for block in self._met_blocks(index, kernel_row):
            loaded = Block()
            loads = [self._ch1_item(block, channel, kernel_row, loaded) for channel in job.channels]
            yield from _take_turns(operations, loads)
            loaded.operations = [self._operation(job, block, channel, kernel_row, 0) for channel in channels]
            operations = list(loaded.operations)
        yield from operations

    def _met_blocks(self, index: int, kernel_row: int) -> Iterator[RowBlock]:
        """The row blocks of an OSRC job that meet some row of I through the kernel row."""
        row = self.program.jobs[index]
        for number in range(int(row[table.JOB_BLOCK]), int(row[table.JOB_BLOCK_END])):
            block = self._block(number)
            if self.operands.row_pairs(block, kernel_row):
                yield block

    def _ch1_item(self, block: RowBlock, channel: int, kernel_row: int, loaded: Block) -> Ch1Item:
        assert isinstance(self.operands, OsrcOperands)
        rows = [pair.partner_row for pair in self.operands.row_pairs(block, kernel_row)]
        columns = self.operands.ch1_columns(block)
        plane = self.operands.ch1_plane(channel, block.sample)
        kept = plane if self.target.skip_zeros else np.ones_like(plane)
        words = int(kept[np.ix_(rows, columns)].sum())
        step = self.operands.ch1_row_step
        lines = fetch_lines(self.target, plane, rows, columns, step) if words else 0
        return Ch1Item(self._bank(channel), lines, words, loaded)

    def _operation(
        self, job: Job, block: RowBlock, channel: int, kernel_row: int, kernel_words_per_group: int
    ) -> Operation:
        pairs = self.operands.row_pairs(block, kernel_row)
        columns = self.operands.ch0_columns(block)
        plane = self.operands.ch0_plane(channel, block.sample)
        entries = [
            (pair.partner_row, column)
            for pair in pairs
            for column in columns
            if not self.target.skip_zeros or plane[pair.ch0_row, column]
        ]
        products = tuple(
            tuple(self.operands.useful_products(block, out, partner, column) for partner, column in entries)
            for out in job.channels
        )
        kernel_words = len(job.channels) * kernel_words_per_group
        lines = math.ceil(kernel_words / self.target.words_per_line) if entries else 0
        if entries:
            rows = [pair.ch0_row for pair in pairs]
            lines += fetch_lines(self.target, plane, rows, columns, self.operands.ch0_row_step)
        return Operation(self._bank(channel), lines, job, products, kernel_words)

    # The result, section 6.

    def _accumulators(self, index: int) -> int:
        if self.program.operation is RowOperation.OSRC:
            return sum(len(channels) for _, channels in self._units(index)) * self.program.geometry.kernel[1]
        block = self._job_block(index)
        return block.rows * block.width

    def _result(self, index: int, job: Job, channel: int) -> Result:
        row = self.program.jobs[index]
        sums_lines = math.ceil(job.accumulators * self.target.sum_bits / self.target.line_bits)
        read = sums_lines if row[table.JOB_READ_SUMS] else 0
        if self.program.operation is RowOperation.OSRC or not row[table.JOB_FINAL]:
            return Result(self._bank(channel), read, sums_lines, job.accumulators)
        words = self._finished_words(index, job, channel)
        return Result(self._bank(channel), read, math.ceil(words / self.target.words_per_line), words)

    def _finished_words(self, index: int, job: Job, channel: int) -> int:
        if not (isinstance(self.operands, MsrcOperands) and self.operands.has_masks):
            return job.accumulators
        block = self._job_block(index)
        needed = [
            self.operands.needed(channel, y, x) for y in block.row_numbers() for x in block.column_numbers()
        ]
        return math.ceil(job.accumulators / self.target.operand_bits) + sum(needed)
