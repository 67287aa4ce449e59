"""Space of the global buffer that a mapping takes, laid out as docs/microarchitecture.md section 3 says.

Everything of a channel lies in one bank, so the fullest bank decides. Rows are given the space of rows
without zeros: how long they will be is not known when the program is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from compiler.codegen.reduce import row_phases
from compiler.mapping.blocks import map_size, tile_positions
from compiler.mapping.mapping import OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.mapping.problem import Problem
from compiler.program import RowOperation
from compiler.target import Target


@lru_cache(maxsize=8192)
def parts(total: int, size: int) -> tuple[tuple[int, int], ...]:
    """(size, how many) of the pieces of `total`: full ones and the rest."""
    full, rest = divmod(total, size)
    return tuple((s, n) for s, n in ((size, full), (rest, 1)) if s and n)


def _row_words(target: Target, positions: int) -> int:
    """Words of a stored row without zeros."""
    if target.row_format == "dense":
        return positions
    if target.row_format == "bitmask":
        return -(-positions // target.operand_bits) + positions
    offset_bits = max(positions - 1, 0).bit_length()
    return -(-positions * (target.operand_bits + offset_bits) // target.operand_bits)


def _map_lines(target: Target, positions: tuple[int, ...], rows: int, phases: int) -> int:
    """Lines of one channel: each column tile (`positions` long) and row phase starts on a line."""
    total = 0
    for n, tiles in Counter(positions).items():
        words = _row_words(target, n)
        by_phase = (-(-(rows - phase) // phases) * words for phase in range(phases))
        total += tiles * sum(-(-stored // target.words_per_line) for stored in by_phase)
    return total


def tile_input_rows(problem: Problem, row_tile: int) -> int:
    """Most rows of the operand map that a row tile needs."""
    g = problem.geometry
    reach = (g.kernel[0] - 1) * g.dilation[0] + 1
    if problem.operation is RowOperation.MSRC:
        return min(g.out_size[0], row_tile + -(-reach // g.stride[0]))
    return min(g.in_size[0], (row_tile - 1) * g.stride[0] + reach)


class BufferSpace:
    """Space of the tiles of one problem with row blocks of `rows` x `width`, in lines of the fullest bank.

    What is streamed is there twice, what stays once. Lines of a channel and a row tile are counted once,
    whatever tiles have them in common: most of a mapper's time goes into trying what fits.
    """

    def __init__(self, problem: Problem, rows: int, width: int) -> None:
        self.problem, self.rows, self.width = problem, rows, width
        self.target, self.banks = problem.target, problem.target.buffer_banks
        self.positions = tile_positions(problem.geometry, problem.operation, problem.broadcast, width)
        self.height = map_size(problem.geometry, problem.operation)[0]
        self.store = problem.operation is RowOperation.OSRC
        # Bytes of one line in every bank.
        self.line_bytes = self.banks * self.target.line_bits // 8
        self.lines = self.target.buffer_bytes // self.line_bytes
        self._of_rows: dict[int, tuple[int, int, int]] = {}
        self._of_weights: dict[int, int] = {}

    def n_bytes(self, mapping: Mapping) -> int:
        """Bytes of buffer that a mapping needs: those of the fullest bank times the number of banks."""
        m = mapping
        if self.store:
            lines = self.store_lines(m.out_tile, m.reduce_tile, m.row_tile, m.conv_groups, m.samples)
        else:
            sizes = m.out_tile, m.reduce_tile, m.row_tile
            lines = self.reduce_lines(*sizes, m.stays, m.conv_groups, m.share == 1)
        return lines * self.line_bytes

    def fits(self, mapping: Mapping) -> bool:
        """Whether the buffer has room for a mapping."""
        return self.n_bytes(mapping) <= self.target.buffer_bytes

    def store_lines(self, out_tile: int, reduce_tile: int, row_tile: int, groups: int, samples: int) -> int:
        """OSRC: I and dO of all samples of a job twice, the weight gradients of the tile once."""
        kernel, t = self.problem.geometry.kernel, self.target
        ch0, ch1, _ = self._of_rows.get(row_tile) or self._channel_lines(row_tile)
        # -(-n // banks): most of n neighbouring channels that share a bank.
        out = -(-out_tile * groups // self.banks)
        maps = -(-reduce_tile * groups // self.banks) * ch0 + out * ch1
        sums = -(-reduce_tile * kernel[0] * kernel[1] * t.sum_bits // t.line_bits)
        return 2 * samples * maps + out * sums

    def reduce_lines(
        self, out_tile: int, reduce_tile: int, row_tile: int, stays: str, groups: int, alone: bool
    ) -> int:
        """SRC and MSRC, by what stays in the buffer; alone: no other sample uses the tile."""
        problem, banks = self.problem, self.banks
        inputs, results, sums = self._of_rows.get(row_tile) or self._channel_lines(row_tile)
        of_weights = self._of_weights.get(out_tile) or self._weight_lines(out_tile)
        weights = -(-reduce_tile * groups // banks) * of_weights
        out = -(-out_tile * groups // banks)
        chunked = reduce_tile < problem.reduce_channels
        if stays == OUTPUTS_STAY:
            inputs *= -(-reduce_tile * groups // banks)
            return 2 * (weights + inputs + out * results) + out * sums * chunked
        inputs *= -(-problem.reduce_channels * groups // banks)
        everything = out_tile >= problem.out_channels and groups >= problem.geometry.groups
        if stays == WEIGHTS_STAY:
            return (1 if everything else 2) * weights + 2 * (inputs + out * results)
        whole = everything and not chunked and row_tile >= self.height and alone
        return 2 * (weights + out * results) + (1 if whole else 2) * inputs + out * sums * chunked

    def _weight_lines(self, out_tile: int) -> int:
        """Lines of the kernel rows of one reduction channel.

        Those of the groups of a cluster lie together and start on a line.
        """
        kernel, t = self.problem.geometry.kernel, self.target
        clusters = parts(out_tile, t.groups_per_cluster)
        lines = sum(-(-size * kernel[1] // t.words_per_line) * count for size, count in clusters)
        self._of_weights[out_tile] = kernel[0] * lines
        return kernel[0] * lines

    def _channel_lines(self, row_tile: int) -> tuple[int, int, int]:
        """Lines of one channel and row tile: ch0, results, sums (SRC, MSRC) or ch0, ch1, 0 (OSRC)."""
        found = (self._store_channel if self.store else self._reduce_channel)(row_tile)
        self._of_rows[row_tile] = found
        return found

    def _store_channel(self, row_tile: int) -> tuple[int, int, int]:
        ch0, ch1 = self.positions
        in_rows, phases = tile_input_rows(self.problem, row_tile), self.problem.geometry.stride[0]
        if self.problem.ch0_pattern is RowOperation.SRC:
            inputs, grads = ch0, ch1
        else:
            inputs, grads = ch1, ch0
        of_inputs = _map_lines(self.target, inputs, in_rows, phases)
        of_grads = _map_lines(self.target, grads, row_tile, 1)
        return (of_inputs, of_grads, 0) if inputs is ch0 else (of_grads, of_inputs, 0)

    def _reduce_channel(self, row_tile: int) -> tuple[int, int, int]:
        """The ch0 rows of a tile, halo included; finished results with their ReLU masks; partial sums."""
        problem, t = self.problem, self.target
        phases = problem.geometry.stride[0] if problem.operation is RowOperation.SRC else 1
        inputs = _map_lines(t, self.positions[0], tile_input_rows(problem, row_tile), phases)
        results = sums = 0
        for words, count in self._block_sizes(row_tile):
            mask_words = -(-words // t.operand_bits) if problem.masked else 0
            mask_lines = -(-words // t.line_bits) if problem.masked else 0
            results += count * (-(-(words + mask_words) // t.words_per_line) + mask_lines)
            sums += count * -(-words * t.sum_bits // t.line_bits)
        return inputs, results, sums

    def _block_sizes(self, row_tile: int) -> Iterator[tuple[int, int]]:
        """(positions, how many) of the row blocks of one output channel of a tile."""
        geometry, operation = self.problem.geometry, self.problem.operation
        columns = map_size(geometry, operation)[1]
        phases = len(row_phases(geometry, operation))
        for rows, n_rows in parts(min(row_tile, self.height), self.rows):
            for width, n_widths in parts(columns, self.width):
                yield rows * width, n_rows * n_widths * phases
