"""Which columns a row block uses, and where their taps land: for the compiler's checks and the engine."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.program import RowOperation


@lru_cache(maxsize=4096)
def column_taps(
    geometry: ConvGeometry, operation: RowOperation, column: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns of the ch0 row of a block, and the column each tap meets in the other map.

    operation: the ch0 pattern (compiler.program.ch0_pattern). Returns (columns int64[n], taps int64[n, Kw]);
    taps is -1 where a tap falls outside. For SRC the columns are of I and the taps columns of O (dO, where
    OSRC broadcasts I); for MSRC of dO and dI; for OSRC of dO and I. Columns that no tap can use are left out.
    """
    meets = geometry.input_index(1)  # [Wo, Kw] column of I
    window = np.arange(column, column + width)
    if operation is RowOperation.OSRC:
        taps = meets[window]
        used = (taps >= 0).any(axis=1)
        return window[used], taps[used]
    if operation is RowOperation.MSRC:
        taps = np.where((meets >= column) & (meets < column + width), meets, -1)
        used = (taps >= 0).any(axis=1)
        return np.flatnonzero(used), taps[used]
    taps = np.full((geometry.in_size[1], geometry.kernel[1]), -1, dtype=np.int64)
    for out in window:
        for k, x in enumerate(meets[out]):
            if x >= 0:
                taps[x, k] = out
    used = (taps >= 0).any(axis=1)
    return np.flatnonzero(used), taps[used]


def ch1_columns(geometry: ConvGeometry, pattern: RowOperation, column: int, width: int) -> NDArray[np.int64]:
    """Columns of the ch1 row of an OSRC block with dO columns [column, column + width), ascending.

    pattern: OSRC where dO is broadcast (columns of I that some tap meets), SRC where I is (columns of dO with
    such a tap).
    """
    meets = geometry.input_index(1)[column : column + width]
    if pattern is RowOperation.SRC:
        return column + np.flatnonzero((meets >= 0).any(axis=1))
    return np.unique(meets[meets >= 0])


def operand_rows(
    geometry: ConvGeometry, operation: RowOperation, out_rows: NDArray[np.int64], kernel_row: int
) -> NDArray[np.int64]:
    """Row of the ch0 map for each output row of a block through one kernel row; -1 where there is none.

    operation: the ch0 pattern. SRC: rows of I for rows of O (of dO, where OSRC broadcasts I); MSRC: rows of
    dO for rows of dI; OSRC: the rows of dO themselves where their row of I exists.
    """
    offset = kernel_row * geometry.dilation[0] - geometry.padding[0]
    stride = geometry.stride[0]
    if operation is RowOperation.MSRC:
        rows = (out_rows - offset) // stride
        good = ((out_rows - offset) % stride == 0) & (rows >= 0) & (rows < geometry.out_size[0])
        return np.where(good, rows, -1)
    rows = out_rows * stride + offset
    good = (rows >= 0) & (rows < geometry.in_size[0])
    return np.where(good, out_rows if operation is RowOperation.OSRC else rows, -1)
