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


def buffer_bytes(problem: Problem, mapping: Mapping) -> int:
    """Bytes of buffer that a mapping needs: what is streamed twice, what stays once.

    The fullest bank times the number of banks.
    """
    store = problem.operation is RowOperation.OSRC
    lines = _store_lines(problem, mapping) if store else _reduce_lines(problem, mapping)
    return lines * problem.target.buffer_banks * problem.target.line_bits // 8


def _lines(target: Target, words: int) -> int:
    return -(-words // target.words_per_line)


@lru_cache(maxsize=65536)
def parts(total: int, size: int) -> tuple[tuple[int, int], ...]:
    """(size, how many) of the pieces of `total`: full ones and the rest."""
    full, rest = divmod(total, size)
    return tuple((s, n) for s, n in ((size, full), (rest, 1)) if s and n)


def _in_fullest_bank(target: Target, channels: int) -> int:
    """Most of `channels` neighbouring channels that share a bank."""
    return -(-channels // target.buffer_banks)


def _row_words(row_format: str, operand_bits: int, positions: int) -> int:
    """Words of a stored row without zeros."""
    if row_format == "dense":
        return positions
    if row_format == "bitmask":
        return -(-positions // operand_bits) + positions
    offset_bits = max(positions - 1, 0).bit_length()
    return -(-positions * (operand_bits + offset_bits) // operand_bits)


def _map_lines(target: Target, positions: tuple[int, ...], rows: int, phases: int) -> int:
    """Lines of one channel: each column tile (`positions` long) and row phase starts on a line."""
    word_format = target.row_format, target.operand_bits
    return _tile_lines(*word_format, target.words_per_line, positions, rows, phases)


@lru_cache(maxsize=65536)
def _tile_lines(
    row_format: str,
    operand_bits: int,
    words_per_line: int,
    positions: tuple[int, ...],
    rows: int,
    phases: int,
) -> int:
    """As _map_lines; of numbers only, which makes a cheap key."""
    total = 0
    for n, tiles in Counter(positions).items():
        words = _row_words(row_format, operand_bits, n)
        by_phase = (-(-(rows - phase) // phases) * words for phase in range(phases))
        total += tiles * sum(-(-stored // words_per_line) for stored in by_phase)
    return total


def _store_lines(problem: Problem, mapping: Mapping) -> int:
    """OSRC: I and dO of all samples of a job twice, the weight gradients of the tile once."""
    g, t = problem.geometry, problem.target
    inputs_on_ch0 = problem.ch0_pattern is RowOperation.SRC
    ch0, ch1 = tile_positions(g, problem.operation, problem.broadcast, mapping.width)
    inputs, grads = (ch0, ch1) if inputs_on_ch0 else (ch1, ch0)
    reduce, out = mapping.reduce_tile * mapping.conv_groups, mapping.out_tile * mapping.conv_groups
    c, f = (reduce, out) if inputs_on_ch0 else (out, reduce)
    in_rows = tile_input_rows(problem, mapping.row_tile)
    maps = _in_fullest_bank(t, c) * _map_lines(t, inputs, in_rows, g.stride[0])
    maps += _in_fullest_bank(t, f) * _map_lines(t, grads, mapping.row_tile, 1)
    sums = mapping.reduce_tile * g.kernel[0] * g.kernel[1] * t.sum_bits
    return 2 * mapping.samples * maps + _in_fullest_bank(t, out) * -(-sums // t.line_bits)


def _reduce_lines(problem: Problem, mapping: Mapping) -> int:
    """SRC and MSRC, by what stays in the buffer."""
    g, groups = problem.geometry, mapping.conv_groups
    everything = mapping.out_tile >= problem.out_channels and groups >= g.groups
    chunked = mapping.reduce_tile < problem.reduce_channels
    weights = _weight_lines(problem, mapping)
    results, sums = _result_lines(problem, mapping, chunked)
    if mapping.stays == WEIGHTS_STAY:
        inputs = _input_lines(problem, mapping, problem.reduce_channels * groups)
        return (1 if everything else 2) * weights + 2 * inputs + 2 * results
    if mapping.stays == OUTPUTS_STAY:
        inputs = _input_lines(problem, mapping, mapping.reduce_tile * groups)
        return 2 * weights + 2 * inputs + 2 * results + sums
    inputs = _input_lines(problem, mapping, problem.reduce_channels * groups)
    whole = everything and not chunked and mapping.row_tile >= map_size(g, problem.operation)[0]
    return 2 * weights + (1 if whole and mapping.share == 1 else 2) * inputs + 2 * results + sums


def _weight_lines(problem: Problem, mapping: Mapping) -> int:
    """Kernel rows of the groups of a cluster lie together and start on a line, by reduction channel."""
    g, t = problem.geometry, problem.target
    clusters = parts(mapping.out_tile, t.groups_per_cluster)
    per_channel = g.kernel[0] * sum(_lines(t, size * g.kernel[1]) * count for size, count in clusters)
    return _in_fullest_bank(t, mapping.reduce_tile * mapping.conv_groups) * per_channel


def _input_lines(problem: Problem, mapping: Mapping, channels: int) -> int:
    """The ch0 rows of a tile, its halo included."""
    g, t = problem.geometry, problem.target
    phases = g.stride[0] if problem.operation is RowOperation.SRC else 1
    positions = tile_positions(g, problem.operation, problem.broadcast, mapping.width)[0]
    rows = tile_input_rows(problem, mapping.row_tile)
    return _in_fullest_bank(t, channels) * _map_lines(t, positions, rows, phases)


def _result_lines(problem: Problem, mapping: Mapping, chunked: bool) -> tuple[int, int]:
    """(lines of finished results with their ReLU masks, lines of partial sums) of a tile."""
    t = problem.target
    results = sums = 0
    for words, count in _block_sizes(problem, mapping):
        mask_words = -(-words // t.operand_bits) if problem.masked else 0
        mask_lines = -(-words // t.line_bits) if problem.masked else 0
        results += count * (_lines(t, words + mask_words) + mask_lines)
        sums += count * -(-words * t.sum_bits // t.line_bits)
    channels = _in_fullest_bank(t, mapping.out_tile * mapping.conv_groups)
    return channels * results, channels * sums * chunked


def _block_sizes(problem: Problem, mapping: Mapping) -> Iterator[tuple[int, int]]:
    """(positions, how many) of the row blocks of one output channel of a tile."""
    geometry, operation = problem.geometry, problem.operation
    height, columns = map_size(geometry, operation)
    phases = len(row_phases(geometry, operation))
    for rows, n_rows in parts(min(mapping.row_tile, height), mapping.rows):
        for width, n_widths in parts(columns, mapping.width):
            yield rows * width, n_rows * n_widths * phases


def tile_input_rows(problem: Problem, row_tile: int) -> int:
    """Most rows of the operand map that a row tile needs."""
    g = problem.geometry
    reach = (g.kernel[0] - 1) * g.dilation[0] + 1
    if problem.operation is RowOperation.MSRC:
        return min(g.out_size[0], row_tile + -(-reach // g.stride[0]))
    return min(g.in_size[0], (row_tile - 1) * g.stride[0] + reach)
