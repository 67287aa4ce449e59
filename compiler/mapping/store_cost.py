"""Cycles of the array for tiles of OSRC."""

from __future__ import annotations

import math
from functools import cached_property

from compiler.mapping.blocks import BlockShape, map_size
from compiler.mapping.jobs_cost import busiest_bank, makespan, overhead, together, with_results
from compiler.mapping.mapping import Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.row_costs import dense_row_cycles, stored_words, touched_lines
from compiler.mapping.space import parts
from compiler.mapping.spread import channel_densities, expected_largest, relative_deviation, slowest_of

_Costs = tuple[float, float, float, str]


class StoreCost:
    """Tiles of all OSRC mappings with one row block; what they have in common is computed once."""

    def __init__(self, problem: Problem, shape: BlockShape) -> None:
        self.problem, self.shape, self.target = problem, shape, problem.target
        self.height, columns = map_size(problem.geometry, problem.operation)
        self.column_tiles = -(-columns // shape.width)
        self.ch0_deviation = relative_deviation(
            channel_densities(problem.densities.ch0, problem.densities.ch0_share)
        )
        self._slowest: dict[int, tuple[float, float]] = {}
        self._lines: dict[int, tuple[float, float]] = {}
        self._known: dict[tuple[int, int, int, int], _Costs] = {}

    def least_cycles(self) -> float:
        """No mapping takes fewer: units as large as Reg-2 allows, on streams that are always busy, in jobs
        over as many samples as may be.

        What a block takes is a norm of its demands, so the norm of summed demands is no more than the sum.
        """
        problem, t, kernel = self.problem, self.target, self.problem.geometry.kernel
        samples = max(1, min(problem.batch, problem.samples))
        per_row = self._slowest_row(samples)[0]
        channels = problem.reduce_channels * kernel[0] / t.pes_per_group
        units = channels / min(t.reg2_words // kernel[1], problem.reduce_channels)
        least = units * overhead(t, 0) / samples
        for block_rows, count in parts(self.height, self.shape.rows):
            least += self._round(block_rows, channels, per_row, units)[0] * count * self.column_tiles
        repeats = -(-problem.out_channels // t.groups_per_cluster) * problem.geometry.groups
        return least * repeats / t.clusters

    def tile_cycles(self, mapping: Mapping, out: int, rows: int, reduce: int) -> tuple[float, str]:
        """Cycles of a tile of `out` and `reduce` channels and `rows` rows, and what limits its last block."""
        problem, t = self.problem, self.target
        key = mapping.unit_channels, mapping.samples, rows, reduce
        if key not in self._known:
            self._known[key] = self._blocks(*key)
        cost, bank, deviation, bound = self._known[key]
        drained = mapping.unit_channels * problem.geometry.kernel[1] * t.pes_per_group
        passes = 2 if mapping.share > 1 else 1
        lines = drained * t.sum_bits / (t.operand_bits * t.words_per_line) * passes
        cost = with_results(problem, cost, bank, lines) + overhead(t, drained)
        units = -(-reduce // mapping.unit_channels) * problem.geometry.kernel[0]
        jobs = -(-out // t.groups_per_cluster) * -(-units // t.pes_per_group)
        return makespan(t, (cost,), jobs, cost * deviation), bound

    def _blocks(self, unit_channels: int, samples: int, rows: int, reduce: int) -> _Costs:
        """Of all row blocks of a job: cycles, cycles of the busiest bank, relative deviation and limit."""
        chunks = -(-reduce // unit_channels)
        per_row, deviation = self._slowest_row(samples)
        deviation /= max(per_row, 1.0)
        per_row *= self._stream_imbalance(unit_channels * samples, chunks)
        cost, total_bank, bound = 0.0, 0.0, "pe"
        for block_rows, count in parts(rows, self.shape.rows):
            cycles, bank, bound = self._round(block_rows, reduce / chunks, per_row)
            cost += cycles * count * self.column_tiles * samples
            total_bank += bank * count * self.column_tiles * samples
        return cost, total_bank, deviation, bound

    def _round(
        self, rows: int, channels: float, per_row: float, units: float = 1.0
    ) -> tuple[float, float, str]:
        """One row block of P units (times `units`): cycles, cycles of the busiest bank and limit.

        channels: of the P units, by stream; per_row: PE cycles of one block row where ch0 is dense.
        """
        problem, streams = self.problem, self.target.pes_per_group
        ch0, ch1 = self._block_lines(rows)
        loads = problem.active_groups * units
        ch0_lines, ch1_lines = streams * channels * ch0, streams * loads * ch1
        headers = streams * (channels + loads)
        pe = channels * per_row * rows * problem.densities.ch0
        bank = busiest_bank(problem, ch0_lines, ch1_lines)
        cycles, bound = together(pe, headers + ch0_lines + ch1_lines, bank)
        return cycles, bank, bound

    def _block_lines(self, rows: int) -> tuple[float, float]:
        """Lines of the ch0 rows and of the ch1 rows of one channel and row block."""
        if rows not in self._lines:
            t, shape, densities = self.target, self.shape, self.problem.densities
            words = stored_words(t, shape.positions / shape.rows, densities.ch0) * rows
            ch1_words = stored_words(t, shape.ch1_positions / shape.rows, densities.second) * rows
            line = t.words_per_line
            self._lines[rows] = touched_lines(line, words), touched_lines(line, ch1_words)
        return self._lines[rows]

    def _slowest_row(self, samples: int) -> tuple[float, float]:
        """Cycles of one dense ch0 row in a cluster's slowest group: mean and deviation over jobs.

        A group's work follows the density of its own ch1 channel; over several samples the differences
        average out.
        """
        if samples not in self._slowest:
            cycles = self._row_cycles
            middle, narrow = sum(cycles) / len(cycles), 1 / math.sqrt(samples)
            averaged = tuple(middle + (value - middle) * narrow for value in cycles)
            self._slowest[samples] = expected_largest(averaged, self.problem.active_groups)
        return self._slowest[samples]

    @cached_property
    def _row_cycles(self) -> list[float]:
        """Cycles of one dense ch0 row with ch1 channels of equally likely densities, ascending."""
        problem = self.problem
        second, share = problem.densities.second, problem.densities.second_share
        densities = channel_densities(second, share) if self.target.input_skipping else (1.0,)
        where, macs = (problem.geometry, problem.ch0_pattern, self.shape.width), self.target.macs_per_pe
        return sorted(dense_row_cycles(*where, densities, macs))

    def _stream_imbalance(self, averaged: int, chunks: int) -> float:
        """How much longer the slowest stream of a job takes than the mean of them.

        Streams whose units have different broadcast channels differ by the mean density of those. averaged:
        channels times samples of a unit.
        """
        different = min(self.target.pes_per_group, chunks)
        return 1.0 + slowest_of(different) * self.ch0_deviation / math.sqrt(averaged)
