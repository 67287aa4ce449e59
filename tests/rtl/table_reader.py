"""Executes the tables of the instruction stream without any notion of time.

Knows the tables, the build and the memory, nothing of the program they were made from. Lines that no transfer
has brought into a bank are missing there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.rtl.machine_build import Build
from tests.rtl.tables import (
    CH1_PLACES,
    DMA,
    JOB,
    PLACES,
    REGISTERS,
    ROWOP,
    TAPS,
    TILE,
    UNIT,
    unpack,
)

Fields = dict[str, int]
Lines = dict[int, int]


def signed(value: int, bits: int) -> int:
    """The two's complement in the lowest bits of a value."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def cut(word: int, sizes: list[int], count: int) -> list[tuple[int, ...]]:
    """The first `count` groups of fields of these sizes, unsigned."""
    groups = []
    for _ in range(count):
        group = []
        for size in sizes:
            group.append(word & ((1 << size) - 1))
            word >>= size
        groups.append(tuple(group))
    return groups


@dataclass
class Group:
    """What a PE group holds in a job. ch1: words by stream, of OSRC."""

    sums: list[int]
    mask: list[int]
    ch1: list[dict[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """Rows as the fetch unit finds them: (row, position, value) of every entry, and the lines they touch."""

    entries: list[tuple[int, int, int]]
    lines: int


class TableReader:
    """One run over the tables. eager: transfers as early as they may, not as late as they must.

    counts: of each tile, by the names of the stepper's TileCounts.
    """

    def __init__(self, tables: dict[int, list[int]], memory: Lines, build: Build, eager: bool) -> None:
        self.memory, self.counts = dict(memory), [Counter[str]()]
        self.abs_sum = 0
        self._build, self._machine, self._eager = build, build.machine, eager
        self._tables = tables
        self._registers = unpack(REGISTERS, tables[REGISTERS][0])
        self._descriptors = [unpack(DMA, word) for word in tables[DMA]]
        self._done = 0
        self._banks: dict[tuple[int, int], int] = {}
        self._pointers: Lines = {}
        ppus = build.clusters * build.groups_per_cluster
        mixed = [(self._registers["seed"] + 0x9E3779B9 * (i + 1)) & 0xFFFFFFFF for i in range(ppus)]
        self._states = [state or 1 for state in mixed]

    # Tiles and transfers.

    def run(self) -> None:
        """All tiles, then the transfers that are left."""
        self.counts = []
        tiles = [unpack(TILE, word) for word in self._tables[TILE]]
        assert len(tiles) == self._registers["tiles"]
        assert len(self._descriptors) == self._registers["descriptors"]
        for number, tile in enumerate(tiles):
            self._transfer(tile["descriptors_needed"], number)
            if self._eager:
                self._transfer_what_may(number)
            self._run_tile(tile)
        self._transfer(len(self._descriptors), len(tiles))

    def _run_tile(self, tile: Fields) -> None:
        self.counts.append(Counter())
        for place, number in enumerate(range(tile["job_start"], tile["job_end"])):
            self._run_job(unpack(JOB, self._tables[JOB][number]), place % self._build.clusters)

    def _transfer(self, until: int, tiles_ended: int) -> None:
        while self._done < until:
            descriptor = self._descriptors[self._done]
            assert descriptor["after_tiles"] <= tiles_ended
            self._move(descriptor)
            self._done += 1

    def _transfer_what_may(self, tiles_ended: int) -> None:
        rest = self._descriptors[self._done :]
        may = [descriptor["after_tiles"] <= tiles_ended for descriptor in rest]
        self._transfer(self._done + (may.index(False) if False in may else len(may)), tiles_ended)

    def _move(self, descriptor: Fields) -> None:
        for i in range(descriptor["lines"]):
            line, off_chip = descriptor["line"] + i, descriptor["memory_line"] + i
            if descriptor["to_pointers"]:
                self._pointers[line] = self.memory[off_chip]
            elif descriptor["is_store"]:
                self.memory[off_chip] = self._banks[descriptor["bank"], line]
            else:
                self._banks[descriptor["bank"], line] = self.memory[off_chip]

    # What lies in the banks.

    def _word(self, lines: Lines | None, bank: int, address: int) -> int:
        line, place = divmod(address, self._build.words_per_line)
        value = self._pointers[line] if lines is self._pointers else self._banks[bank, line]
        return value >> place * 16 & 0xFFFF

    def _pointer(self, number: int) -> int:
        return self._word(self._pointers, 0, number)

    def _rows(self, bank: int, pointer: int, rows: int, positions: int) -> Rows:
        ends = [self._pointer(pointer + i) for i in range(rows + 1)] if rows else [0]
        entries = []
        for row in range(rows):
            words = [self._word(None, bank, at) for at in range(ends[row], ends[row + 1])]
            entries += [(row, at, signed(word, 16)) for at, word in self._decode(words, positions)]
        wpl = self._build.words_per_line
        lines = (ends[-1] - 1) // wpl - ends[0] // wpl + 1 if entries else 0
        return Rows(entries, lines)

    def _decode(self, words: list[int], positions: int) -> Iterator[tuple[int, int]]:
        if self._registers["dense"]:
            assert len(words) == positions
            yield from enumerate(words)
            return
        masks = -(-positions // 16)
        ones = [at for at in range(positions) if words[at // 16] >> at % 16 & 1]
        assert len(words) == masks + len(ones)
        yield from zip(ones, words[masks:], strict=True)

    def _bits(self, bank: int, line: int, count: int) -> list[int]:
        size = self._machine.line_bits
        return [self._banks[bank, line + n // size] >> n % size & 1 for n in range(count)]

    def _home(self, job: Fields, name: str, group: int) -> tuple[int, int]:
        """Bank and first line of a home of a group's output channel."""
        row, bank = divmod(job["out_bank"] + group, self._build.buffer_banks)
        return bank, job[f"{name}_address"] + (job["out_row"] + row) * job[f"{name}_stride"]

    # Jobs.

    def _run_job(self, job: Fields, cluster: int) -> None:
        count, headers = job["accumulators"], self.counts[-1]["headers"]
        groups = [Group([0] * count, [1] * count) for _ in range(job["out_count"])]
        if self._registers["has_masks"]:
            for number, group in enumerate(groups):
                group.mask = self._bits(*self._home(job, "mask", number), count)
                self.counts[-1] += Counter(headers=1, lines_read=-(-count // self._machine.line_bits))
        if self._registers["is_osrc"]:
            for unit in range(job["unit_count"]):
                self._run_unit(job, unpack(UNIT, self._tables[UNIT][job["unit_start"] + unit]), groups)
        else:
            self._run_reduction(job, groups)
        assert (self.counts[-1]["headers"] == headers) == bool(job["no_items"])
        for number, group in enumerate(groups):
            self.counts[-1]["drained_words"] += count
            self._write(job, number, group, cluster * self._build.groups_per_cluster + number)

    def _rowops(self, start: int, count: int) -> list[Fields]:
        return [unpack(ROWOP, word) for word in self._tables[ROWOP][start : start + count]]

    def _run_reduction(self, job: Fields, groups: list[Group]) -> None:
        width, wpl = self._registers["kernel_columns"], self._build.words_per_line
        for channel in range(job["reduce_count"]):
            row, bank = divmod(job["reduce_bank"] + channel, self._build.buffer_banks)
            weights_line = job["weight_address"] + (job["reduce_row"] + row) * job["weight_stride"]
            for op in self._rowops(job["rowop_start"], job["rowop_count"]):
                assert op["geometry"] == job["geometry"]
                pointer = job["pointer_base"] + channel * job["pointer_stride"] + op["pointer_offset"]
                rows = self._rows(bank, pointer, op["rows"], op["positions"])
                words = len(groups) * width
                self._count_operation(rows, len(groups), words, -(-words // wpl))
                first = (weights_line + op["weight_offset"]) * wpl
                for number, group in enumerate(groups if rows.entries else ()):
                    at = first + number * width
                    kernel_row = [signed(self._word(None, bank, at + k), 16) for k in range(width)]
                    self._multiply(op, rows, group, kernel_row)

    def _multiply(self, op: Fields, rows: Rows, group: Group, kernel_row: list[int]) -> None:
        for value, k, target in self._useful(op, rows):
            needed = group.mask[target] or not (self._registers["is_msrc"] and self._registers["use_mask"])
            if needed:
                group.sums[target] += value * kernel_row[k]
                self.counts[-1]["useful_products"] += 1

    def _run_unit(self, job: Fields, unit: Fields, groups: list[Group]) -> None:
        for op in self._rowops(unit["rowop_start"], unit["rowop_count"]):
            ch1 = [self._load_ch1(job, op, number) for number in range(len(groups))]
            for channel in range(unit["channel_count"]):
                bank = (unit["channel_bank"] + channel) % self._build.buffer_banks
                pointer = unit["pointer_base"] + channel * unit["pointer_stride"] + op["pointer_offset"]
                rows = self._rows(bank, pointer, op["rows"], op["positions"])
                self._count_operation(rows, len(groups), 0, 0)
                first = unit["drain_start"] + channel * self._registers["kernel_columns"]
                for group, vector in zip(groups, ch1, strict=True):
                    self._accumulate(op, rows, group.sums, first, vector)

    def _accumulate(self, op: Fields, rows: Rows, sums: list[int], first: int, ch1: dict[int, int]) -> None:
        for value, k, target in self._useful(op, rows):
            other = ch1.get(target, 0)
            sums[first + k] += value * other
            self.counts[-1]["useful_products"] += bool(other or not self._registers["use_mask"])

    def _load_ch1(self, job: Fields, op: Fields, number: int) -> dict[int, int]:
        bank = (job["out_bank"] + number) % self._build.buffer_banks
        pointer = job["ch1_pointer_base"] + number * job["ch1_pointer_stride"] + op["ch1_pointer_offset"]
        rows = self._rows(bank, pointer, op["rows"], op["ch1_positions"])
        self.counts[-1] += Counter(headers=1, lines_read=rows.lines, ch1_words_delivered=len(rows.entries))
        word = self._tables[CH1_PLACES][op["geometry"]]
        places = cut(word, [self._machine.reg1_address_bits], self._machine.reg1_words)
        return {row * op["row_words"] + places[at][0]: value for row, at, value in rows.entries}

    def _useful(self, op: Fields, rows: Rows) -> Iterator[tuple[int, int, int]]:
        """(value, tap, target) of every product inside the block, as design/detector.sv finds them."""
        machine = self._machine
        bits, half = machine.column_bits, machine.target_bits
        places = cut(
            self._tables[PLACES][op["geometry"]], [bits, machine.residue_bits], machine.row_slot_entries
        )
        sizes = [half, bits, bits, machine.residue_bits]
        taps = cut(self._tables[TAPS][op["geometry"]], sizes, machine.kernel_columns)
        for row, at, value in rows.entries:
            base, (column, residue) = op["row_base"] + row * op["row_words"], places[at]
            for k, (offset, first, end, phase) in enumerate(taps):
                inside = signed(first, bits) <= signed(column, bits) < signed(end, bits)
                if inside and residue == phase:
                    yield value, k, (base + column + offset) % (1 << half)

    def _count_operation(self, rows: Rows, groups: int, kernel_words: int, kernel_lines: int) -> None:
        counts = self.counts[-1]
        counts["headers"] += 1
        if not rows.entries:
            counts["empty_operations"] += 1
            return
        counts += Counter(
            operations=1,
            lines_read=rows.lines + kernel_lines,
            ch0_entries_delivered=len(rows.entries) * groups,
            entries=len(rows.entries) * groups,
            ch1_words_delivered=kernel_words,
        )

    # Results.

    def _write(self, job: Fields, number: int, group: Group, ppu: int) -> None:
        count = job["accumulators"]
        if job["read_sums"]:
            bank, line = self._home(job, "sums", number)
            per_line = self._build.sums_per_line
            for n in range(count):
                group.sums[n] += self._banks[bank, line + n // per_line] >> n % per_line * 32
            self.counts[-1]["lines_sums_read"] += -(-count // per_line)
        sums = [signed(value, 32) for value in group.sums]
        if job["final"]:
            words = self._finish(sums, group.mask, ppu)
            self._put(self._home(job, "result", number), words, 16)
            return
        self._put(self._home(job, "sums", number), sums, 32)

    def _put(self, home: tuple[int, int], words: list[int], bits: int) -> None:
        bank, line = home
        per_line = self._machine.line_bits // bits
        for at in range(0, len(words), per_line):
            value = sum((w & ((1 << bits) - 1)) << i * bits for i, w in enumerate(words[at : at + per_line]))
            self._banks[bank, line + at // per_line] = value
        self.counts[-1] += Counter(lines_written=-(-len(words) // per_line), result_words=len(words))

    def _finish(self, sums: list[int], mask: list[int], ppu: int) -> list[int]:
        words = [min(max(value >> self._registers["shift"], -(1 << 15)), (1 << 15) - 1) for value in sums]
        if self._registers["relu"]:
            words = [max(word, 0) for word in words]
        self.abs_sum += sum(map(abs, words))
        if self._registers["prune"]:
            words = [self._prune(word, ppu) for word in words]
        if not self._registers["has_masks"]:
            return words
        masks = [sum(bit << i for i, bit in enumerate(mask[at : at + 16])) for at in range(0, len(mask), 16)]
        return masks + [word for word, bit in zip(words, mask, strict=True) if bit]

    def _prune(self, word: int, ppu: int) -> int:
        state, threshold = self._states[ppu], self._registers["threshold"]
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._states[ppu] = state
        if abs(word) >= threshold:
            return word
        if abs(word) <= (state >> 16) * threshold >> 16:
            return 0
        return (1 if word > 0 else -1) * min(threshold, (1 << 15) - 1)
