"""Does what a program keeps in the buffer really fit, bank by bank, laid out line by line as documented?

Counted here from the jobs and transfers of the program, tile by tile, without the mapper's arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler import program as table
from compiler.columns import ch1_columns, column_taps
from compiler.compile import StageDensities, compile_stage
from compiler.mapping.infeasible import MappingError
from compiler.program import RowOperation, Stage, StageProgram, Transfer
from compiler.training import ConvWork, training_graph
from sparsesim.machine import load_machine
from tests.builders import random_layer, random_machine
from workloads.catalog import load_network

Key = tuple[object, ...]


def _up(amount: int, unit: int) -> int:
    return -(-amount // unit)


@dataclass
class _Layout:
    """Lines of one bank after the other, filled by pieces that are counted once each."""

    program: StageProgram
    masked: bool

    def __post_init__(self) -> None:
        blocks = self.program.row_blocks
        self.columns = sorted({(int(b[table.BLOCK_COLUMN]), int(b[table.BLOCK_WIDTH])) for b in blocks})

    def row_words(self, positions: int) -> int:
        t = self.program.target
        if t.row_format == "offset":
            return _up(positions * (t.operand_bits + (positions - 1).bit_length()), t.operand_bits)
        return positions + (_up(positions, t.operand_bits) if t.row_format == "bitmask" else 0)

    def positions(self, tensor: str) -> list[int]:
        """Positions of a row of I or dO in every column tile."""
        g, pattern = self.program.geometry, self.program.ch0_pattern
        on_ch0 = tensor == ("I" if pattern is RowOperation.SRC else "dO")
        if on_ch0:
            return [len(column_taps(g, pattern, *c)[0]) for c in self.columns]
        return [len(ch1_columns(g, pattern, *c)) for c in self.columns]

    def map_pieces(self, load: Transfer) -> dict[Key, tuple[int, int]]:
        """{what: (channel, lines)} of the rows of I or dO of a load; each phase and sample by itself."""
        p, g = self.program, self.program.geometry
        in_phases = load.tensor == "I"
        height = (g.in_size if in_phases else g.out_size)[0]
        step = g.stride[0] if in_phases else 1
        rows: dict[tuple[int, int], int] = defaultdict(int)
        for row in range(*load.rows):
            rows[row // height, row % height % step] += 1
        words = [self.row_words(n) for n in self.positions(load.tensor)]
        per_channel = sum(_up(count * w, p.target.words_per_line) for count in rows.values() for w in words)
        return {(load.tensor, c, load.rows): (c, per_channel) for c in range(*load.channels)}

    def job_pieces(self, tile: table.Tile, what: str) -> dict[Key, tuple[int, int]]:
        """Pieces that follow from the jobs of a tile: "weights", "results" (masks too), "sums"."""
        found: dict[Key, tuple[int, int]] = {}
        for row in self.program.jobs[tile.job_start : tile.job_end].tolist():
            found |= getattr(self, f"_{what}")(row)
        return found

    def _weights(self, row: list[int]) -> dict[Key, tuple[int, int]]:
        g, t = self.program.geometry, self.program.target
        first, count = row[table.JOB_OUT_START], row[table.JOB_OUT_COUNT]
        lines = g.kernel[0] * _up(count * g.kernel[1], t.words_per_line)
        start = row[table.JOB_REDUCE_START]
        reduced = range(start, start + row[table.JOB_REDUCE_COUNT])
        return {("W", first, a): (a, lines) for a in reduced}

    def _channels(self, row: list[int]) -> range:
        return range(row[table.JOB_OUT_START], row[table.JOB_OUT_START] + row[table.JOB_OUT_COUNT])

    def _results(self, row: list[int]) -> dict[Key, tuple[int, int]]:
        t, block = self.program.target, row[table.JOB_BLOCK]
        n = int(np.prod(self.program.row_blocks[block, [table.BLOCK_ROWS, table.BLOCK_WIDTH]]))
        lines = _up(n + (_up(n, t.operand_bits) if self.masked else 0), t.words_per_line)
        lines += _up(n, t.line_bits) if self.masked else 0
        return {("result", c, block): (c, lines) for c in self._channels(row)}

    def _sums(self, row: list[int]) -> dict[Key, tuple[int, int]]:
        if row[table.JOB_FINAL] and not row[table.JOB_READ_SUMS]:
            return {}
        t, block = self.program.target, row[table.JOB_BLOCK]
        n = int(np.prod(self.program.row_blocks[block, [table.BLOCK_ROWS, table.BLOCK_WIDTH]]))
        return {("sum", c, block): (c, _up(n * t.sum_bits, t.line_bits)) for c in self._channels(row)}

    def weight_gradient_bits(self, tile: table.Tile) -> dict[int, int]:
        """Bits of sums by channel across the groups."""
        bits: dict[int, int] = defaultdict(int)
        for row in self.program.jobs[tile.job_start : tile.job_end].tolist():
            units = self.program.units[row[table.JOB_UNIT] : row[table.JOB_UNIT_END]]
            kept = int(units[:, table.UNIT_OUT_COUNT].sum()) * self.program.geometry.kernel[1]
            for c in self._channels(row):
                bits[c] += kept * self.program.target.sum_bits
        return bits


def _fullest_bank(program: StageProgram, masked: bool) -> int:
    """Most lines that a bank holds while some tile runs and its neighbours are loaded and stored."""
    layout, most = _Layout(program, masked), 0
    maps: dict[str, dict[Key, tuple[int, int]]] = {}
    for i, tile in enumerate(program.tiles):
        following = program.tiles[i + 1] if i + 1 < len(program.tiles) else None
        maps |= {t.tensor: layout.map_pieces(t) for t in tile.loads if t.tensor in ("I", "dO")}
        lines = [0] * program.target.buffer_banks
        held = [*maps.values()]
        if following:
            held += [layout.map_pieces(t) for t in following.loads if t.tensor in ("I", "dO")]
        if program.operation is RowOperation.OSRC:
            for channel, bits in layout.weight_gradient_bits(tile).items():
                lines[channel % len(lines)] += _up(bits, program.target.line_bits)
        else:
            held += [layout.job_pieces(tile, what) for what in ("weights", "results", "sums")]
            if following and any(t.tensor == "W" for t in following.loads):
                held.append(layout.job_pieces(following, "weights"))
            if i and program.tiles[i - 1].stores:
                held.append(layout.job_pieces(program.tiles[i - 1], "results"))
        for pieces in held:
            for channel, count in pieces.values():
                lines[channel % len(lines)] += count
        most = max(most, *lines)
    return most


def _capacity(program: StageProgram) -> int:
    """Whole lines of a bank."""
    return program.target.buffer_bytes * 8 // program.target.line_bits // program.target.buffer_banks


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), stage=st.sampled_from([Stage.FORWARD, Stage.GTA, Stage.GTW]))
def test_tiles_fit_small_buffers(seed: int, stage: Stage) -> None:
    """Any small machine, the buffer often just large enough for some tile."""
    rng = np.random.default_rng(seed)
    target = replace(random_machine(rng), buffer_bytes=int(rng.integers(100, 4000)))
    masked = bool(rng.integers(2))
    work = ConvWork("layer", 1, random_layer(rng), False, True, True, masked, "none", False)
    try:
        program = compile_stage(work, stage, target, 4, samples=4).program
    except MappingError:
        return
    uses_mask = stage is Stage.GTA and masked and target.mask_skipping
    assert _fullest_bank(program, uses_mask) <= _capacity(program)


@pytest.mark.parametrize("network", ["resnet18", "alexnet"])
def test_tiles_of_real_layers_fit(network: str) -> None:
    """Few input channels lie in few banks; halos of column tiles and masks take space too."""
    machine = load_machine("sparsetrain")
    for target in (machine.to_target(), machine.dense_baseline().to_target()):
        for work in training_graph(load_network(network, "imagenet"), 32).convolutions[:5]:
            for stage in work.stages:
                program = compile_stage(work, stage, target, 32, StageDensities(0.5, 0.3, 0.5), 4).program
                uses_mask = stage is Stage.GTA and work.gta_masked and target.mask_skipping
                assert _fullest_bank(program, uses_mask) <= _capacity(program), (work.layer, stage)
