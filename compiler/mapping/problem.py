"""What the mapper is asked: a layer and stage on a machine, and what is expected of its operands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from compiler.geometry import ConvGeometry
from compiler.program import GRADIENTS_BROADCAST, INPUTS_BROADCAST, RowOperation, ch0_pattern
from compiler.target import Target


@dataclass(frozen=True)
class Densities:
    """Expected density of ch0 (SRC: I, else dO) and of the second operand (MSRC: ReLU mask, OSRC: I), 0..1.

    ch0_share, second_share: how much of their variance is common to a channel of a sample, 0..1
    (compiler/mapping/ spread.py); they matter for OSRC. Where OSRC broadcasts I, ch0 and second change
    places.
    """

    ch0: float = 1.0
    second: float = 1.0
    ch0_share: float = 0.0
    second_share: float = 0.0

    def swapped(self) -> Densities:
        """The operands the other way round."""
        return Densities(self.second, self.ch0, self.second_share, self.ch0_share)


@dataclass(frozen=True)
class Problem:
    """A layer and stage on a machine: what the mapper has to solve.

    batch: samples that weights may be reused over; samples: how many at a time an OSRC job may accumulate
    over (1, 2, 4, ...); broadcast: the operand on ch0 of OSRC, "dO" or "I".
    """

    geometry: ConvGeometry
    operation: RowOperation
    target: Target
    densities: Densities
    batch: int
    masked: bool
    samples: int = 1
    broadcast: str = GRADIENTS_BROADCAST

    @cached_property
    def ch0_pattern(self) -> RowOperation:
        """SRC where ch0 is I; see compiler.program.ch0_pattern."""
        return ch0_pattern(self.operation, self.broadcast)

    @cached_property
    def out_channels(self) -> int:
        """Channels across the groups, per convolution group: F where ch0 is I, C otherwise."""
        g = self.geometry
        return g.out_channels_per_group if self.ch0_pattern is RowOperation.SRC else g.in_channels_per_group

    @cached_property
    def reduce_channels(self) -> int:
        """Channels on ch0, per convolution group."""
        g = self.geometry
        return g.in_channels_per_group if self.ch0_pattern is RowOperation.SRC else g.out_channels_per_group

    @cached_property
    def active_groups(self) -> int:
        """Groups of a cluster that have a channel."""
        return min(self.target.groups_per_cluster, self.out_channels)

    @property
    def forms(self) -> tuple[Problem, ...]:
        """The problem, and for OSRC also with the other operand broadcast."""
        if self.operation is not RowOperation.OSRC:
            return (self,)
        return self, replace(self, broadcast=INPUTS_BROADCAST, densities=self.densities.swapped())
