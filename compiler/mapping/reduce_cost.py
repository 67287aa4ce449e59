"""Cycles of the array for tiles of SRC and MSRC."""

from __future__ import annotations

from compiler.codegen.reduce import row_phases
from compiler.mapping.blocks import BlockShape, map_size
from compiler.mapping.jobs_cost import (
    busiest_bank,
    listed_makespan,
    makespan,
    overhead,
    together,
    with_results,
)
from compiler.mapping.mapping import Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.row_costs import column_tiles, stored_words, touched_lines
from compiler.mapping.space import parts
from compiler.program import RowOperation

MOST_LISTED_JOBS = 512  # above it, a few unequal jobs do not matter
_Round = tuple[float, float, str]


class ReduceCost:
    """Tiles of all SRC or MSRC mappings with one row block; what they have in common is computed once."""

    def __init__(self, problem: Problem, shape: BlockShape) -> None:
        t, g = problem.target, problem.geometry
        self.problem, self.shape, self.target = problem, shape, t
        self.phases = len(row_phases(g, problem.operation))
        self.height = map_size(g, problem.operation)[0]
        # Kernel rows of a row block, averaged over the phases.
        self.kernel_rows: float = g.kernel[0]
        if problem.operation is RowOperation.MSRC:
            self.kernel_rows = g.kernel[0] / self.phases
        second = problem.densities.second
        self.tiles = column_tiles(g, problem.operation, shape.width, second, t.macs_per_pe)
        self._rounds: dict[int, list[_Round]] = {}
        self._costs: dict[tuple[int, int], tuple[list[float], str]] = {}
        self._known: dict[tuple[int, int, int], tuple[float, str]] = {}

    def least_cycles(self) -> float:
        """No mapping takes fewer: the operations and overheads of all jobs, perfectly balanced."""
        t, problem = self.target, self.problem
        rounds = problem.reduce_channels * self.kernel_rows / t.pes_per_group
        least = 0.0
        for block_rows, count in parts(self.height, self.shape.rows):
            of_tiles = zip(self._block_rounds(block_rows), self.tiles, strict=True)
            costs = [
                cycles * rounds + overhead(t, block_rows * width)
                for (cycles, _, _), (_, _, width) in of_tiles
            ]
            least += count * sum(costs)
        repeats = -(-problem.out_channels // t.groups_per_cluster) * self.phases * problem.geometry.groups
        return least * repeats / t.clusters

    def tile_cycles(self, mapping: Mapping, out: int, rows: int, reduce: int) -> tuple[float, str]:
        """Cycles of a tile of `out` and `reduce` channels and `rows` rows, and what limits its last job."""
        key = -(-out // self.target.groups_per_cluster) * self.phases, rows, reduce
        if key not in self._known:
            self._known[key] = self._tile(*key)
        return self._known[key]

    def _tile(self, repeats: int, rows: int, reduce: int) -> tuple[float, str]:
        if (rows, reduce) not in self._costs:
            self._costs[rows, reduce] = self._job_costs(rows, reduce)
        costs, bound = self._costs[rows, reduce]
        if len(costs) * repeats <= MOST_LISTED_JOBS and min(costs) < 0.95 * max(costs):
            return listed_makespan(self.target, costs * repeats), bound
        return makespan(self.target, costs, repeats), bound

    def _job_costs(self, rows: int, reduce: int) -> tuple[list[float], str]:
        """Cycles of the jobs of one output channel block, phase by phase alike."""
        t = self.target
        rounds = -(-reduce * self.kernel_rows // t.pes_per_group)
        sums = reduce < self.problem.reduce_channels
        costs: list[float] = []
        bound = "pe"
        blocks = [(size, count, self._block_rounds(size)) for size, count in parts(rows, self.shape.rows)]
        for tile, (_, _, width) in enumerate(self.tiles):
            for block_rows, count, of_tiles in blocks:
                cycles, bank, bound = of_tiles[tile]
                words = block_rows * width
                # Chunks of the reduction leave partial sums, which the next one reads.
                lines = (2 * words * t.sum_bits / t.operand_bits if sums else words) / t.words_per_line
                cost = with_results(self.problem, cycles * rounds, bank * rounds, lines)
                costs += [cost + overhead(t, words)] * count
        return costs, bound

    def _block_rounds(self, block_rows: int) -> list[_Round]:
        """P operations on a row block of every column tile: cycles, cycles of the busiest bank, limit."""
        if block_rows not in self._rounds:
            self._rounds[block_rows] = [self._round(per_row, n, block_rows) for per_row, n, _ in self.tiles]
        return self._rounds[block_rows]

    def _round(self, per_row: float, positions: int, rows: int) -> _Round:
        """P operations of a job, one per stream; per_row, positions: of one dense ch0 row."""
        t, g, problem = self.target, self.problem.geometry, self.problem
        words = stored_words(t, positions, problem.densities.ch0) * rows
        kernel_lines = -(-problem.active_groups * g.kernel[1] // t.words_per_line)
        lines = touched_lines(t.words_per_line, words) + kernel_lines
        pe = per_row * rows * problem.densities.ch0
        bank = busiest_bank(problem, t.pes_per_group * lines, 0)
        cycles, bound = together(pe, t.pes_per_group * (1 + lines), bank)
        return cycles, bank, bound
