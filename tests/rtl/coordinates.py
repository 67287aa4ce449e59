"""What a PE must be told of a row block: where its entries and taps stand, and how ch1 rows lie in Reg-1.

An entry stands at (column, residue); tap k is useful where the residues agree and column lies in
[first[k], end[k]); its partner is then number column + offset[k] of the partner row. That one rule serves all
row operations because the partners of one tap lie at a fixed distance from the entries, also where unused
columns are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.geometry import ConvGeometry
from compiler.program import RowOperation


@dataclass(frozen=True)
class Tap:
    """One tap: residue (column modulo stride), columns [first, end) it serves, offset of its partner."""

    residue: int
    first: int
    end: int
    offset: int


def entry_place(geometry: ConvGeometry, pattern: RowOperation, block_column: int, x: int) -> tuple[int, int]:
    """(column, residue) of the ch0 entry at column x of its map. pattern: StageProgram.ch0_pattern."""
    stride, padding = geometry.stride[1], geometry.padding[1]
    if pattern is RowOperation.SRC:
        column, residue = divmod(x + padding - block_column * stride, stride)
        return column, residue
    if pattern is RowOperation.MSRC:
        return x * stride - padding - block_column, 0
    return x - block_column, 0


def ch1_places(geometry: ConvGeometry, pattern: RowOperation, columns: list[int]) -> dict[int, int]:
    """Place of each column of a ch1 row within the row in Reg-1: of I by phase, of dO in order."""
    stride, padding = geometry.stride[1], geometry.padding[1]
    if pattern is RowOperation.SRC:
        return {x: i for i, x in enumerate(sorted(columns))}
    ordered = sorted(columns, key=lambda x: ((x + padding) % stride, x))
    return {x: i for i, x in enumerate(ordered)}


def block_taps(
    geometry: ConvGeometry,
    operation: RowOperation,
    pattern: RowOperation,
    column: int,
    width: int,
    places: dict[int, int],
) -> list[Tap]:
    """The taps of a kernel row for columns [column, column + width) of a block; places: ch1_places (OSRC)."""
    if pattern is RowOperation.OSRC:
        return [
            _broadcast_gradients_tap(geometry, column, width, places, k) for k in range(geometry.kernel[1])
        ]
    taps = []
    for k in range(geometry.kernel[1]):
        reach = k * geometry.dilation[1]
        if pattern is RowOperation.MSRC:
            taps.append(Tap(0, -reach, width - reach, reach))
            continue
        steps, residue = divmod(reach, geometry.stride[1])
        shift = _shift(geometry, column, width, places, k) if operation is RowOperation.OSRC else 0
        taps.append(Tap(residue, steps, width + steps, shift - steps))
    return taps


def _columns_inside(geometry: ConvGeometry, column: int, width: int, tap: int) -> range:
    """Columns of the block, counted from its first, whose column of I through the tap exists."""
    stride = geometry.stride[1]
    before = geometry.padding[1] - tap * geometry.dilation[1] - column * stride
    first, end = -(-before // stride), -(-(before + geometry.in_size[1]) // stride)
    return range(min(max(first, 0), width), min(max(end, 0), width))


def _shift(geometry: ConvGeometry, column: int, width: int, places: dict[int, int], tap: int) -> int:
    """OSRC, I broadcast: places skipped by columns of dO that no tap can use."""
    inside = _columns_inside(geometry, column, width, tap)
    return places[column + inside[0]] - inside[0] if inside else 0


def _broadcast_gradients_tap(
    geometry: ConvGeometry, column: int, width: int, places: dict[int, int], tap: int
) -> Tap:
    inside = _columns_inside(geometry, column, width, tap)
    if not inside:
        return Tap(0, 0, 0, 0)
    x = (column + inside[0]) * geometry.stride[1] + tap * geometry.dilation[1] - geometry.padding[1]
    return Tap(0, inside.start, inside.stop, places[x] - inside[0])
