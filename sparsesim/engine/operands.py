"""From masks to row-operation words: everything the tile kernel looks up, for one layer, stage and sample.

The cost of a row operation in a PE is a sum over its ch0 entries of max(1, ceil(n / macs_per_pe)), n the
useful products of the entry.
n depends on the position and the group's mask only, so its binary digits become *planes* of 64 positions, and
the sum becomes sum_j weight_j * popcount(ch0 word & plane_j): one AND and popcount per plane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.columns import ch1_columns
from compiler.program import BLOCK_ROWS, BLOCK_WIDTH, RowOperation, StageProgram
from sparsesim.engine.blocks import (
    POSITIONS,
    BlockTables,
    block_tables,
    ch1_rows,
    column_tables,
    stacked_rows,
)
from sparsesim.engine.kernels.layout import Operands
from sparsesim.engine.kernels.pack import bit_planes, count_taps, pack_rows, row_words
from workloads.sparsity.masks import LayerMasks


def words_of_row(row_format: str, positions: int, operand_bits: int) -> NDArray[np.int64]:
    """Words of a stored row of `positions` columns with z = 0..positions non-zeros."""
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
    """Word addresses (start, end), int64[C, rows], of every row.

    They count from the start of its (channel, column tile, sample, phase) segment.
    """
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
    """(values int64[K + 1], weights int64[3, J]): bit j of values[n] is plane j for n useful products."""
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
    """Planes uint64[U, J, C], C the channels of `mask`; [U, J, 1] with every tap useful if it is None."""
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

    masks: I bool[C, H, W], dO bool[F, Ho, Wo], the ReLU mask of dI bool[C, H, W] or None. What the machine
    does not skip (target.skip_zeros, mask_skipping, input_skipping) is replaced by ones.
    """
    target, geometry, operation = program.target, program.geometry, program.operation
    blocks = block_tables(program)
    columns, count, taps = column_tables(program, blocks.tiles)
    pair_tile = blocks.tile_of_block[blocks.pair_block]
    ch0 = _ch0_mask(program, masks)
    words = np.zeros((len(pair_tile), ch0.shape[0]), dtype=np.uint64)
    height = ch0.shape[1] // program.samples
    pair_rows = stacked_rows(blocks.pair_rows, blocks.pair_sample, height)
    pack_rows(ch0, pair_rows, pair_tile, columns, count, words)
    phases = geometry.stride[0] if program.ch0_pattern is RowOperation.SRC else 1
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
        masked=int(
            operation is RowOperation.MSRC and target.mask_skipping and masks.grad_input_mask is not None
        ),
        kernel_width=geometry.kernel[1],
        words=words,
        lines=lines,
        planes=planes,
        plane_of_pair=plane_of_pair,
        weights=weights,
        pair_start=blocks.pair_start.astype(np.int32),
        pair_exists=np.asarray(np.any(blocks.pair_rows >= 0, axis=1), dtype=np.uint8),
        ch1_lines=ch1_lines,
        ch1_words=ch1_words,
        block_words=block_words,
        result_words=_result_words(program, masks, blocks, block_words),
        units=program.units,
    )


def _ch0_mask(program: StageProgram, masks: LayerMasks) -> NDArray[np.uint8]:
    mask = masks.input if program.ch0_pattern is RowOperation.SRC else masks.grad_output
    if not program.target.skip_zeros:
        return _all_ones(mask.shape[0], (mask.shape[1], mask.shape[2]))
    return _as_bytes(mask)


def _ch1_mask(program: StageProgram, masks: LayerMasks) -> NDArray[np.bool_]:
    """The operand of OSRC that is not broadcast."""
    return masks.grad_output if program.ch0_pattern is RowOperation.SRC else masks.input


def _second_mask(program: StageProgram, masks: LayerMasks) -> NDArray[np.uint8] | None:
    """The mask that tells the groups apart: ReLU mask (MSRC) or ch1 (OSRC); None where nothing is skipped."""
    if program.operation is RowOperation.MSRC and program.target.mask_skipping:
        return None if masks.grad_input_mask is None else _as_bytes(masks.grad_input_mask)
    if program.operation is RowOperation.OSRC and program.target.input_skipping:
        mask = _ch1_mask(program, masks)
        return None if bool(mask.all()) else _as_bytes(mask)
    return None


