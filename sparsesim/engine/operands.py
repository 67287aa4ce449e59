"""From masks to row-operation words: everything the tile kernel looks up, for one layer, stage and sample.

The cost of a row operation in a PE is a sum over its ch0 entries of max(1, ceil(n / macs_per_pe)), n the useful products of the entry.
n depends on the position and the group's mask only, so its binary digits become *planes* of 64 positions, and the sum
becomes sum_j weight_j * popcount(ch0 word & plane_j): one AND and popcount per plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.columns import ch1_columns, column_taps, operand_rows
from compiler.program import (
    BLOCK_COLUMN,
    BLOCK_FIRST,
    BLOCK_PHASE,
    BLOCK_ROWS,
    BLOCK_WIDTH,
    RowOperation,
    StageProgram,
)
from sparsesim.engine.kernels.layout import Operands
from sparsesim.engine.kernels.pack import bit_planes, count_taps, pack_rows, row_words
from workloads.sparsity.masks import LayerMasks

POSITIONS = 64  # bits of a row-operation word


@dataclass(frozen=True)
class _Blocks:
    """The row blocks of a program as index tables: B blocks, V pairs, at most R rows, T column tiles."""

    out_rows: NDArray[np.int64]  # [B, R] output row within its sample, -1 beyond the block
    pair_block: NDArray[np.int64]  # [V]
    pair_start: NDArray[np.int32]  # [B + 1]
    pair_rows: NDArray[np.int32]  # [V, R] row of the ch0 map within its sample, -1 none
    pair_sample: NDArray[np.int32]  # [V]
    pair_kernel_row: NDArray[np.int64]  # [V]
    tile_of_block: NDArray[np.int32]  # [B]
    tiles: list[tuple[int, int]]  # (column, width)


def _block_tables(program: StageProgram) -> _Blocks:
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
        found = operand_rows(geometry, program.operation, outs, kernel_row)
        pair_rows[chosen] = np.where(outs >= 0, found, -1)
    columns = [(int(b[BLOCK_COLUMN]), int(b[BLOCK_WIDTH])) for b in blocks]
    tiles = sorted(set(columns))
    lookup = {tile: i for i, tile in enumerate(tiles)}
    tile_of_block = np.array([lookup[c] for c in columns], dtype=np.int32)
    samples = blocks[pair_block, BLOCK_PHASE] if program.samples > 1 else np.zeros(len(pair_block), np.int32)
    return _Blocks(
        rows, pair_block, start, pair_rows, samples.astype(np.int32), kernel_rows, tile_of_block, tiles
    )


def _stacked(rows: NDArray[np.int32], samples: NDArray[np.int32], height: int) -> NDArray[np.int32]:
    """Rows of the stacked maps of several samples; -1 stays."""
    return np.where(rows >= 0, rows + height * samples[:, None], -1).astype(np.int32)


def _pairs(program: StageProgram) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(pair_start, kernel row of each pair): the issued kernel rows, or all of them for OSRC."""
    if program.operation is not RowOperation.OSRC:
        return program.kernel_row_start, program.kernel_rows.astype(np.int64)
    count, kernel = len(program.row_blocks), program.geometry.kernel[0]
    return np.arange(count + 1, dtype=np.int32) * np.int32(kernel), np.tile(np.arange(kernel), count)


def _column_tables(program: StageProgram, tiles: list[tuple[int, int]]) -> tuple[NDArray[np.int32], ...]:
    """(columns int32[T, 64], count int32[T], taps int32[T, 64, Kw]) of the ch0 rows of each column tile."""
    columns = np.zeros((len(tiles), POSITIONS), dtype=np.int32)
    count = np.zeros(len(tiles), dtype=np.int32)
    taps = np.full((len(tiles), POSITIONS, program.geometry.kernel[1]), -1, dtype=np.int32)
    for t, (column, width) in enumerate(tiles):
        found, met = column_taps(program.geometry, program.operation, column, width)
        columns[t, : len(found)], count[t], taps[t, : len(found)] = found, len(found), met
    return columns, count, taps


