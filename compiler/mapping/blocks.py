"""Which row blocks (R rows x T columns) fit the registers of a PE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from compiler.codegen.reduce import row_phases
from compiler.columns import ch1_columns, column_taps
from compiler.geometry import ConvGeometry
from compiler.mapping.infeasible import MappingError, does_not_fit
from compiler.program import GRADIENTS_BROADCAST, RowOperation, ch0_pattern
from compiler.target import Target


@dataclass(frozen=True)
class BlockShape:
    """A candidate row block: R rows, T columns, and the positions of its longest ch0 and ch1 rows."""

    rows: int
    width: int
    positions: int
    ch1_positions: int


@lru_cache(maxsize=4096)
def map_size(geometry: ConvGeometry, operation: RowOperation) -> tuple[int, int]:
    """(rows, columns) that row blocks tile: of O, of one phase of dI, or of dO."""
    if operation is not RowOperation.MSRC:
        return geometry.out_size
    height = max(-(-(geometry.in_size[0] - q) // geometry.stride[0]) for q in row_phases(geometry, operation))
    return height, geometry.in_size[1]


@lru_cache(maxsize=4096)
def tile_positions(
    geometry: ConvGeometry, operation: RowOperation, broadcast: str, width: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of one ch0 row and of one ch1 row (SRC, MSRC: kernel row) in every column tile of `width`."""
    columns, pattern = map_size(geometry, operation)[1], ch0_pattern(operation, broadcast)
    tiles = [(x, min(width, columns - x)) for x in range(0, columns, width)]
    ch0 = tuple(len(column_taps(geometry, pattern, *tile)[0]) for tile in tiles)
    if operation is not RowOperation.OSRC:
        return ch0, (geometry.kernel[1],) * len(tiles)
    return ch0, tuple(len(ch1_columns(geometry, pattern, *tile)) for tile in tiles)


def _row_positions(
    geometry: ConvGeometry, operation: RowOperation, broadcast: str, width: int
) -> tuple[int, int]:
    """Longest (ch0 row, ch1 row) of one block row over the column tiles of this width."""
    ch0, ch1 = tile_positions(geometry, operation, broadcast, width)
    return max(ch0), max(ch1)


def _held_words(operation: RowOperation, width: int) -> int:
    """Reg-2 words of one block row: partial sums of SRC and MSRC; OSRC holds weight gradients instead."""
    return 0 if operation is RowOperation.OSRC else width


def _max_rows(target: Target, operation: RowOperation, width: int, positions: tuple[int, int]) -> int:
    """Most block rows of this width that fit slot, Reg-1 and Reg-2; 0 if not even one does."""
    limits = [target.row_slot_entries // max(positions[0], 1)]
    if operation is RowOperation.OSRC:
        limits.append(target.reg1_words // max(positions[1], 1))
    else:
        limits.append(target.reg2_words // max(_held_words(operation, width), 1))
    return min(limits)


def _check_kernel(geometry: ConvGeometry, operation: RowOperation, target: Target) -> None:
    kernel_width = geometry.kernel[1]
    if operation is RowOperation.OSRC:
        if kernel_width > target.reg2_words:
            raise does_not_fit(
                f"one kernel row of weight gradients in Reg-2 ({kernel_width} taps)", kernel_width,
                target.reg2_words, "words", "pe.reg2_words", f"Set it to at least {kernel_width}",
            )  # fmt: skip
    elif kernel_width * target.row_slots > 2 * target.reg1_words:
        need = -(-kernel_width * target.row_slots // 2)
        raise does_not_fit(
            f"the kernel rows of {target.row_slots} slots ({kernel_width} taps each) in Reg-1", need,
            target.reg1_words, "words a vector", "pe.reg1_words", f"Set it to at least {need}",
        )  # fmt: skip


def block_shapes(
    geometry: ConvGeometry, operation: RowOperation, target: Target, broadcast: str = GRADIENTS_BROADCAST
) -> Iterator[BlockShape]:
    """Row blocks worth trying: the fewest column tiles and one more; row counts that cut the map evenly.

    broadcast: the operand on ch0 of OSRC. Raises MappingError where not even one output position fits.
    """
    _check_kernel(geometry, operation, target)
    height, columns = map_size(geometry, operation)
    found = 0
    # No tile is wider than the largest of these: a wide map (a fully connected layer) is not tried whole.
    widest = max(target.row_slot_entries, target.reg1_words, target.reg2_words)
    for tiles in range(-(-columns // widest), columns + 1):
        width = -(-columns // tiles)
        if -(-columns // width) != tiles:
            continue
        positions = _row_positions(geometry, operation, broadcast, width)
        most = min(_max_rows(target, operation, width, positions), height)
        if most == 0:
            continue
        for rows in _even_row_counts(height, most, operation):
            yield BlockShape(rows, width, positions[0] * rows, positions[1] * rows)
        found += 1
        if found == 2:
            return
    if not found:
        raise _nothing_fits(geometry, operation, target, broadcast)


def _even_row_counts(height: int, most: int, operation: RowOperation) -> list[int]:
    """Row counts up to `most` that cut the height into even parts, largest first.

    SRC and MSRC also gain from small blocks, which make more jobs; a block of OSRC is no job, so only the
    two largest are tried.
    """
    fewest = -(-height // most)
    if operation is RowOperation.OSRC:
        return sorted({-(-height // parts) for parts in (fewest, fewest + 1, fewest + 2)}, reverse=True)
    counts = {-(-height // parts) for parts in range(fewest, fewest + 4)}
    return sorted(counts | {1}, reverse=True)


def _nothing_fits(
    geometry: ConvGeometry, operation: RowOperation, target: Target, broadcast: str
) -> MappingError:
    ch0, ch1 = _row_positions(geometry, operation, broadcast, 1)
    if ch0 > target.row_slot_entries:
        return does_not_fit(
            "the ch0 row that one output column depends on", ch0, target.row_slot_entries, "entries",
            "pe.row_slot_entries", f"Set it to at least {ch0}",
        )  # fmt: skip
    return does_not_fit(
        "the ch1 row that one column of dO meets", ch1, target.reg1_words, "words",
        "pe.reg1_words", f"Set it to at least {ch1}",
    )  # fmt: skip
