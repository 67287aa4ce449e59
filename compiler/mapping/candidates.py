"""Mappings worth an estimate: for each row block the tiles that fit the buffer, largest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from compiler.mapping.blocks import BlockShape, map_size
from compiler.mapping.mapping import INPUTS_STAY, OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.space import BufferSpace
from compiler.program import RowOperation

_ROW_CUTS = (1, 2, 3, 4, 5, 7, 8, 14, 16, 28, 56, 112, 224)


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
    counts = sorted({-(-blocks // parts) for parts in (*_ROW_CUTS, blocks)}, reverse=True)
    return [min(count * rows, height) for count in counts]


class Candidates:
    """The mappings of one problem with one row block; iterating gives all that fit over one sample."""

    def __init__(self, problem: Problem, shape: BlockShape) -> None:
        self.problem, self.shape = problem, shape
        self.space = BufferSpace(problem, shape.rows, shape.width)
        self.height = map_size(problem.geometry, problem.operation)[0]
        self.row_tiles = _row_tiles(self.height, shape.rows)
        self.grouped = problem.geometry.groups > 1
        everything = problem.reduce_channels
        self.reduces = [everything] if self.grouped else _halves(everything)

    def __iter__(self) -> Iterator[Mapping]:
        store = self.problem.operation is RowOperation.OSRC
        return self._store_mappings() if store else self._reduce_mappings()

    def smallest(self) -> Mapping:
        """The mapping that needs the least buffer: one row block of one cluster."""
        problem, shape = self.problem, self.shape
        group = min(problem.target.groups_per_cluster, problem.out_channels)
        if problem.operation is RowOperation.OSRC:
            return self._mapping(group, 1, shape.rows, WEIGHTS_STAY, unit=1, share=problem.batch)
        return self._mapping(group, 1, shape.rows, OUTPUTS_STAY)

    def several_samples(self, mapping: Mapping) -> Iterator[Mapping]:
        """An OSRC mapping over 2, 4, ... samples while whole maps of them fit the buffer."""
        problem, samples = self.problem, 2
        while mapping.row_tile >= self.height and samples <= min(problem.batch, problem.samples):
            several = replace(mapping, samples=samples, share=max(1, problem.batch // samples))
            if problem.samples % samples or problem.batch % samples or not self.space.fits(several):
                return
            yield several
            samples *= 2

    def _mapping(
        self, out: int, reduce: int, row_tile: int, stays: str, unit: int = 0, groups: int = 1, share: int = 1
    ) -> Mapping:
        """A mapping of the row block over one sample."""
        rows, width, broadcast = self.shape.rows, self.shape.width, self.problem.broadcast
        return Mapping(rows, width, out, reduce, row_tile, stays, unit, groups, share, 1, broadcast)

    def _most_conv_groups(self, lines: Callable[[int], int]) -> int:
        """The most convolution groups whose tile fits the buffer together; 0 where not even one does.

        lines: what a tile of so many groups takes.
        """
        groups = self.problem.geometry.groups
        while lines(groups) > self.space.lines:
            if groups == 1:
                return 0
            groups = -(-groups // 2)
        return groups

    def _out_tiles(self) -> list[int]:
        problem, t = self.problem, self.problem.target
        if self.grouped:
            return [problem.out_channels]
        return _channel_tiles(problem.out_channels, t.groups_per_cluster, t.clusters)

    def _reduce_mappings(self) -> Iterator[Mapping]:
        """SRC and MSRC: weights stay over row tiles and the batch, or they are streamed."""
        for out in self._out_tiles():
            yield from self._kept_weights(out)
            if not self.grouped:
                yield from self._streamed_weights(out)

    def _kept_weights(self, out: int) -> Iterator[Mapping]:
        """The two largest row tiles with which the weights can stay."""
        reduce, share, fitting = self.problem.reduce_channels, self.problem.batch, 0
        for row_tile in self.row_tiles:
            sizes = out, reduce, row_tile, WEIGHTS_STAY
            groups = self._most_conv_groups(partial(self.space.reduce_lines, *sizes, alone=share == 1))
            if groups:
                yield self._mapping(*sizes, groups=groups, share=share)
                fitting += 1
            if fitting == 2:
                return

    def _streamed_weights(self, out: int) -> Iterator[Mapping]:
        """The largest tile of each order that streams the weights: inputs stay, or partial sums do."""
        lines, most = self.space.reduce_lines, self.space.lines
        for stays in (INPUTS_STAY, OUTPUTS_STAY):
            for reduce in self.reduces:
                if lines(out, reduce, self.row_tiles[-1], stays, 1, True) > most:
                    continue
                for row_tile in self.row_tiles:
                    if lines(out, reduce, row_tile, stays, 1, True) <= most:
                        yield self._mapping(out, reduce, row_tile, stays)
                        break
                break

    def _store_mappings(self) -> Iterator[Mapping]:
        """OSRC: dW tiles that stay in the buffer while all samples pass."""
        problem, kernel = self.problem, self.problem.geometry.kernel
        most = problem.target.reg2_words // kernel[1]
        for out in self._out_tiles():
            for reduce in self.reduces:
                row_tile, groups = self._largest_row_tile(out, reduce)
                if not groups:
                    continue
                for unit in _unit_sizes(reduce, most, kernel[0], problem.target.pes_per_group):
                    yield self._mapping(out, reduce, row_tile, WEIGHTS_STAY, unit, groups, problem.batch)
                break

    def _largest_row_tile(self, out: int, reduce: int) -> tuple[int, int]:
        """(rows, convolution groups) of the largest tile that fits; (0, 0) where none does."""
        for row_tile in self.row_tiles:
            groups = self._most_conv_groups(partial(self.space.store_lines, out, reduce, row_tile, samples=1))
            if groups:
                return row_tile, groups
        return 0, 0


def _unit_sizes(reduce: int, most: int, kernel_rows: int, streams: int) -> list[int]:
    """Channels per unit: as many as Reg-2 holds, cut evenly, and finer cuts that fill the streams."""
    fewest = -(-reduce // most)
    sizes = {-(-reduce // n) for n in range(fewest, fewest + 3)}
    if kernel_rows % streams:
        rounded = -(-fewest // streams) * streams
        sizes.add(max(1, -(-reduce // rounded)))
    return sorted(sizes, reverse=True)
