"""Studies for tests of their reports, made up by simple laws, without a simulation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sparsesim.study.objectives import Constraint, Objective

CYCLES = Objective("with_dram_cycles", "minimize")
ENERGY = Objective("with_dram_energy_pj", "minimize")
AREA = Objective("area_mm2", "minimize")
SPEEDUP = Objective("with_dram_speedup", "maximize")
SMALL = Constraint("area_mm2", "<=", 1.2)
GRID: dict[str, Sequence[Any]] = {
    "array.groups": [14, 28, 56, 112],
    "array.pes_per_group": [1, 3],
    "memory.kind": ["lpddr4", "hbm2"],
}
VARIED = list(GRID)
HOSTILE = "[red]$x^{$ \x1b[31m\n\N{SNOWMAN}\N{CJK UNIFIED IDEOGRAPH-4E2D}" + "y" * 200


def point(row: int, settings: dict[str, Any], network: str = "resnet18", size: float = 1.0) -> dict[str, Any]:
    """A row whose figures follow simple laws: more PEs cost area and save cycles, hbm2 costs energy."""
    pes = settings.get("array.groups", 56) * settings.get("array.pes_per_group", 3)
    cycles = size * (1e9 / pes + 1e6)
    energy = size * 1e9 * (2 + pes / 300 + (settings.get("memory.kind") == "hbm2"))
    return {
        "row": row,
        "status": "done",
        "network": network,
        "dataset": "cifar10",
        **settings,
        "with_dram_cycles": cycles,
        "with_dram_energy_pj": energy,
        "with_dram_speedup": 4e7 * size / cycles,
        "area_mm2": 0.5 + pes / 200,
        "error": "",
        "seconds": 1.5,
    }


def study(networks: Sequence[str] = ("resnet18",), grid: dict[str, Sequence[Any]] = GRID) -> pd.DataFrame:
    combinations = itertools.product(networks, *grid.values())
    return pd.DataFrame(
        [
            point(row, dict(zip(grid, values, strict=True)), network, 1.0 + networks.index(network))
            for row, (network, *values) in enumerate(combinations, start=1)
        ]
    )


def failed(frame: pd.DataFrame, rows: Sequence[int], error: str) -> pd.DataFrame:
    """The frame with these rows failed, without figures."""
    frame = frame.copy()
    which = frame["row"].isin(rows)
    frame.loc[which, "status"] = "failed"
    frame.loc[which, "error"] = error
    frame.loc[which, ["with_dram_cycles", "with_dram_energy_pj", "with_dram_speedup", "area_mm2"]] = np.nan
    return frame


def brute_front(frame: pd.DataFrame, objectives: Sequence[Objective]) -> set[int]:
    """The row numbers of the points that no other point beats."""
    signs = [1 if objective.goal == "minimize" else -1 for objective in objectives]
    costs = frame[[objective.figure for objective in objectives]].to_numpy() * signs
    beaten = [((costs <= mine).all(axis=1) & (costs < mine).any(axis=1)).any() for mine in costs]
    return set(frame["row"][~np.array(beaten)])
