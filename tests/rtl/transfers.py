"""DMA descriptors: the lines that the loads and stores of every tile move, in the order of the channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compiler.program import RowOperation, Transfer
from tests.rtl.homes import Place
from tests.rtl.layout import Layout, out_range
from tests.rtl.machine_build import Build
from tests.rtl.program_jobs import ProgramJob
from tests.rtl.tables import DMA, pack

MOST_LINES = (1 << 16) - 1


@dataclass(frozen=True)
class TileLines:
    """Lines that the load and the store of a tile move; the first load also brings the pointers."""

    load: frozenset[Place]
    store: frozenset[Place]


class Boxes:
    """Which lines the boxes of a tile's transfers are.

    written: lines of each result by (key, channel). A program whose tiles say nothing of transfers loads
    everything at first and stores everything at last.
    """

    def __init__(self, layout: Layout, written: dict[tuple[object, int], list[Place]]) -> None:
        self._layout, self._jobs, self._written = layout, layout.jobs, written
        self._last = {}
        for job in self._jobs.jobs:
            for channel in job.out:
                self._last[self._jobs.key(job), channel] = job
        self._says_nothing = not any(tile.loads or tile.stores for tile in self._jobs.program.tiles)

    def tile_lines(self) -> list[TileLines]:
        """Of all tiles."""
        tiles = self._jobs.program.tiles
        sums = self._sums_first_read()
        if self._says_nothing:
            load = self._everything().union(*sums)
            store = frozenset(place for lines in self._written.values() for place in lines)
            last = len(tiles) - 1
            nothing: frozenset[Place] = frozenset()
            return [
                TileLines(load if i == 0 else nothing, store if i == last else nothing)
                for i in range(len(tiles))
            ]
        return [
            TileLines(
                frozenset(sums[i].union(*map(self._loaded, tile.loads))),
                frozenset(place for box in tile.stores for place in self._stored(box, i)),
            )
            for i, tile in enumerate(tiles)
        ]

    def _everything(self) -> frozenset[Place]:
        layout, memory = self._layout, self._layout.memory
        places: set[Place] = set()
        for stored in (layout.ch0, layout.ch1):
            if stored is not None:
                channels = len(stored.pointers) // max(stored.pointer_stride, 1)
                places |= stored.places(range(channels), range(1 << 16), memory)
        for job in self._jobs.jobs:
            places |= set(self._weights_of(job)) | set(self._masks_of(job))
        return frozenset(places)

    def _sums_first_read(self) -> list[set[Place]]:
        """By tile: homes of sums that are read there before any job has written them."""
        places: list[set[Place]] = [set() for _ in self._jobs.program.tiles]
        seen: set[object] = set()
        for job in self._jobs.jobs:
            key = self._jobs.key(job)
            for channel in job.out:
                if job.read_sums and (key, channel) not in seen:
                    places[job.tile] |= set(self._layout.sums.places(key, channel))
                seen.add((key, channel))
        return places

    # Loads.

    def _loaded(self, box: Transfer) -> set[Place]:
        if box.tensor == "W":
            return self._of_jobs(self._weights_of, box)
        if box.tensor == "mask":
            return self._of_jobs(self._masks_of, box)
        if box.tensor not in ("I", "dO"):
            raise ValueError(f"nothing is known of loading {box.tensor!r}")
        inputs = box.tensor == "I"
        is_ch0 = inputs == (self._jobs.program.ch0_pattern is RowOperation.SRC)
        stored = self._layout.ch0 if is_ch0 else self._layout.ch1
        assert stored is not None
        return stored.places(range(*box.channels), range(*box.rows), self._layout.memory)

    def _of_jobs(self, lines: Callable[[ProgramJob, Transfer], Iterable[Place]], box: Transfer) -> set[Place]:
        return {place for job in self._jobs.jobs for place in lines(job, box)}

    def _weights_of(self, job: ProgramJob, box: Transfer | None = None) -> Iterator[Place]:
        if self._jobs.is_osrc:
            return
        for channel in job.reduce:
            if box is None or any(self._in_kernel_box(box, out, channel) for out in job.out):
                yield from self._layout.weights.places(out_range(job), channel)

    def _in_kernel_box(self, box: Transfer, across: int, through: int) -> bool:
        f, c = self._jobs.pair(across, through)
        c %= self._jobs.program.geometry.in_channels_per_group
        return f in range(*box.channels) and c in range(*box.rows)

    def _masks_of(self, job: ProgramJob, box: Transfer | None = None) -> Iterator[Place]:
        if not self._jobs.operands.has_masks:
            return
        for channel in job.out:
            if box is None or self._in_map_box(box, job, channel):
                yield from self._layout.masks.places(self._jobs.key(job), channel)

    def _in_map_box(self, box: Transfer, job: ProgramJob, channel: int) -> bool:
        rows = self._jobs.blocks[job.blocks[0]].row_numbers()
        return channel in range(*box.channels) and any(row in range(*box.rows) for row in rows)

    # Stores.

    def _stored(self, box: Transfer, tile: int) -> Iterator[Place]:
        for (key, channel), job in self._last.items():
            if self._in_result_box(box, job, channel):
                if job.tile > tile or (key, channel) not in self._written:
                    raise ValueError(f"tile {tile} stores a result that is not finished: {box}")
                yield from self._written[key, channel]

    def _in_result_box(self, box: Transfer, job: ProgramJob, channel: int) -> bool:
        if box.tensor in ("O", "dI"):
            return self._in_map_box(box, job, channel)
        if box.tensor != "dW":
            raise ValueError(f"nothing is known of storing {box.tensor!r}")
        return any(
            self._in_kernel_box(box, channel, through) for unit in job.units for through in unit.channels
        )


@dataclass
class DmaProgram:
    """words: the descriptors. needed: how many must be done before each tile. transfers: bytes per tile."""

    words: list[int]
    needed: list[int]
    transfers: list[tuple[int, int]]


def dma_program(tiles: Sequence[TileLines], pointers: int, build: Build) -> DmaProgram:
    """Descriptors of all tiles: load 0, load 1, store 0, load 2, store 1, ..."""
    words: list[int] = []
    needed = [0] * len(tiles)
    sizes = {}
    after_tiles = 0
    for is_store, tile in transfer_order(len(tiles)):
        runs = _runs(tiles[tile].store if is_store else tiles[tile].load, build)
        if tile == 0 and not is_store and pointers:
            runs.append((build.buffer_banks, 0, -(-pointers // build.words_per_line)))
        after_tiles = max(after_tiles, tile + 1) if is_store else after_tiles
        for i, run in enumerate(runs):
            words.append(_descriptor(run, is_store, i == 0, after_tiles, build))
        if not is_store:
            needed[tile] = len(words)
        sizes[is_store, tile] = sum(lines for _, _, lines in runs) * build.line_bytes
    transfers = [(sizes[False, tile], sizes[True, tile]) for tile in range(len(tiles))]
    return DmaProgram(words, needed, transfers)


def transfer_order(tiles: int) -> Iterator[tuple[bool, int]]:
    """(is a store, tile) in the order of the channel (docs/microarchitecture.md section 9)."""
    yield False, 0
    for tile in range(tiles):
        if tile + 1 < tiles:
            yield False, tile + 1
        yield True, tile


Run = tuple[int, int, int]  # bank, first line, lines


def _runs(places: Iterable[Place], build: Build) -> list[Run]:
    """Lines of a bank that follow each other, as few runs as possible."""
    runs: list[Run] = []
    for bank, line in sorted(places):
        last = runs[-1] if runs else (-1, 0, 0)
        if last[0] == bank and last[1] + last[2] == line and last[2] < MOST_LINES:
            runs[-1] = (bank, last[1], last[2] + 1)
        else:
            runs.append((bank, line, 1))
    return runs


def _descriptor(run: Run, is_store: bool, first: bool, after_tiles: int, build: Build) -> int:
    bank, line, lines = run
    to_pointers = bank == build.buffer_banks
    return pack(
        DMA,
        is_store=is_store,
        first=first,
        to_pointers=to_pointers,
        bank=0 if to_pointers else bank,
        line=line,
        lines=lines,
        memory_line=bank * build.bank_lines + line,
        after_tiles=after_tiles,
    )
