"""What a mapping costs, estimated: cycles of the array, bytes to off-chip memory, words of the buffer.

An estimate ranks mappings; the engine measures them. It assumes independent zeros at the given densities, and
for OSRC channels that differ as compiler/mapping/spread.py says; groups do not drift apart within a job.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.mapping.blocks import BlockShape, map_size
from compiler.mapping.mapping import Mapping
from compiler.mapping.off_chip import OffChipTraffic
from compiler.mapping.problem import Problem
from compiler.mapping.reduce_cost import ReduceCost
from compiler.mapping.space import parts
from compiler.mapping.store_cost import StoreCost
from compiler.program import RowOperation


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated cost per sample of one mapping. bound: what limits the array ("pe", "port" or "bank")."""

    array_cycles: float
    dram_cycles: float
    dram_bytes: float
    buffer_bytes: int
    bound: str

    @property
    def cycles(self) -> float:
        """What mappings are ranked by."""
        return ranking_cycles(self.array_cycles, self.dram_cycles)


def ranking_cycles(array_cycles: float, dram_cycles: float) -> float:
    """The slower of array and memory, and a hundredth of the faster to break ties."""
    return max(array_cycles, dram_cycles) + 0.01 * min(array_cycles, dram_cycles)


class Estimator:
    """Estimates of the mappings of one problem with one row block."""

    def __init__(self, problem: Problem, shape: BlockShape, traffic: OffChipTraffic) -> None:
        store = problem.operation is RowOperation.OSRC
        self.problem, self.traffic = problem, traffic
        self.array = StoreCost(problem, shape) if store else ReduceCost(problem, shape)
        self.height = map_size(problem.geometry, problem.operation)[0]

    def least_cycles(self) -> float:
        """No mapping is estimated at fewer cycles (Estimate.cycles)."""
        dram_cycles = self.traffic.least_bytes() / self.problem.target.dram_bytes_per_cycle
        # Sums in another order may differ in their last digits.
        return ranking_cycles(self.array.least_cycles(), dram_cycles) * (1 - 1e-9)

    def estimate(self, mapping: Mapping, buffer_bytes: int) -> Estimate:
        """Estimated cost of a mapping per sample; buffer_bytes: what it needs of the buffer."""
        target = self.problem.target
        group_tiles = -(-self.problem.geometry.groups // mapping.conv_groups)
        cycles, tiles, bound = self._array(mapping)
        dram = self.traffic.n_bytes(mapping) * group_tiles
        latency = 2 * tiles * group_tiles * target.dram_latency_cycles
        dram_cycles = dram / target.dram_bytes_per_cycle + latency / mapping.samples
        return Estimate(cycles * group_tiles, dram_cycles, dram, buffer_bytes, bound)

    def _array(self, mapping: Mapping) -> tuple[float, int, str]:
        """Cycles, tiles and limit of one tile of convolution groups."""
        problem, switch = self.problem, self.problem.target.tile_switch_cycles
        total, tiles, bound = 0.0, 0, "pe"
        reduces = parts(problem.reduce_channels, mapping.reduce_tile)
        heights = parts(self.height, mapping.row_tile)
        for out, n_out in parts(problem.out_channels, mapping.out_tile):
            for rows, n_rows in heights:
                for reduce, n_reduce in reduces:
                    cycles, bound = self.array.tile_cycles(mapping, out, rows, reduce)
                    count = n_out * n_rows * n_reduce
                    total += count * (cycles * mapping.conv_groups + switch) / mapping.samples
                    tiles += count
        return total, tiles, bound