def _operation_planes(
    program: StageProgram,
    masks: LayerMasks,
    blocks: BlockTables,
    count: NDArray[np.int32],
    taps: NDArray[np.int32],
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32]]:
    """(planes, weights, plane set of each pair): one set per block.

    One per pair where OSRC broadcasts dO and looks at I: which row of I an entry meets depends on the kernel
    row.
    """
    mask = _second_mask(program, masks)
    if program.ch0_pattern is RowOperation.OSRC and mask is not None:
        tile = blocks.tile_of_block[blocks.pair_block]
        planes, weights = _planes(program, mask, ch1_rows(program, blocks), tile, count, taps)
        return planes, weights, np.arange(len(tile), dtype=np.int32)
    height = program.geometry.out_size[0]  # of dO; only OSRC stacks samples
    rows = stacked_rows(blocks.out_rows.astype(np.int32), blocks.block_sample, height)
    planes, weights = _planes(program, mask, rows, blocks.tile_of_block, count, taps)
    return planes, weights, blocks.pair_block.astype(np.int32)


def _ch1_tables(
    program: StageProgram, masks: LayerMasks, blocks: BlockTables
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(lines, words) int32[V, ch1 channels] of the rows that OSRC loads into Reg-1; else empty."""
    if program.operation is not RowOperation.OSRC:
        return np.zeros((0, 0), dtype=np.int32), np.zeros((0, 0), dtype=np.int32)
    geometry = program.geometry
    mask = _as_bytes(_ch1_mask(program, masks))
    phases = 1 if program.ch0_pattern is RowOperation.SRC else geometry.stride[0]
    if not program.target.skip_zeros:
        mask = np.ones_like(mask)
    rows = ch1_rows(program, blocks)
    pair_tile = blocks.tile_of_block[blocks.pair_block]
    lines = np.zeros((len(rows), mask.shape[0]), dtype=np.int32)
    words = np.zeros_like(lines)
    for t, (column, width) in enumerate(blocks.tiles):
        chosen = np.flatnonzero(pair_tile == t)
        used = ch1_columns(geometry, program.ch0_pattern, column, width)
        stored = _stored_rows(mask, used, phases, program, mask.shape[1] // program.samples)
        lines[chosen] = _fetch_lines(stored, rows[chosen], program.target.words_per_line)
        nonzero = np.concatenate(
            [mask[:, :, used].sum(axis=2, dtype=np.int32), np.zeros((len(mask), 1), np.int32)], 1
        )
        words[chosen] = nonzero[:, rows[chosen]].sum(axis=2).T
    return np.where(words > 0, lines, 0).astype(np.int32), words


def _result_words(
    program: StageProgram, masks: LayerMasks, blocks: BlockTables, block_words: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Operand words of a finished result, int32[B, C or 1] (microarchitecture section 6)."""
    mask = masks.grad_input_mask
    if program.operation is not RowOperation.MSRC or mask is None or not program.target.mask_skipping:
        return block_words[:, None].copy()
    summed = np.zeros((*mask.shape[:2], mask.shape[2] + 1), dtype=np.int32)
    np.cumsum(_as_bytes(mask), axis=2, dtype=np.int32, out=summed[:, :, 1:])
    out = np.empty((len(block_words), len(mask)), dtype=np.int32)
    for t, (column, width) in enumerate(blocks.tiles):
        per_row = np.zeros(
            (mask.shape[0], mask.shape[1] + 1), dtype=np.int32
        )  # last: a row that does not exist
        per_row[:, :-1] = summed[:, :, column + width] - summed[:, :, column]
        chosen = np.flatnonzero(blocks.tile_of_block == t)
        out[chosen] = per_row[:, blocks.out_rows[chosen]].sum(axis=2).T
    return out + (-(-block_words // program.target.operand_bits))[:, None].astype(np.int32)
