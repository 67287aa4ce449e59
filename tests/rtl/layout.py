"""All homes of a layer: rows with their pointers, kernel rows, masks, sums and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.program import RowOperation
from sparsesim.stepper.operands import RowBlock
from tests.rtl.block_geometries import BlockGeometries, tile_of
from tests.rtl.homes import Banks, Homes, Memory, packed_lines
from tests.rtl.machine_build import POINTER_BITS, Build
from tests.rtl.program_jobs import Jobs, ProgramJob
from tests.rtl.stored_map import ColumnTile, MapShape, RowList, StoredMap
from tests.rtl.tables import fitting

Integers = NDArray[np.int64]
OutRange = tuple[int, int]


@dataclass(frozen=True)
class MetRows:
    """Rows of a map that a block meets through a kernel row: `count` of one list, from row `first`."""

    sample: int
    tile: ColumnTile
    first: int
    count: int


def met_rows(jobs: Jobs, block: RowBlock, kernel_row: int) -> tuple[MetRows, MetRows] | None:
    """Rows of ch0 and their partners; None where there are none."""
    pairs = jobs.operands.row_pairs(block, kernel_row)
    if not pairs:
        return None
    place = block.sample, tile_of(block)
    return (
        MetRows(*place, pairs[0].ch0_row, len(pairs)),
        MetRows(*place, pairs[0].partner_row, len(pairs)),
    )


class Layout:
    """Homes of one layer in the banks of a build, and what they hold before the program runs.

    tensors: I, dO, W, and optionally mask and sums, whole numbers.
    """

    def __init__(
        self, jobs: Jobs, geometries: BlockGeometries, tensors: Mapping[str, Integers], build: Build
    ) -> None:
        self.jobs, self.build = jobs, build
        self._geometries, self._tensors = geometries, tensors
        self.memory, self._banks = Memory(build), Banks(build)
        self.weights, self.masks, self.sums, self.results = (Homes(build.buffer_banks) for _ in range(4))
        self._add_homes()
        for homes in (self.weights, self.masks, self.sums, self.results):
            homes.place(self._banks)
        self.ch0 = self._map(0, 0)
        self.ch1 = self._map(1, self.ch0.end_pointer) if jobs.is_osrc else None
        self._fill()

    @property
    def dense(self) -> bool:
        return not self.jobs.program.target.skip_zeros

    @property
    def lines_used(self) -> int:
        return self._banks.lines_used

    @property
    def pointers(self) -> list[int]:
        """All row pointers, those of ch1 behind those of ch0."""
        return self.ch0.pointers + (self.ch1.pointers if self.ch1 is not None else [])

    # Homes of whole lines.

    def kernel_row_lines(self, out: range) -> int:
        """Lines of a kernel row of all groups."""
        return -(-len(out) * self.jobs.program.geometry.kernel[1] // self.build.words_per_line)

    def _add_homes(self) -> None:
        across, through = self.jobs.channels_of
        for job in self.jobs.jobs:
            number, key = job.out.start // across, self.jobs.key(job)
            outs = range(number * across, (number + 1) * across)
            if not self.jobs.is_osrc:
                lines = self.jobs.program.geometry.kernel[0] * self.kernel_row_lines(job.out)
                self.weights.add(out_range(job), range(number * through, (number + 1) * through), lines)
                outs = range(across * self.jobs.program.geometry.groups)
            self._add_result_homes(job, key, outs)

    def _add_result_homes(self, job: ProgramJob, key: object, outs: range) -> None:
        n, machine = self.jobs.accumulators(job), self.build.machine
        if self.jobs.is_osrc or job.read_sums or not job.final:
            self.sums.add(key, outs, -(-n // self.build.sums_per_line))
        if job.final:
            words = n + (-(-n // machine.operand_bits) if self.jobs.operands.has_masks else 0)
            self.results.add(key, outs, -(-words // self.build.words_per_line))
        if self.jobs.operands.has_masks:
            self.masks.add(key, outs, -(-n // machine.line_bits))

    # Rows.

    def _map(self, ch: int, first_pointer: int) -> StoredMap:
        inputs = (self.jobs.program.ch0_pattern is RowOperation.SRC) == (ch == 0)
        geometry, operands = self.jobs.program.geometry, self.jobs.operands
        columns = (self._geometries.ch0_columns, self._geometries.ch1_columns)[ch]
        step = operands.ch0_row_step if ch == 0 else operands.ch1_row_step
        rows = geometry.in_size[0] if inputs else geometry.out_size[0]
        lists = self._row_lists(ch, step)
        values = self._tensors["I" if inputs else "dO"]
        stored = StoredMap(values, MapShape(rows, step, columns), lists, first_pointer)
        fitting(stored.end_pointer, (1 << POINTER_BITS) + 1, "row pointers")
        stored.store(self._banks, self.memory, self.dense)
        return stored

    def _row_lists(self, ch: int, step: int) -> Iterable[RowList]:
        """The lists that some operation reads."""
        for number, block in enumerate(self.jobs.blocks):
            for kernel_row in self.jobs.issued_kernel_rows(number):
                met = met_rows(self.jobs, block, kernel_row)
                if met is not None:
                    yield RowList(met[ch].sample, met[ch].tile, met[ch].first % step)

    # Contents.

    def _fill(self) -> None:
        place = self.build.buffer_banks, 0
        self.memory.write(place, self.pointers, self.build.machine.operand_bits)
        for job in self.jobs.jobs:
            if not self.jobs.is_osrc:
                self._fill_weights(job)
            if self.jobs.operands.has_masks:
                self._fill_masks(job)

    def _fill_weights(self, job: ProgramJob) -> None:
        bits = self.build.machine.operand_bits
        for channel in job.reduce:
            bank, line = self.weights.home(out_range(job), channel)
            for kernel_row in range(self.jobs.program.geometry.kernel[0]):
                words = self._kernel_words(job.out, channel, kernel_row)
                self.memory.write((bank, line), words, bits)
                line += self.kernel_row_lines(job.out)

    def _kernel_words(self, out: range, channel: int, kernel_row: int) -> list[int]:
        weights, words = self._tensors["W"], []
        for across in out:
            f, c = self.jobs.pair(across, channel)
            words += weights[f, c % weights.shape[1], kernel_row].tolist()
        return words

    def _fill_masks(self, job: ProgramJob) -> None:
        for channel in job.out:
            bits = self._tensors["mask"][self.jobs.elements(job, channel)] != 0
            self.memory.write(self.masks.home(self.jobs.key(job), channel), bits.astype(int).tolist(), 1)

    def sums_lines(self, sums: Integers, job: ProgramJob, channel: int) -> list[int]:
        """A job's part of a tensor of sums, as the lines of its home."""
        machine = self.build.machine
        values = sums[self.jobs.elements(job, channel)].tolist()
        return packed_lines(values, machine.sum_bits, machine.line_bits)


def out_range(job: ProgramJob) -> OutRange:
    """Key of the kernel rows that a job reads."""
    return job.out.start, job.out.stop
