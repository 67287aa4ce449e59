"""Comparisons for tests: runs of a small trace, simulated, and made-up ones in folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from reports.comparison.compare import Comparison, compare
from sparsesim import simulate
from sparsesim.results.model import Result
from sparsesim.results.parts import Accounts
from sparsesim.results.reading import SavedRun
from tests.builders_results import small_trace

Runs = Mapping[str, Result]


def simulated(folder: Path) -> Runs:
    """Real books: two samples on three machines."""
    trace = small_trace(folder / "t.npz")
    overrides = {"base": [], "groups112": ["groups=112"], "hbm2": ["memory.kind=hbm2"]}
    return {name: simulate(trace=trace, overrides=given) for name, given in overrides.items()}


def compared(
    folder: Path, runs: Runs, run: str | None = None, manifest: Mapping[str, Any] | None = None
) -> Comparison:
    """Results compared as if they were in folders of these names."""
    return compare(
        [saved_as(folder / name, result, manifest or {}) for name, result in runs.items()],
        run,
    )


def saved_as(folder: Path, result: Result, manifest: Mapping[str, Any]) -> SavedRun:
    folder.mkdir(parents=True, exist_ok=True)
    return SavedRun(folder, result, manifest)


def slowed(result: Result, factors: Mapping[str, float]) -> Result:
    """The result with some layers' cycles changed; the runs keep theirs."""
    return replace(
        result,
        layers=tuple(
            replace(
                layer,
                cycles=Accounts(layer.cycles.on_chip * by, layer.cycles.with_dram * by),
                group_cycles={cause: cycles * by for cause, cycles in layer.group_cycles.items()},
            )
            if (by := factors.get(layer.name, 1.0)) != 1.0
            else layer
            for layer in result.layers
        ),
    )


@cache
def unlike() -> Runs:
    """One network on two machines that have next to nothing in common, the second with two samples."""
    overrides = [
        "groups=28",
        "macs_per_pe=3",
        "array.clock_mhz=500",
        "ppu.words_per_cycle=2",
        "memory.kind=hbm2",
        "energy.mac_int16.compute=9",
    ]
    return {
        "base": simulate("alexnet", "cifar10"),
        "other": simulate("alexnet", "cifar10", overrides=overrides, samples=2),
    }
