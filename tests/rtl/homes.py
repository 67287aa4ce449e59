"""Where the data of a layer lie in the banks and off chip: every datum has one home."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.rtl.machine_build import POINTER_BITS, Build
from tests.rtl.ports import packed
from tests.rtl.tables import fitting

Place = tuple[int, int]  # bank, line; the row pointers are bank number buffer_banks


@dataclass
class Memory:
    """The off-chip memory: line number -> value, with the banks of the buffer one behind the other."""

    build: Build
    lines: dict[int, int] = field(default_factory=dict)

    def number(self, place: Place) -> int:
        """Memory line of a line of a bank."""
        return place[0] * self.build.bank_lines + place[1]

    def write(self, place: Place, words: Sequence[int], word_bits: int) -> None:
        """Fill lines with words, from the first word of a line on."""
        for i, line in enumerate(packed_lines(words, word_bits, self.build.machine.line_bits)):
            self.lines[self.number(place) + i] = line


def packed_lines(words: Sequence[int], word_bits: int, line_bits: int) -> list[int]:
    """Words side by side in lines; what is left of the last line is 0."""
    per_line = line_bits // word_bits
    return [
        packed((word, word_bits) for word in words[at : at + per_line])
        for at in range(0, len(words), per_line)
    ]


def unpacked_lines(lines: Iterable[int], word_bits: int, line_bits: int) -> list[int]:
    """All words of lines, as signed numbers."""
    words = [line >> at & ((1 << word_bits) - 1) for line in lines for at in range(0, line_bits, word_bits)]
    return [word - (1 << word_bits) if word >> (word_bits - 1) else word for word in words]


class Banks:
    """Hands out the lines of the banks, from the bottom."""

    def __init__(self, build: Build) -> None:
        self._limit = min(build.bank_lines, (1 << POINTER_BITS) // build.words_per_line)
        self._used = [0] * build.buffer_banks

    @property
    def lines_used(self) -> int:
        return max(self._used)

    def take(self, bank: int, lines: int) -> int:
        """First of so many lines of a bank."""
        first = self._used[bank]
        self._used[bank] += lines
        fitting(self._used[bank], self._limit + 1, "lines of a bank")
        return first

    def take_everywhere(self, lines: int) -> int:
        """First of so many lines that have the same numbers in every bank."""
        first = self.lines_used
        for bank in range(len(self._used)):
            self._used[bank] = first
            self.take(bank, lines)
        return first


class Homes:
    """Homes of one kind (kernel rows, masks, sums, results) by key and channel, whole lines each.

    That of channel a lies in bank a mod banks, (a div banks) * stride lines behind that of the bank's first
    channel.
    """

    def __init__(self, banks: int) -> None:
        self._banks = banks
        self._offsets: dict[Hashable, int] = {}
        self._lines: dict[Hashable, int] = {}
        self._used: dict[int, int] = {}
        self._base = 0

    def add(self, key: Hashable, channels: Iterable[int], lines: int) -> None:
        """Room for a key in these channels; a second time it changes nothing."""
        if key in self._offsets:
            return
        channels = list(channels)
        offset = max(self._used.get(channel, 0) for channel in channels)
        self._offsets[key], self._lines[key] = offset, lines
        self._used.update(dict.fromkeys(channels, offset + lines))

    @property
    def stride(self) -> int:
        """Lines from a channel to the next one of its bank."""
        return max(self._used.values(), default=0)

    def place(self, banks: Banks) -> None:
        """Settle where the homes begin, when all keys are known."""
        rows = max(self._used, default=-1) // self._banks + 1
        self._base = banks.take_everywhere(rows * self.stride)

    def address(self, key: Hashable) -> int:
        """Line of the home of the bank's first channel (which need not have one)."""
        return self._base + self._offsets[key]

    def home(self, key: Hashable, channel: int) -> Place:
        """First line of a home."""
        return channel % self._banks, self.address(key) + channel // self._banks * self.stride

    def places(self, key: Hashable, channel: int) -> list[Place]:
        """All lines of a home."""
        bank, line = self.home(key, channel)
        return [(bank, line + i) for i in range(self._lines[key])]

    def __contains__(self, key: Hashable) -> bool:
        return key in self._offsets
