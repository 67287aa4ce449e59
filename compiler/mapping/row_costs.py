"""What one row costs: cycles of a dense ch0 row in a PE, words and lines of a stored row."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from compiler.columns import column_taps
from compiler.geometry import ConvGeometry
from compiler.mapping.blocks import map_size
from compiler.program import RowOperation
from compiler.target import Target


def stored_words(target: Target, positions: float, density: float) -> float:
    """Expected words of a stored row (docs/microarchitecture.md section 3)."""
    if target.row_format == "dense":
        return positions
    if target.row_format == "bitmask":
        return positions / target.operand_bits + positions * density
    offset_bits = max(int(positions) - 1, 0).bit_length()
    return positions * density * (target.operand_bits + offset_bits) / target.operand_bits


def touched_lines(words_per_line: int, words: float) -> float:
    """Lines touched by `words` words that start anywhere in a line."""
    return words / words_per_line + 1 - 1 / words_per_line


@lru_cache(maxsize=2048)
def _tap_counts(geometry: ConvGeometry, pattern: RowOperation, width: int) -> tuple[tuple[int, float], ...]:
    """(taps, entries with so many) of one dense ch0 row, averaged over the column tiles."""
    columns = map_size(geometry, pattern)[1]
    starts = range(0, columns, width)
    total: Counter[int] = Counter()
    for x in starts:
        total.update(
            (column_taps(geometry, pattern, x, min(width, columns - x))[1] >= 0).sum(axis=1).tolist()
        )
    return tuple((taps, entries / len(starts)) for taps, entries in sorted(total.items()))


@lru_cache(maxsize=2048)
def dense_row_cycles(
    geometry: ConvGeometry, pattern: RowOperation, width: int, seconds: tuple[float, ...], macs: int
) -> tuple[float, ...]:
    """Cycles of one dense ch0 row, averaged over column tiles, for each density of what the taps meet.

    They are the sum of E[max(1, ceil(n / macs))]. pattern: the ch0 pattern; seconds: the densities.
    """
    counts = _tap_counts(geometry, pattern, width)
    return tuple(
        sum([entries * _entry_cycles(taps, second, macs) for taps, entries in counts], 0.0)
        for second in seconds
    )


def _entry_cycles(taps: int, second: float, macs: int) -> float:
    """E[max(1, ceil(n / macs))] of an entry with `taps` taps, each useful with probability `second`."""
    useful = taps * second / macs
    return max(1.0, useful) if second >= 1 else useful + (1 - second) ** taps


@lru_cache(maxsize=2048)
def column_tiles(
    geometry: ConvGeometry, operation: RowOperation, width: int, second: float, macs: int
) -> tuple[tuple[float, int, int], ...]:
    """Of every column tile: cycles of one dense ch0 row, its positions, and the width of the tile."""
    columns = map_size(geometry, operation)[1]
    tiles = []
    for x in range(0, columns, width):
        size = min(width, columns - x)
        taps = (column_taps(geometry, operation, x, size)[1] >= 0).sum(axis=1)
        tiles.append((sum(_entry_cycles(int(t), second, macs) for t in taps), len(taps), size))
    return tuple(tiles)
