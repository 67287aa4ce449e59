"""The same simulated actions charged in other ways: what of an energy efficiency is accounting.

On chip, centre column of the energy table. Cycles, and so speedups, are the same in every view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from sparsesim.energy import ActionCounts, EnergyModel, on_chip
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ratio

NATURAL = "natural"


@dataclass(frozen=True)
class Charged:
    """A result, the on-chip actions of its runs per sample, and the energies of its two machines."""

    result: Result
    actions: Mapping[str, ActionCounts]
    sparse: EnergyModel
    dense: EnergyModel


@dataclass(frozen=True)
class EnergyView:
    """words: what is charged otherwise. efficiency: average over the workloads by run."""

    name: str
    words: str
    efficiency: Mapping[str, float]


View = Callable[[Charged, str], ActionCounts]
"""The actions of a run as they are charged."""


def _as_charged(charged: Charged, run: str) -> ActionCounts:
    return charged.actions[run]


def _gated(charged: Charged, run: str) -> ActionCounts:
    """The dense machine spends nothing on MAC, Reg-1 and Reg-2 where an operand is zero; its clock goes on.

    Forward and GTW: the products of non-zeros of the natural run. GTA: MACs x density of dO, since a dense
    machine does not know the ReLU mask of what it computes.
    """
    counts = charged.actions[run]
    if run != DENSE or NATURAL not in charged.result.runs:
        return counts
    layers = [layer for layer in charged.result.layers if layer.run == NATURAL and layer.stage != "other"]
    products = sum(
        layer.dense_macs * layer.density["grad_output"] if layer.stage == "gta" else layer.useful_macs
        for layer in layers
    )
    return replace(counts, macs=min(counts.macs, products))


def _clocked(charged: Charged, run: str) -> ActionCounts:
    """Waiting PEs are clocked like working ones, in both machines."""
    counts, pes = charged.actions[run], charged.result.machine.pes
    return replace(counts, pe_busy_cycles=counts.cycles * pes - counts.rejects)


def _gated_and_clocked(charged: Charged, run: str) -> ActionCounts:
    return replace(_clocked(charged, run), macs=_gated(charged, run).macs)


VIEWS: tuple[tuple[str, str, View], ...] = (
    ("as charged", "the dense machine multiplies zeros; PEs that wait are clock-gated", _as_charged),
    (
        "gated baseline",
        "the dense machine gates MAC and registers where an operand is zero (GTA: by density of dO)",
        _gated,
    ),
    ("clocked PEs", "PEs that wait are clocked like working ones, in both machines", _clocked),
    ("both", "a gated baseline, and PEs that wait are clocked", _gated_and_clocked),
)


def energy_views(every: Sequence[Charged]) -> tuple[EnergyView, ...]:
    """All views, averaged over the results; none without results."""
    if not every:
        return ()
    runs = every[0].result.compared
    return tuple(
        EnergyView(name, words, {run: fmean(_efficiency(one, run, view) for one in every) for run in runs})
        for name, words, view in VIEWS
    )


def _efficiency(charged: Charged, run: str, view: View) -> float:
    dense = on_chip(charged.dense.energy(view(charged, DENSE))).centre
    return ratio(dense, on_chip(charged.sparse.energy(view(charged, run))).centre)
