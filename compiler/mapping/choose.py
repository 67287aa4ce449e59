"""The mapper: candidates, their estimates, the best one, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from compiler.mapping.blocks import BlockShape, block_shapes, map_size
from compiler.mapping.estimate import Estimate, estimate
from compiler.mapping.infeasible import MappingError, does_not_fit
from compiler.mapping.mapping import INPUTS_STAY, OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.space import buffer_bytes
from compiler.program import RowOperation

MOST_REFINED = 12  # mappings of a row block that are tried over several samples


@dataclass(frozen=True)
class Choice:
    """The chosen mapping and everything it was compared with, best first."""

    mapping: Mapping
    estimate: Estimate
    candidates: tuple[tuple[Mapping, Estimate], ...]


def _channel_tiles(channels: int, group: int, clusters: int) -> list[int]:
    """Output-channel tiles: all, halves, whole rounds of the clusters, in multiples of a cluster's groups."""
    sizes = {channels}
    size = channels
    while size > group:
        size = -(-(size // 2) // group) * group
        sizes.add(size)
    sizes.update(k * group * clusters for k in (1, 2, 4) if k * group * clusters < channels)
    return sorted(sizes, reverse=True)


def _halves(total: int) -> list[int]:
    sizes = [total]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // 2))
    return sizes


def _row_tiles(height: int, rows: int) -> list[int]:
    """Row tiles in whole row blocks: all rows, then fewer."""
    blocks = -(-height // rows)
    counts = sorted(
        {-(-blocks // parts) for parts in (1, 2, 3, 4, 5, 7, 8, 14, 16, 28, 56, 112, 224)}, reverse=True
    )
    return [min(count * rows, height) for count in counts]


def _fits(problem: Problem, mapping: Mapping) -> bool:
    return buffer_bytes(problem, mapping) <= problem.target.buffer_bytes


def _with_conv_groups(problem: Problem, mapping: Mapping) -> Mapping:
    """The mapping with the most convolution groups whose tile fits the buffer together (at least 1)."""
    groups = problem.geometry.groups
    while groups > 1:
        trial = replace(mapping, conv_groups=groups)
        if _fits(problem, trial):
            return trial
        groups = -(-groups // 2)
    return mapping


def _reduce_mappings(problem: Problem, shape: BlockShape) -> Iterator[Mapping]:
    """SRC and MSRC: weights stay over row tiles and the batch, or inputs stay and weights are streamed."""
    height = map_size(problem.geometry, problem.operation)[0]
    group, clusters = problem.target.groups_per_cluster, problem.target.clusters
    grouped = problem.geometry.groups > 1
    outs = [problem.out_channels] if grouped else _channel_tiles(problem.out_channels, group, clusters)
    everything = problem.reduce_channels
    for out in outs:
        fitting = 0
        for row_tile in _row_tiles(height, shape.rows):
            mapping = Mapping(
                shape.rows, shape.width, out, everything, row_tile, WEIGHTS_STAY, 0, 1, problem.batch
            )
            mapping = _with_conv_groups(problem, mapping)
            if _fits(problem, mapping):
                yield mapping
                fitting += 1
            if fitting == 2:
                break
        if grouped:
            continue
        yield from _streamed_weights(problem, shape, out, height)


def _streamed_weights(problem: Problem, shape: BlockShape, out: int, height: int) -> Iterator[Mapping]:
    """The largest tile of each order that streams the weights: inputs stay, or partial sums do."""
    for stays in (INPUTS_STAY, OUTPUTS_STAY):
        row_tiles = _row_tiles(height, shape.rows)
        largest = Mapping(shape.rows, shape.width, out, 1, row_tiles[0], stays, 0, 1, 1)
        for reduce in _halves(problem.reduce_channels):
            if _fits(problem, replace(largest, reduce_tile=reduce, row_tile=row_tiles[-1])):
                every = (replace(largest, reduce_tile=reduce, row_tile=rows) for rows in row_tiles)
                yield next(m for m in every if _fits(problem, m))
                break


def _store_mappings(problem: Problem, shape: BlockShape) -> Iterator[Mapping]:
    """OSRC: dW tiles that stay in the buffer while all samples pass."""
    height = map_size(problem.geometry, problem.operation)[0]
    t, grouped = problem.target, problem.geometry.groups > 1
    most = t.reg2_words // problem.geometry.kernel[1]
    outs = _channel_tiles(problem.out_channels, t.groups_per_cluster, t.clusters)
    reduces = [problem.reduce_channels] if grouped else _halves(problem.reduce_channels)
    for out in [problem.out_channels] if grouped else outs:
        for reduce in reduces:
            mapping = _largest_row_tile(problem, shape, out, reduce, height)
            if mapping is None:
                continue
            for unit in _unit_sizes(reduce, most, problem.geometry.kernel[0], t.pes_per_group):
                yield replace(mapping, unit_channels=unit)
            break


def _several_samples(problem: Problem, mapping: Mapping) -> Iterator[Mapping]:
    """The mapping over 2, 4, ... samples while whole maps of them fit the buffer."""
    height = map_size(problem.geometry, problem.operation)[0]
    samples = 2
    while mapping.row_tile >= height and samples <= min(problem.batch, problem.samples):
        several = replace(mapping, samples=samples, share=max(1, problem.batch // samples))
        if problem.samples % samples or problem.batch % samples or not _fits(problem, several):
            return
        yield several
        samples *= 2


def _unit_sizes(reduce: int, most: int, kernel_rows: int, streams: int) -> list[int]:
    """Channels per unit: as many as Reg-2 holds, cut evenly, and finer cuts that fill the streams."""
    fewest = -(-reduce // most)
    sizes = {-(-reduce // n) for n in range(fewest, fewest + 3)}
    if kernel_rows % streams:
        rounded = -(-fewest // streams) * streams
        sizes.add(max(1, -(-reduce // rounded)))
    return sorted(sizes, reverse=True)


def _largest_row_tile(
    problem: Problem, shape: BlockShape, out: int, reduce: int, height: int
) -> Mapping | None:
    for row_tile in _row_tiles(height, shape.rows):
        mapping = Mapping(
            shape.rows, shape.width, out, reduce, row_tile, WEIGHTS_STAY, 1, 1, problem.batch,
            broadcast=problem.broadcast,
        )  # fmt: skip
        mapping = _with_conv_groups(problem, mapping)
        if _fits(problem, mapping):
            return mapping
    return None


@lru_cache(maxsize=4096)
def choose_mapping(problem: Problem) -> Choice:
    """The mapping with the lowest estimated cycles; ties go to the smaller buffer.

    For OSRC mappings that broadcast dO and such that broadcast I compete. Raises MappingError where nothing
    fits, naming demand, bound, gap and parameter.
    """
    rated: list[tuple[Mapping, Estimate]] = []
    refused: list[MappingError] = []
    for form in problem.forms:
        try:
            rated += _rated(form)
        except MappingError as error:
            refused.append(error)
    if not rated:
        raise refused[0]
    rated.sort(key=_rank)
    return Choice(rated[0][0], rated[0][1], tuple(rated))


def _rank(rated: tuple[Mapping, Estimate]) -> tuple[float, int]:
    """Lowest estimate first, the smaller buffer breaks ties."""
    return rated[1].cycles, rated[1].buffer_bytes


def _rated(problem: Problem) -> list[tuple[Mapping, Estimate]]:
    """Every candidate that fits, with its estimate. Raises MappingError where nothing fits."""
    rated: list[tuple[Mapping, Estimate]] = []
    smallest = 0
    for shape in block_shapes(problem.geometry, problem.operation, problem.target, problem.broadcast):
        store = problem.operation is RowOperation.OSRC
        mappings = _store_mappings(problem, shape) if store else _reduce_mappings(problem, shape)
        found = [(mapping, estimate(problem, shape, mapping)) for mapping in mappings]
        rated += found
        if store:
            # Accumulating over samples changes costs by what it saves in writes: worth it for good
            # mappings only.
            for mapping, _ in sorted(found, key=_rank)[:MOST_REFINED]:
                rated += [(m, estimate(problem, shape, m)) for m in _several_samples(problem, mapping)]
        smallest = smallest or buffer_bytes(problem, _smallest(problem, shape))
    if not rated:
        raise does_not_fit(
            "the smallest tile (one row block of one cluster, double-buffered)", smallest,
            problem.target.buffer_bytes, "bytes of buffer", "buffer.kilobytes",
            f"Set it to at least {-(-smallest // 1024)}",
        )  # fmt: skip
    return rated


def _smallest(problem: Problem, shape: BlockShape) -> Mapping:
    group = min(problem.target.groups_per_cluster, problem.out_channels)
    if problem.operation is RowOperation.OSRC:
        return Mapping(
            shape.rows, shape.width, group, 1, shape.rows, WEIGHTS_STAY, 1, 1, problem.batch,
            broadcast=problem.broadcast,
        )  # fmt: skip
    return Mapping(shape.rows, shape.width, group, 1, shape.rows, OUTPUTS_STAY, 0, 1, 1)


def explain(choice: Choice, count: int = 5) -> str:
    """The best candidates side by side: what was chosen, and what it was chosen over."""
    lines = ["rank  est. cycles  array cycles  memory cycles  buffer bytes  bound  mapping"]
    for rank, (mapping, cost) in enumerate(choice.candidates[:count], 1):
        fields = ", ".join(f"{k}={v}" for k, v in mapping.__dict__.items())
        lines.append(
            f"{rank:>4}  {cost.cycles:>11,.0f}  {cost.array_cycles:>12,.0f}  {cost.dram_cycles:>13,.0f}  "
            f"{cost.buffer_bytes:>12,}  {cost.bound:>5}  {fields}"
        )
    lines.append(
        f"{len(choice.candidates)} candidates; the lowest estimate wins, the smaller buffer breaks ties"
    )
    return "\n".join(lines)
