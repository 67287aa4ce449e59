"""How many operand rows and columns a row block meets: the geometry behind bounds, capacity and coverage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compiler.columns import ch1_columns, column_taps
from compiler.ir.jobs import Blocks
from compiler.ir.nodes import Program
from compiler.ir.unroll import MAX_VALUE, IntArray
from compiler.program import RowOperation


def map_size(program: Program) -> tuple[int, int]:
    """(rows, columns) of the map that row blocks are cut from: O, dI (MSRC) or dO (OSRC)."""
    geometry = program.geometry
    return geometry.in_size if program.operation is RowOperation.MSRC else geometry.out_size


def rows_that_meet(program: Program) -> NDArray[np.bool_]:
    """bool[rows, Kh]: the row of the map meets an operand row inside through the kernel row."""
    index = program.geometry.input_index(0)
    if program.operation is not RowOperation.MSRC:
        return index >= 0
    meets = np.zeros((program.geometry.in_size[0], program.geometry.kernel[0]), np.bool_)
    out_row, kernel_row = np.nonzero(index >= 0)
    meets[index[out_row, kernel_row], kernel_row] = True
    return meets


class OperandRows:
    """Counts operand rows of (block, kernel row) pairs through prefix sums over the rows of each phase."""

    def __init__(self, program: Program) -> None:
        meets, step = rows_that_meet(program), program.row_step
        lattice = np.zeros((-(-len(meets) // step) * step, meets.shape[1]), np.int64)
        lattice[: len(meets)] = meets
        by_phase = lattice.reshape(-1, step, meets.shape[1]).transpose(1, 0, 2)
        before = np.concatenate([np.zeros_like(by_phase[:, :1]), by_phase.cumsum(axis=1)], axis=1)
        # The phases of OSRC are samples, which are all alike.
        self._before = np.broadcast_to(before, (program.phases, *before.shape[1:]))

    def count(self, blocks: Blocks, kernel_row: IntArray) -> IntArray:
        """int64[n]: operand rows inside that each block meets through its kernel row."""
        after: IntArray = self._before[blocks.phase, blocks.first + blocks.rows, kernel_row]
        before: IntArray = self._before[blocks.phase, blocks.first, kernel_row]
        return after - before


def ch0_columns(program: Program, blocks: Blocks) -> IntArray:
    """int64[n]: columns of the ch0 row that some tap of the block's columns can use."""
    geometry, pattern = program.geometry, program.ch0_pattern
    return _per_column_range(blocks, lambda x, width: len(column_taps(geometry, pattern, x, width)[0]))


def ch1_row_columns(program: Program, blocks: Blocks) -> IntArray:
    """int64[n]: columns of the ch1 row of an OSRC block."""
    geometry, pattern = program.geometry, program.ch0_pattern
    return _per_column_range(blocks, lambda x, width: len(ch1_columns(geometry, pattern, x, width)))


def _per_column_range(blocks: Blocks, count: Callable[[int, int], int]) -> IntArray:
    """count(column, width) of every block, asked once for each range that occurs."""
    ranges, which = np.unique(blocks.column * MAX_VALUE + blocks.width, return_inverse=True)
    counts = [count(*divmod(int(key), MAX_VALUE)) for key in ranges]
    return np.array(counts, np.int64)[which]
