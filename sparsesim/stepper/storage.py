"""How rows lie in the global buffer, and which lines a fetch touches (microarchitecture section 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.target import Target


def row_words(target: Target, positions: int, nonzeros: int) -> int:
    """Words of one stored row of `positions` columns of which `nonzeros` are kept."""
    if target.row_format == "dense" or not target.skip_zeros:
        return positions
    if target.row_format == "bitmask":
        return math.ceil(positions / target.operand_bits) + nonzeros
    offset_bits = math.ceil(math.log2(positions))
    return math.ceil(nonzeros * (target.operand_bits + offset_bits) / target.operand_bits)


def lines_touched(first_word: int, end_word: int, words_per_line: int) -> int:
    """Lines that the words [first_word, end_word) touch."""
    if first_word == end_word:
        return 0
    return (end_word - 1) // words_per_line - first_word // words_per_line + 1


def fetch_lines(
    target: Target, plane: NDArray[np.bool_], rows: Sequence[int], columns: Sequence[int], row_step: int
) -> int:
    """Lines of the neighbouring rows `rows` (row_step apart) of one channel and column tile.

    plane: bool[H, W] non-zero mask of the channel. Rows of one phase (row mod row_step) follow each other,
    starting on a line.
    """

    def words_of(some_rows: Sequence[int]) -> int:
        return sum(row_words(target, len(columns), int(plane[row, columns].sum())) for row in some_rows)

    if not rows or not columns:
        return 0
    before = words_of(range(rows[0] % row_step, rows[0], row_step))
    return lines_touched(before, before + words_of(rows), target.words_per_line)
