"""What a mapping costs, estimated: cycles of the array, bytes to off-chip memory, words of the buffer.

An estimate ranks mappings; the engine measures them. It assumes independent zeros at the given densities, and
for OSRC channels that differ as compiler/mapping/spread.py says; groups do not drift apart within a job.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from compiler.codegen.reduce import row_phases
from compiler.columns import column_taps
from compiler.geometry import ConvGeometry
from compiler.mapping.blocks import BlockShape, map_size
from compiler.mapping.mapping import OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.space import buffer_bytes, parts
from compiler.mapping.spread import channel_densities, expected_largest, relative_deviation, slowest_of
from compiler.program import RowOperation
from compiler.target import Target

SMOOTH = 4
MOST_LISTED_JOBS = 512  # above it, a few unequal jobs do not matter


@dataclass(frozen=True)
class Estimate:
    """Estimated cost per sample of one mapping. bound: what limits the array ("pe", "port" or "bank")."""

    array_cycles: float
    dram_cycles: float
    dram_bytes: float
    buffer_bytes: int
    bound: str

    @property
    def cycles(self) -> float:
        """The slower of array and memory, and a hundredth of the faster to break ties."""
        slow, fast = max(self.array_cycles, self.dram_cycles), min(self.array_cycles, self.dram_cycles)
        return slow + 0.01 * fast


def stored_words(target: Target, positions: float, density: float) -> float:
    """Expected words of a stored row (docs/microarchitecture.md section 3)."""
    if target.row_format == "dense":
        return positions
    if target.row_format == "bitmask":
        return positions / target.operand_bits + positions * density
    offset_bits = max(int(positions) - 1, 0).bit_length()
    return positions * density * (target.operand_bits + offset_bits) / target.operand_bits


@lru_cache(maxsize=65536)
def _tap_counts(geometry: ConvGeometry, pattern: RowOperation, width: int) -> tuple[tuple[int, float], ...]:
    """(taps, entries with so many) of one dense ch0 row, averaged over the column tiles."""
    starts = range(0, map_size(geometry, pattern)[1], width)
    columns = map_size(geometry, pattern)[1]
    total: Counter[int] = Counter()
    for x in starts:
        total.update(
            (column_taps(geometry, pattern, x, min(width, columns - x))[1] >= 0).sum(axis=1).tolist()
        )
    return tuple((taps, entries / len(starts)) for taps, entries in sorted(total.items()))


@lru_cache(maxsize=65536)
def entry_cycles(
    geometry: ConvGeometry, pattern: RowOperation, width: int, second: float, macs: int
) -> float:
    """Cycles of one dense ch0 row, averaged over column tiles: sum of E[max(1, ceil(n / macs))].

    pattern: the ch0 pattern; second: density of what the taps meet.
    """
    total = 0.0
    for taps, entries in _tap_counts(geometry, pattern, width):
        total += entries * _entry_cycles(taps, second, macs)
    return total


def _entry_cycles(taps: int, second: float, macs: int) -> float:
    """E[max(1, ceil(n / macs))] of an entry with `taps` taps, each useful with probability `second`."""
    useful = taps * second / macs
    return max(1.0, useful) if second >= 1 else useful + (1 - second) ** taps


def _kernel_rows(problem: Problem) -> float:
    """Kernel rows per row block, averaged over the phases."""
    phases = row_phases(problem.geometry, problem.operation)
    height = problem.geometry.kernel[0]
    return height / len(phases) if problem.operation is RowOperation.MSRC else height


@dataclass(frozen=True)
class _Work:
    """Cycles of one round of P operations (OSRC: of one block): in PEs, on the port, of the busiest bank."""

    pe: float
    port: float
    bank: float

    @property
    def cycles(self) -> tuple[float, str]:
        slowest = max(self.pe, self.port, self.bank)
        # Two demands of like size hinder each other: a smooth maximum, with the exponent of a rough guess.
        together = (self.pe**SMOOTH + self.port**SMOOTH + self.bank**SMOOTH) ** (1 / SMOOTH)
        return together, "pe" if slowest == self.pe else "port" if slowest == self.port else "bank"


def _busiest_bank(problem: Problem, ch0_lines: float, ch1_lines: float) -> float:
    """Cycles of the busiest bank while every cluster reads these lines; C channels lie in at most C banks."""
    banks, g = problem.target.buffer_banks, problem.geometry
    ch0, ch1 = g.out_channels, g.in_channels
    if problem.ch0_pattern is RowOperation.SRC:
        ch0, ch1 = ch1, ch0
    return problem.target.clusters * (ch0_lines / min(banks, ch0) + ch1_lines / min(banks, ch1))


def _lines(target: Target, words: float) -> float:
    """Lines touched by `words` words that start anywhere in a line."""
    return words / target.words_per_line + 1 - 1 / target.words_per_line


@lru_cache(maxsize=65536)
def _column_tiles(
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


def _reduce_round(problem: Problem, per_row: float, positions: int, rows: int) -> _Work:
    """P operations of an SRC or MSRC job, one per stream; per_row, positions: of one dense ch0 row."""
    t, g = problem.target, problem.geometry
    words = stored_words(t, positions, problem.densities.ch0) * rows
    lines = _lines(t, words) + -(-problem.active_groups * g.kernel[1] // t.words_per_line)
    pe = per_row * rows * problem.densities.ch0
    return _Work(pe, t.pes_per_group * (1 + lines), _busiest_bank(problem, t.pes_per_group * lines, 0))


@lru_cache(maxsize=4096)
def _slowest_row_cycles(problem: Problem, width: int, samples: int) -> tuple[float, float]:
    """Cycles of one dense ch0 row of OSRC in a cluster's slowest group: mean and deviation over jobs.

    A group's work follows the density of its own ch1 channel; over several samples the differences average
    out.
    """
    second, share = problem.densities.second, problem.densities.second_share
    densities = channel_densities(second, share) if problem.target.input_skipping else (1.0,)
    where = problem.geometry, problem.ch0_pattern, width
    cycles = sorted(entry_cycles(*where, density, problem.target.macs_per_pe) for density in densities)
    middle, narrow = sum(cycles) / len(cycles), 1 / math.sqrt(samples)
    cycles = [middle + (value - middle) * narrow for value in cycles]
    return expected_largest(tuple(cycles), problem.active_groups)


def _stream_imbalance(problem: Problem, mapping: Mapping, chunks: int) -> float:
    """How much longer the slowest stream of an OSRC job takes than the mean of them.

    Streams whose units have different broadcast channels differ by the mean density of those.
    """
    different = min(problem.target.pes_per_group, chunks)
    densities = channel_densities(problem.densities.ch0, problem.densities.ch0_share)
    averaged = math.sqrt(mapping.unit_channels * mapping.samples)
    return 1.0 + slowest_of(different) * relative_deviation(densities) / averaged


def _store_round(
    problem: Problem, shape: BlockShape, rows: float, unit_channels: float, per_row: float
) -> _Work:
    """One row block of P OSRC units; per_row: PE cycles of one block row where ch0 is dense."""
    t = problem.target
    words = stored_words(t, shape.positions / shape.rows, problem.densities.ch0) * rows
    ch1_words = stored_words(t, shape.ch1_positions / shape.rows, problem.densities.second) * rows
    ch0_lines = t.pes_per_group * unit_channels * _lines(t, words)
    ch1_lines = t.pes_per_group * problem.active_groups * _lines(t, ch1_words)
    headers = t.pes_per_group * (unit_channels + problem.active_groups)
    pe = unit_channels * per_row * rows * problem.densities.ch0
    return _Work(pe, headers + ch0_lines + ch1_lines, _busiest_bank(problem, ch0_lines, ch1_lines))


def _makespan(target: Target, jobs: Sequence[tuple[float, float]], deviation: float = 0.0) -> float:
    """Cycles for (cost, count) jobs on the clusters: full rounds of the mean, half a spread at the end.

    deviation: standard deviation of the costs of like jobs. The tile waits for the slowest cluster: by the
    last job of each where the hand-out balances the earlier ones, by all of them where it is static.
    """
    count = sum(n for _, n in jobs)
    mean = sum(cost * n for cost, n in jobs) / count
    spread = max(cost for cost, _ in jobs) - mean
    rounds = -(-count // target.clusters)
    together = 1.0 if target.job_handout_dynamic else math.sqrt(rounds)
    waiting = deviation * together * slowest_of(min(int(count), target.clusters))
    return rounds * mean + 0.5 * spread + waiting


def _overhead(target: Target, drained: float) -> float:
    """Cycles of a job that no row operation hides."""
    return target.pipeline_cycles + drained / target.ppu_words_per_cycle + target.read_latency_cycles + 2


def _reduce_tile_cycles(
    problem: Problem, shape: BlockShape, out: int, rows: int, reduce: int
) -> tuple[float, str]:
    t, g = problem.target, problem.geometry
    rounds = -(-reduce * _kernel_rows(problem) // t.pes_per_group)
    costs, bound = [], "pe"
    sums = reduce < problem.reduce_channels
    tiles = _column_tiles(g, problem.operation, shape.width, problem.densities.second, t.macs_per_pe)
    for per_row, positions, width in tiles:
        for block_rows, count in parts(rows, shape.rows):
            work = _reduce_round(problem, per_row, positions, block_rows)
            cycles, bound = work.cycles
            words = block_rows * width
            # Chunks of the reduction leave partial sums, which the next one reads.
            lines = (2 * words * t.sum_bits / t.operand_bits if sums else words) / t.words_per_line
            cost = _with_results(problem, cycles * rounds, work.bank * rounds, lines)
            costs += [cost + _overhead(t, words)] * count
    repeats = -(-out // t.groups_per_cluster) * len(row_phases(g, problem.operation))
    if min(costs) < 0.95 * max(costs) and len(costs) * repeats <= MOST_LISTED_JOBS:
        return _listed_makespan(t, costs * repeats), bound
    return _makespan(t, [(cost, repeats) for cost in costs]), bound


def _with_results(problem: Problem, cost: float, bank: float, lines: float) -> float:
    """Cycles of a job of `cost` cycles whose groups write (and read) `lines` lines of results each.

    They are written while the next job runs, but over one write port and through the same banks (busy for
    `bank` cycles with what is fetched), and a job cannot overtake the writes of the one before.
    """
    written = problem.active_groups * lines
    in_banks = bank + written * problem.target.clusters / min(
        problem.target.buffer_banks, problem.out_channels
    )
    return max(cost, written, in_banks)


def _listed_makespan(target: Target, costs: Sequence[float]) -> float:
    """Cycles for jobs of unequal cost handed out in program order, dynamically or in turn."""
    free = [0.0] * target.clusters
    if not target.job_handout_dynamic:
        return max(sum(costs[k :: target.clusters]) for k in range(target.clusters))
    for cost in costs:
        heapq.heapreplace(free, free[0] + cost)
    return max(free)


def _store_tile_cycles(
    problem: Problem, shape: BlockShape, mapping: Mapping, out: int, rows: int, reduce: int
) -> tuple[float, str]:
    t = problem.target
    column_tiles = -(-map_size(problem.geometry, problem.operation)[1] // shape.width)
    chunks = -(-reduce // mapping.unit_channels)
    units = chunks * problem.geometry.kernel[0]
    per_row, deviation = _slowest_row_cycles(problem, shape.width, mapping.samples)
    deviation /= max(per_row, 1.0)
    per_row *= _stream_imbalance(problem, mapping, chunks)
    cost, bank, bound = 0.0, 0.0, "pe"
    for block_rows, count in parts(rows, shape.rows):
        work = _store_round(problem, shape, block_rows, reduce / chunks, per_row)
        cycles, bound = work.cycles
        cost += cycles * count * column_tiles * mapping.samples
        bank += work.bank * count * column_tiles * mapping.samples
    drained = mapping.unit_channels * problem.geometry.kernel[1] * t.pes_per_group
    lines = drained * t.sum_bits / (t.operand_bits * t.words_per_line) * (2 if mapping.share > 1 else 1)
    cost = _with_results(problem, cost, bank, lines) + _overhead(t, drained)
    jobs = -(-out // t.groups_per_cluster) * -(-units // t.pes_per_group)
    return _makespan(t, [(cost, jobs)], cost * deviation), bound


def estimate(problem: Problem, shape: BlockShape, mapping: Mapping) -> Estimate:
    """Estimated cost of a mapping per sample."""
    height = map_size(problem.geometry, problem.operation)[0]
    group_tiles = -(-problem.geometry.groups // mapping.conv_groups)
    total, tiles, bound = 0.0, 0, "pe"
    for out, n_out in parts(problem.out_channels, mapping.out_tile):
        for rows, n_rows in parts(height, mapping.row_tile):
            for reduce, n_reduce in parts(problem.reduce_channels, mapping.reduce_tile):
                if problem.operation is RowOperation.OSRC:
                    cycles, bound = _store_tile_cycles(problem, shape, mapping, out, rows, reduce)
                else:
                    cycles, bound = _reduce_tile_cycles(problem, shape, out, rows, reduce)
                count = n_out * n_rows * n_reduce
                cycles = cycles * mapping.conv_groups + problem.target.tile_switch_cycles
                total += count * cycles / mapping.samples
                tiles += count
    dram = dram_bytes(problem, mapping) * group_tiles
    rate = problem.target.dram_bytes_per_cycle
    latency = 2 * tiles * group_tiles * problem.target.dram_latency_cycles
    dram_cycles = dram / rate + latency / mapping.samples
    needed = buffer_bytes(problem, mapping)
    return Estimate(total * group_tiles, dram_cycles, dram, needed, bound)


def _map_words(problem: Problem, size: tuple[int, int], density: float) -> float:
    """Words of one channel of a stored map."""
    return stored_words(problem.target, size[1], density) * size[0]


def _store_map_sizes(problem: Problem) -> tuple[tuple[int, int], tuple[int, int]]:
    """Sizes of the maps on ch0 and ch1 of OSRC."""
    g = problem.geometry
    if problem.ch0_pattern is RowOperation.SRC:
        return g.in_size, g.out_size
    return g.out_size, g.in_size


def dram_bytes(problem: Problem, mapping: Mapping) -> float:
    """Off-chip bytes per sample and tile of convolution groups: each operand times how often it is loaded."""
    g, word = problem.geometry, problem.target.operand_bits / 8
    groups = mapping.conv_groups
    weights = problem.out_channels * problem.reduce_channels * g.kernel[0] * g.kernel[1] * groups
    out_tiles = -(-problem.out_channels // mapping.out_tile)
    if problem.operation is RowOperation.OSRC:
        reduce_tiles = -(-problem.reduce_channels // mapping.reduce_tile)
        ch0_size, ch1_size = _store_map_sizes(problem)
        ch0 = _map_words(problem, ch0_size, problem.densities.ch0) * problem.reduce_channels * groups
        ch1 = _map_words(problem, ch1_size, problem.densities.second) * problem.out_channels * groups
        sums = weights * problem.target.sum_bits / 8 / (mapping.share * mapping.samples)
        return (ch1 * reduce_tiles + ch0 * out_tiles) * word + sums
    in_size, out_size = (
        (g.in_size, g.out_size) if problem.operation is RowOperation.SRC else (g.out_size, g.in_size)
    )
    inputs = _map_words(problem, in_size, problem.densities.ch0) * problem.reduce_channels * groups
    row_tiles = -(-map_size(g, problem.operation)[0] // mapping.row_tile)
    if mapping.stays == WEIGHTS_STAY:
        inputs, loads = inputs * out_tiles, 1
    elif mapping.stays == OUTPUTS_STAY:
        inputs, loads = inputs * out_tiles, row_tiles
    else:
        loads = row_tiles
    halo = 1 + (row_tiles - 1) * max(g.kernel[0] - g.stride[0], 0) / max(in_size[0], 1)
    outputs = out_size[0] * out_size[1] * problem.out_channels * groups
    return (inputs * halo + weights * loads / mapping.share + outputs) * word
