"""The row blocks of a program as index tables: rows and columns that are read, and where taps land."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.columns import column_taps, operand_rows
from compiler.program import (
    BLOCK_COLUMN,
    BLOCK_FIRST,
    BLOCK_PHASE,
    BLOCK_ROWS,
    BLOCK_WIDTH,
    RowOperation,
    StageProgram,
)

POSITIONS = 64  # bits of a row-operation word


@dataclass(frozen=True)
class BlockTables:
    """The row blocks of a program as index tables: B blocks, V pairs, at most R rows, T column tiles."""

    out_rows: NDArray[np.int64]  # [B, R] output row within its sample, -1 beyond the block
    block_sample: NDArray[np.int32]  # [B]
    pair_block: NDArray[np.int64]  # [V]
    pair_start: NDArray[np.int32]  # [B + 1]
    pair_rows: NDArray[np.int32]  # [V, R] row of the ch0 map within its sample, -1 none
    pair_sample: NDArray[np.int32]  # [V]
    pair_kernel_row: NDArray[np.int64]  # [V]
    tile_of_block: NDArray[np.int32]  # [B]
    tiles: list[tuple[int, int]]  # (column, width)


def block_tables(program: StageProgram) -> BlockTables:
    """The tables of a program."""
    blocks, geometry = program.row_blocks, program.geometry
    step = geometry.stride[0] if program.operation is RowOperation.MSRC else 1
    index = np.arange(int(blocks[:, BLOCK_ROWS].max()))
    phase = np.where(program.operation is RowOperation.OSRC, 0, blocks[:, BLOCK_PHASE])
    rows = phase[:, None] + step * (blocks[:, BLOCK_FIRST, None] + index)
    rows = np.where(index < blocks[:, BLOCK_ROWS, None], rows, -1)
    start, kernel_rows = _pairs(program)
    pair_block = np.repeat(np.arange(len(blocks)), np.diff(start))
    pair_rows = np.full((len(pair_block), len(index)), -1, dtype=np.int32)
    for kernel_row in range(geometry.kernel[0]):
        chosen = np.flatnonzero(kernel_rows == kernel_row)
        outs = rows[pair_block[chosen]]
        found = operand_rows(geometry, program.ch0_pattern, outs, kernel_row)
        pair_rows[chosen] = np.where(outs >= 0, found, -1)
    columns = [(int(b[BLOCK_COLUMN]), int(b[BLOCK_WIDTH])) for b in blocks]
    tiles = sorted(set(columns))
    lookup = {tile: i for i, tile in enumerate(tiles)}
    tile_of_block = np.array([lookup[c] for c in columns], dtype=np.int32)
    samples = blocks[:, BLOCK_PHASE] if program.samples > 1 else np.zeros(len(blocks), np.int32)
    return BlockTables(
        out_rows=rows,
        block_sample=samples,
        pair_block=pair_block,
        pair_start=start,
        pair_rows=pair_rows,
        pair_sample=samples[pair_block],
        pair_kernel_row=kernel_rows,
        tile_of_block=tile_of_block,
        tiles=tiles,
    )


def stacked_rows(rows: NDArray[np.int32], samples: NDArray[np.int32], height: int) -> NDArray[np.int32]:
    """Rows of the stacked maps of several samples; -1 stays."""
    return np.where(rows >= 0, rows + height * samples[:, None], -1).astype(np.int32)


def _pairs(program: StageProgram) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(pair_start, kernel row of each pair): the issued kernel rows, or all of them for OSRC."""
    if program.operation is not RowOperation.OSRC:
        return program.kernel_row_start, program.kernel_rows.astype(np.int64)
    count, kernel = len(program.row_blocks), program.geometry.kernel[0]
    return np.arange(count + 1, dtype=np.int32) * np.int32(kernel), np.tile(np.arange(kernel), count)


def column_tables(program: StageProgram, tiles: list[tuple[int, int]]) -> tuple[NDArray[np.int32], ...]:
    """(columns int32[T, 64], count int32[T], taps int32[T, 64, Kw]) of the ch0 rows of each column tile."""
    columns = np.zeros((len(tiles), POSITIONS), dtype=np.int32)
    count = np.zeros(len(tiles), dtype=np.int32)
    taps = np.full((len(tiles), POSITIONS, program.geometry.kernel[1]), -1, dtype=np.int32)
    for t, (column, width) in enumerate(tiles):
        found, met = column_taps(program.geometry, program.ch0_pattern, column, width)
        columns[t, : len(found)], count[t], taps[t, : len(found)] = found, len(found), met
    return columns, count, taps


def ch1_rows(program: StageProgram, blocks: BlockTables) -> NDArray[np.int32]:
    """Rows of the stacked ch1 operand (I; dO where I is broadcast) of OSRC pairs, int32[V, R], -1 none."""
    geometry = program.geometry
    if program.ch0_pattern is RowOperation.SRC:
        rows = np.where(blocks.pair_rows >= 0, blocks.out_rows[blocks.pair_block], -1).astype(np.int32)
        return stacked_rows(rows, blocks.pair_sample, geometry.out_size[0])
    rows = blocks.pair_rows * geometry.stride[0]
    rows = rows + blocks.pair_kernel_row[:, None] * geometry.dilation[0] - geometry.padding[0]
    rows = np.where(blocks.pair_rows >= 0, rows, -1).astype(np.int32)
    return stacked_rows(rows, blocks.pair_sample, geometry.in_size[0])
