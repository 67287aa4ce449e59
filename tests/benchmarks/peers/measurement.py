"""A peer on the layers of a network, one process for each shape, and what of it was not run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import scalesim, zigzag
from tests.benchmarks.peers.children import Cost, NotRunError
from tests.benchmarks.peers.layers import PeerLayer, Repeated

Simulate = Callable[[Path, str, PeerLayer, Path, float], tuple[Cost, "scalesim.Report | zigzag.Estimate"]]


@dataclass(frozen=True)
class MeasuredLayer:
    """What one process for one shape cost, and the cycles and use of the PEs (0..1) it reported."""

    repeated: Repeated
    cost: Cost
    cycles: int
    pe_utilization: float


@dataclass(frozen=True)
class PeerRun:
    """A peer on a network. Sums are over the layers that were measured, each shape as often as it occurs."""

    peer: str
    network: str
    setting: str
    measured: tuple[MeasuredLayer, ...]
    reasons: tuple[str, ...]
    """Why layers, or all of them, were not run."""

    @property
    def cost(self) -> Cost:
        """The measured cost of each shape times its count."""
        return sum((one.cost.times(one.repeated.count) for one in self.measured), Cost(0.0, 0.0, 0.0))

    @property
    def macs(self) -> int:
        return sum(one.repeated.count * one.repeated.layer.macs for one in self.measured)

    @property
    def cycles(self) -> int:
        return sum(one.repeated.count * one.cycles for one in self.measured)

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that were measured."""
        return tuple(name for one in self.measured for name in one.repeated.names)


def not_run(peer: str, network: str, reason: str) -> PeerRun:
    """A peer that is not there."""
    return PeerRun(peer, network, "", (), (reason,))


def measure(
    peer: str,
    network: str,
    setting: str,
    simulate: Simulate,
    python: Path,
    layers: tuple[Repeated, ...],
    folder: Path,
    timeout_seconds: float,
) -> PeerRun:
    """All shapes one after the other, `timeout_seconds` of wall time for all of them."""
    ends = time.monotonic() + timeout_seconds
    measured, reasons = [], []
    for number, each in enumerate(layers):
        name = f"layer{number}"
        left = ends - time.monotonic()
        try:
            if left <= 0:
                raise NotRunError(f"the {timeout_seconds:.0f} s for this network were used up")
            cost, report = simulate(python, name, each.layer, folder / name, left)
        except NotRunError as reason:
            reasons.append(f"{each.names[0]}: {reason}")
            continue
        measured.append(MeasuredLayer(each, cost, report.total_cycles, report.pe_utilization))
        print(f"{peer}, {network}, {each.names[0]}: {cost.wall_seconds:.0f} s", file=sys.stderr, flush=True)
    return PeerRun(peer, network, setting, tuple(measured), tuple(reasons))
