"""Bytes that a mapping moves to and from off-chip memory."""

from __future__ import annotations

from compiler.mapping.blocks import map_size
from compiler.mapping.mapping import OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.mapping.problem import Problem
from compiler.mapping.row_costs import stored_words
from compiler.program import RowOperation

_Size = tuple[int, int]


class OffChipTraffic:
    """Traffic of the mappings of one problem; the sizes of its maps are computed once."""

    def __init__(self, problem: Problem) -> None:
        g = problem.geometry
        self.problem = problem
        self.word_bytes = problem.target.operand_bits / 8
        self.height = map_size(g, problem.operation)[0]
        self.in_size, self.out_size = g.out_size, g.in_size
        if problem.ch0_pattern is RowOperation.SRC:
            self.in_size, self.out_size = self.out_size, self.in_size
        self.ch0_words = self._map_words(self.in_size, problem.densities.ch0)
        # OSRC reads a second map, on ch1.
        self.ch1_words = self._map_words(self.out_size, problem.densities.second)

    def _map_words(self, size: _Size, density: float) -> float:
        """Words of one channel of a stored map."""
        return stored_words(self.problem.target, size[1], density) * size[0]

    def n_bytes(self, mapping: Mapping) -> float:
        """Bytes per sample and tile of convolution groups: each operand times how often it is loaded."""
        if self.problem.operation is RowOperation.OSRC:
            return self._store_bytes(mapping)
        return self._reduce_bytes(mapping)

    def least_bytes(self) -> float:
        """No mapping moves fewer bytes per sample: every operand once, weights shared by the batch."""
        problem = self.problem
        sizes = problem.out_channels, problem.reduce_channels, self.height
        groups, share = problem.geometry.groups, problem.batch
        return self.n_bytes(Mapping(1, 1, *sizes, WEIGHTS_STAY, 0, groups, share))

    def _weights(self, mapping: Mapping) -> int:
        problem, kernel = self.problem, self.problem.geometry.kernel
        return problem.out_channels * problem.reduce_channels * kernel[0] * kernel[1] * mapping.conv_groups

    def _store_bytes(self, mapping: Mapping) -> float:
        problem, groups = self.problem, mapping.conv_groups
        out_tiles = -(-problem.out_channels // mapping.out_tile)
        reduce_tiles = -(-problem.reduce_channels // mapping.reduce_tile)
        ch0 = self.ch0_words * problem.reduce_channels * groups
        ch1 = self.ch1_words * problem.out_channels * groups
        share = mapping.share * mapping.samples
        sums = self._weights(mapping) * problem.target.sum_bits / 8 / share
        return (ch1 * reduce_tiles + ch0 * out_tiles) * self.word_bytes + sums

    def _reduce_bytes(self, mapping: Mapping) -> float:
        problem, g, groups = self.problem, self.problem.geometry, mapping.conv_groups
        out_tiles = -(-problem.out_channels // mapping.out_tile)
        inputs = self.ch0_words * problem.reduce_channels * groups
        row_tiles = -(-self.height // mapping.row_tile)
        if mapping.stays == WEIGHTS_STAY:
            inputs, loads = inputs * out_tiles, 1
        elif mapping.stays == OUTPUTS_STAY:
            inputs, loads = inputs * out_tiles, row_tiles
        else:
            loads = row_tiles
        halo = 1 + (row_tiles - 1) * max(g.kernel[0] - g.stride[0], 0) / max(self.in_size[0], 1)
        outputs = self.out_size[0] * self.out_size[1] * problem.out_channels * groups
        weights = self._weights(mapping) * loads / mapping.share
        return (inputs * halo + weights + outputs) * self.word_bytes
