"""From the ideal bound to the whole machine, one mechanism at a time, under the same program.

The first two rungs and the last two follow from the run of the whole machine; those between are simulations
of it with limits taken away (section `ideal` of a description, docs/microarchitecture.md section 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sparsesim.results.model import Result
from sparsesim.study.point import Scalar

_FREE = ("free_transfers", "free_ppus", "free_controller")


@dataclass(frozen=True)
class Rung:
    """name: a word or two. words: what is added to the rung before.

    free: fields of `ideal` that are set; None where the rung is not simulated by itself.
    """

    name: str
    words: str
    free: tuple[str, ...] | None = None

    @property
    def settings(self) -> dict[str, Scalar]:
        """What makes the rung of the whole machine."""
        return {f"ideal.{name}": True for name in self.free or ()}


BOUND = Rung("bound", "only useful products, every PE always busy")
ENTRIES = Rung("entries", "entries of ch0 that are looked at in vain, idle multipliers of an entry")
BALANCE = Rung("balance", "groups that wait for each other, ends of jobs and of tiles", _FREE)
TRANSFERS = Rung(
    "transfers",
    "rows and results take a cycle a line on ports of their own, every bank serves all at once",
    ("free_banks", "free_ppus", "free_controller"),
)
BANKS = Rung("bank conflicts", "a bank serves one burst at a time", ("free_ppus", "free_controller"))
PPU = Rung("PPU", "pipelines and drains take their cycles", ("free_controller",))
DISPATCH = Rung("dispatch", "jobs and tiles are handed out in their time: the whole machine, on chip", ())
DRAM = Rung("DRAM", "the off-chip memory is waited for")
OTHER = Rung("other work", "batch-norm, pooling, additions, weight update: the whole step")

RUNGS = (BOUND, ENTRIES, BALANCE, TRANSFERS, BANKS, PPU, DISPATCH, DRAM, OTHER)
SIMULATED = tuple(rung for rung in RUNGS if rung.free)
"""Rungs that need a simulation beside that of the whole machine."""
ON_CHIP = (BOUND, ENTRIES, BALANCE, TRANSFERS, BANKS, PPU, DISPATCH)

Cycles = Mapping[str, float]


def derived(rung: Rung, result: Result) -> dict[str, float]:
    """Cycles by run of a rung that is not simulated by itself, from the result of the whole machine."""
    return {name: _cycles(rung, result, name) for name in result.runs}


def _cycles(rung: Rung, result: Result, name: str) -> float:
    run, machine = result.runs[name], result.machine
    if rung is BOUND:
        return run.useful_macs / (machine.pes * machine.pe.macs_per_pe)
    if rung is ENTRIES:
        return (run.group_cycles["busy"] + run.group_cycles["reject"]) / machine.array.groups
    if rung is DRAM:
        stages = ("forward", "gta", "gtw")
        return sum(run.cycles_by_stage[stage].with_dram for stage in stages)
    return run.cycles.with_dram if rung is OTHER else run.cycles.on_chip
