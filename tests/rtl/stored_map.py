"""The rows of I or dO as they lie in the banks, and the pointers to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.rtl.homes import Banks, Memory, Place
from tests.rtl.ports import packed
from tests.rtl.tables import fitting

Integers = NDArray[np.int64]
ColumnTile = tuple[int, int]  # first column and width of the row blocks


@dataclass(frozen=True, order=True)
class RowList:
    """Rows that follow each other without gaps: those of one phase of a sample, in one column tile."""

    sample: int
    tile: ColumnTile
    phase: int


def stored_words(values: Iterable[int], operand_bits: int, dense: bool) -> list[int]:
    """A row as words: its bitmask and its values that are not 0; where zeros are kept, the values."""
    row = [int(value) for value in values]
    if dense:
        return row
    bits = [int(value != 0) for value in row]
    masks = [
        packed((bit, 1) for bit in bits[at : at + operand_bits]) for at in range(0, len(row), operand_bits)
    ]
    return masks + [value for value in row if value]


@dataclass(frozen=True)
class MapShape:
    """rows: of a sample; row_step: distance of rows of one phase; columns: kept of a row, by column tile."""

    rows: int
    row_step: int
    columns: Mapping[ColumnTile, list[int]]


class StoredMap:
    """Rows of all channels of a map [channels, samples * rows, columns], list by list.

    first_pointer: number of its first row pointer. Each list has a pointer per row and one to its end, the
    same for every channel.
    """

    def __init__(
        self, values: Integers, shape: MapShape, lists: Iterable[RowList], first_pointer: int
    ) -> None:
        self._values = values
        self._shape = shape
        self._offsets: dict[RowList, int] = {}
        self.first_pointer, self.pointer_stride = first_pointer, 0
        self.pointers: list[int] = []
        for row_list in sorted(set(lists)):
            self._offsets[row_list] = self.pointer_stride
            self.pointer_stride += len(self._rows(row_list)) + 1

    def _rows(self, row_list: RowList) -> range:
        return range(row_list.phase, self._shape.rows, self._shape.row_step)

    @property
    def end_pointer(self) -> int:
        """Number behind its last row pointer."""
        return self.first_pointer + self.pointer_stride * len(self._values)

    def pointer_base(self, channel: int) -> int:
        """Number of the first row pointer of a channel."""
        return self.first_pointer + channel * self.pointer_stride

    def pointer_offset(self, sample: int, tile: ColumnTile, row: int) -> int:
        """Pointer of a row of a sample, counted from the first of its channel."""
        index, phase = divmod(row, self._shape.row_step)
        return self._offsets[RowList(sample, tile, phase)] + index

    def store(self, banks: Banks, memory: Memory, dense: bool) -> None:
        """Give every list its lines, fill them, and note the pointers."""
        build = memory.build
        for channel in range(len(self._values)):
            bank = channel % build.buffer_banks
            for row_list in self._offsets:
                rows = self._list_words(channel, row_list, build.machine.operand_bits, dense)
                words = [word for row in rows for word in row]
                line = banks.take(bank, -(-len(words) // build.words_per_line))
                memory.write((bank, line), words, build.machine.operand_bits)
                ends = np.cumsum([0, *map(len, rows)]) + line * build.words_per_line
                self.pointers += [fitting(int(end), 1 << 16, "a row pointer") for end in ends]

    def _list_words(self, channel: int, row_list: RowList, operand_bits: int, dense: bool) -> list[list[int]]:
        plane, columns = self._values[channel], self._shape.columns[row_list.tile]
        first = row_list.sample * self._shape.rows
        return [stored_words(plane[first + y, columns], operand_bits, dense) for y in self._rows(row_list)]

    def places(self, channels: Iterable[int], rows: range, memory: Memory) -> set[Place]:
        """Lines that hold some word of these rows (of the stacked map) of these channels."""
        wpl, banks, places = memory.build.words_per_line, memory.build.buffer_banks, set()
        for channel in channels:
            for first, end in self._spans(channel, rows):
                lines = range(first // wpl, -(-end // wpl)) if end > first else range(0)
                places |= {(channel % banks, line) for line in lines}
        return places

    def _spans(self, channel: int, rows: range) -> Iterable[tuple[int, int]]:
        """Word ranges of the rows, list by list."""
        for row_list, offset in self._offsets.items():
            start = row_list.sample * self._shape.rows
            chosen = [i for i, y in enumerate(self._rows(row_list)) if start + y in rows]
            if chosen:
                at = channel * self.pointer_stride + offset
                yield self.pointers[at + chosen[0]], self.pointers[at + chosen[-1] + 1]