def words_of_row(row_format: str, positions: int, operand_bits: int) -> NDArray[np.int64]:
    """Words of a stored row of `positions` columns with z = 0..positions non-zeros (microarchitecture section 3)."""
    z = np.arange(positions + 1)
    if row_format == "dense":
        return np.full(positions + 1, positions)
    if row_format == "bitmask":
        return -(-positions // operand_bits) + z
    offset_bits = (positions - 1).bit_length()
    words: NDArray[np.int64] = -(-(z * (operand_bits + offset_bits)) // operand_bits)
    return words


def _stored_rows(
    mask: NDArray[np.uint8], columns: NDArray[np.int64], phases: int, program: StageProgram, height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Word addresses (start, end), int64[C, rows], of every row in its (channel, column tile, sample, phase) segment."""
    target = program.target
    words_of = words_of_row(target.row_format, len(columns), target.operand_bits)
    words = row_words(mask, columns.astype(np.int32), len(columns), words_of)
    end = np.empty_like(words)
    for first in range(0, words.shape[1], height):
        for phase in range(phases):
            rows = slice(first + phase, first + height, phases)
            end[:, rows] = np.cumsum(words[:, rows], axis=1)
    return end - words, end


def _fetch_lines(
    stored: tuple[NDArray[np.int64], NDArray[np.int64]], rows: NDArray[np.int32], words_per_line: int
) -> NDArray[np.int32]:
    """Lines that the rows of each pair touch: int32[V, C]; rows int32[V, R], -1 none."""
    first = np.where(rows >= 0, rows, np.iinfo(np.int32).max).min(axis=1)
    last = rows.max(axis=1)
    exists = last >= 0
    start = stored[0][:, np.where(exists, first, 0)].T
    end = stored[1][:, np.where(exists, last, 0)].T
    lines = (end - 1) // words_per_line - start // words_per_line + 1
    return np.where(exists[:, None] & (end > start), lines, 0).astype(np.int32)


def _plane_values(kernel_width: int, macs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(values int64[K + 1], weights int64[3, J]): bit j of values[n] is plane j of an entry with n useful products."""
    n = np.arange(kernel_width + 1)
    count_bits = max(int(kernel_width).bit_length(), 1)
    values, columns = n.copy(), [(1 << j, 1 << j, 0) for j in range(count_bits)]
    if macs > 1:
        cost = np.maximum(1, -(-n // macs))
        cost_bits = int(cost.max()).bit_length()
        columns = [(0, use, 0) for _, use, _ in columns] + [(1 << j, 0, 0) for j in range(cost_bits)]
        values |= cost << count_bits
    values |= (n == 0).astype(np.int64) << len(columns)
    columns.append((1 if macs == 1 else 0, 0, 1))
    return values, np.array(columns, dtype=np.int64).T.copy()


def _all_ones(channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.ones((channels, *size), dtype=np.uint8)


def _as_bytes(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask).view(np.uint8)


def _planes(
    program: StageProgram,
    mask: NDArray[np.uint8] | None,
    rows: NDArray[np.int32],
    tile: NDArray[np.int32],
    count: NDArray[np.int32],
    taps: NDArray[np.int32],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Planes uint64[U, J, C + G] (C the channels of `mask`), or [U, J, 1] with every tap useful if mask is None."""
    values, weights = _plane_values(program.geometry.kernel[1], program.target.macs_per_pe)
    size = int(taps.max(initial=0)) + 1
    if mask is None:
        mask, rows = _all_ones(1, (1, size)), np.where(rows >= 0, 0, -1).astype(np.int32)
    counts = np.zeros((len(rows), POSITIONS, mask.shape[0]), dtype=np.uint8)
    count_taps(mask, rows, tile, taps, count, counts)
    planes = np.zeros((len(rows), weights.shape[1], mask.shape[0]), dtype=np.uint64)
    bit_planes(counts, values, planes)
    return planes, weights


def pack_operands(program: StageProgram, masks: LayerMasks) -> Operands:
    """Tables of the tile kernel for one sample of one layer and stage.

    masks: I bool[C, H, W], dO bool[F, Ho, Wo], the ReLU mask of dI bool[C, H, W] or None. What the machine does not
    skip (target.skip_zeros, mask_skipping, input_skipping) is replaced by ones.
    """
    target, geometry, operation = program.target, program.geometry, program.operation
    blocks = _block_tables(program)
    columns, count, taps = _column_tables(program, blocks.tiles)
    pair_tile = blocks.tile_of_block[blocks.pair_block]
    ch0 = _ch0_mask(program, masks)
    words = np.zeros((len(pair_tile), ch0.shape[0]), dtype=np.uint64)
    height = ch0.shape[1] // program.samples
    pair_rows = _stacked(blocks.pair_rows, blocks.pair_sample, height)
    pack_rows(ch0, pair_rows, pair_tile, columns, count, words)
    phases = geometry.stride[0] if operation is RowOperation.SRC else 1
    lines = np.zeros(words.shape, dtype=np.int32)
    for t in range(len(blocks.tiles)):
        chosen = np.flatnonzero(pair_tile == t)
        stored = _stored_rows(ch0, columns[t, : count[t]].astype(np.int64), phases, program, height)
        lines[chosen] = _fetch_lines(stored, pair_rows[chosen], target.words_per_line)
    planes, weights, plane_of_pair = _operation_planes(program, masks, blocks, count, taps)
    ch1_lines, ch1_words = _ch1_tables(program, masks, blocks)
    block_words = (program.row_blocks[:, BLOCK_ROWS] * program.row_blocks[:, BLOCK_WIDTH]).astype(np.int32)
    return Operands(
        output_store=int(operation is RowOperation.OSRC),
        masked=int(operation is RowOperation.MSRC and target.mask_skipping and masks.grad_input_mask is not None),
        kernel_width=geometry.kernel[1],
        words=words,
        lines=lines,
        planes=planes,
        plane_of_pair=plane_of_pair,
        weights=weights,
        pair_start=blocks.pair_start.astype(np.int32),
        pair_exists=(blocks.pair_rows >= 0).any(axis=1).astype(np.uint8),
        ch1_lines=ch1_lines,
        ch1_words=ch1_words,
        block_words=block_words,
        result_words=_result_words(program, masks, blocks, block_words),
        units=program.units,
    )


def _ch0_mask(program: StageProgram, masks: LayerMasks) -> NDArray[np.uint8]:
    mask = masks.input if program.operation is RowOperation.SRC else masks.grad_output
    if not program.target.skip_zeros:
        return _all_ones(mask.shape[0], (mask.shape[1], mask.shape[2]))
    return _as_bytes(mask)


def _second_mask(program: StageProgram, masks: LayerMasks) -> NDArray[np.uint8] | None:
    """The mask that tells the groups apart: ReLU mask (MSRC) or I (OSRC); None where nothing is skipped."""
    if program.operation is RowOperation.MSRC and program.target.mask_skipping:
        return None if masks.grad_input_mask is None else _as_bytes(masks.grad_input_mask)
    if program.operation is RowOperation.OSRC and program.target.input_skipping:
        return None if bool(masks.input.all()) else _as_bytes(masks.input)
    return None


def _ch1_rows(program: StageProgram, blocks: _Blocks) -> NDArray[np.int32]:
    """Rows of the stacked I of each OSRC pair, int32[V, R], -1 none."""
    geometry = program.geometry
    rows = blocks.pair_rows * geometry.stride[0]
    rows = rows + blocks.pair_kernel_row[:, None] * geometry.dilation[0] - geometry.padding[0]
    rows = np.where(blocks.pair_rows >= 0, rows, -1).astype(np.int32)
    return _stacked(rows, blocks.pair_sample, geometry.in_size[0])


def _operation_planes(
    program: StageProgram,
    masks: LayerMasks,
    blocks: _Blocks,
    count: NDArray[np.int32],
    taps: NDArray[np.int32],
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32]]:
    """(planes, weights, plane set of each pair): one set per block, for masked OSRC one per pair."""
    mask = _second_mask(program, masks)
    if program.operation is RowOperation.OSRC and mask is not None:
        tile = blocks.tile_of_block[blocks.pair_block]
        planes, weights = _planes(program, mask, _ch1_rows(program, blocks), tile, count, taps)
        return planes, weights, np.arange(len(tile), dtype=np.int32)
    rows = blocks.out_rows.astype(np.int32)
    planes, weights = _planes(program, mask, rows, blocks.tile_of_block, count, taps)
    return planes, weights, blocks.pair_block.astype(np.int32)


def _ch1_tables(
    program: StageProgram, masks: LayerMasks, blocks: _Blocks
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(lines, words) int32[V, C] of the rows of I that OSRC loads into Reg-1; empty for the other operations."""
    if program.operation is not RowOperation.OSRC:
        return np.zeros((0, 0), dtype=np.int32), np.zeros((0, 0), dtype=np.int32)
    geometry = program.geometry
    mask = _as_bytes(masks.input)
    if not program.target.skip_zeros:
        mask = np.ones_like(mask)
    rows = _ch1_rows(program, blocks)
    pair_tile = blocks.tile_of_block[blocks.pair_block]
    lines = np.zeros((len(rows), mask.shape[0]), dtype=np.int32)
    words = np.zeros_like(lines)
    for t, (column, width) in enumerate(blocks.tiles):
        chosen = np.flatnonzero(pair_tile == t)
        used = ch1_columns(geometry, column, width)
        stored = _stored_rows(mask, used, geometry.stride[0], program, geometry.in_size[0])
        lines[chosen] = _fetch_lines(stored, rows[chosen], program.target.words_per_line)
        nonzero = np.concatenate([mask[:, :, used].sum(axis=2, dtype=np.int32), np.zeros((len(mask), 1), np.int32)], 1)
        words[chosen] = nonzero[:, rows[chosen]].sum(axis=2).T
    return np.where(words > 0, lines, 0).astype(np.int32), words


def _result_words(
    program: StageProgram, masks: LayerMasks, blocks: _Blocks, block_words: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Operand words of a finished result, int32[B, C or 1] (microarchitecture section 6)."""
    mask = masks.grad_input_mask
    if program.operation is not RowOperation.MSRC or mask is None or not program.target.mask_skipping:
        return block_words[:, None].copy()
    summed = np.zeros((*mask.shape[:2], mask.shape[2] + 1), dtype=np.int32)
    np.cumsum(_as_bytes(mask), axis=2, dtype=np.int32, out=summed[:, :, 1:])
    out = np.empty((len(block_words), len(mask)), dtype=np.int32)
    for t, (column, width) in enumerate(blocks.tiles):
        per_row = np.zeros((mask.shape[0], mask.shape[1] + 1), dtype=np.int32)  # last: a row that does not exist
        per_row[:, :-1] = summed[:, :, column + width] - summed[:, :, column]
        chosen = np.flatnonzero(blocks.tile_of_block == t)
        out[chosen] = per_row[:, blocks.out_rows[chosen]].sum(axis=2).T
    return out + (-(-block_words // program.target.operand_bits))[:, None].astype(np.int32)
