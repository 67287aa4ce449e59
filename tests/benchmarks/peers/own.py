"""sparsesim as a whole process: what a training step costs, and the cycles of its dense forward pass."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.peers.children import Cost, run_child

ROOT = Path(__file__).resolve().parents[3]
RUNS = ("dense", "natural", "pruned")


@dataclass(frozen=True)
class DenseForward:
    """A layer of the dense run, Forward, on chip: cycles per sample, use of the PEs (0..1), MACs, causes.

    causes: cycles of a PE by state, as in the summary (busy, imbalance, buffer, ...).
    """

    cycles: float
    pe_utilization: float
    dense_macs: int
    causes: dict[str, float]


@dataclass(frozen=True)
class TrainingStep:
    """Median cost of a run, and what it simulated, per sample.

    dense_macs: of Forward, GTA and GTW, once for each of the three runs; useful_macs: those whose operands
    are not zero, which are formed one by one.
    """

    cost: Cost
    dense_macs: float
    useful_macs: float
    cycles: float


def simulate(network: str, folder: Path, *options: str) -> tuple[Cost, dict[str, Any]]:
    """`sparsesim run NETWORK --no-save --json` and its summary."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sparsesim", "run", network, "--no-save", "--json", *options]
    cost = run_child(command, folder, 3600.0, {"PYTHONPATH": str(ROOT)})
    return cost, json.loads((folder / "stdout").read_text())


def training_step(network: str, folder: Path, times: int) -> TrainingStep:
    """The training step, simulated `times` times, all after the kernels were compiled.

    Medians of wall and CPU seconds, each by itself; the largest peak.
    """
    results = [simulate(network, folder) for _ in range(times)]
    costs = [cost for cost, _ in results]
    cost = Cost(
        median(each.wall_seconds for each in costs),
        median(each.cpu_seconds for each in costs),
        max(each.peak_mib for each in costs),
    )
    runs = [results[0][1]["runs"][run] for run in RUNS]
    return TrainingStep(
        cost,
        sum(run["dense_macs"] for run in runs),
        sum(run["useful_macs"] for run in runs),
        sum(run["cycles"]["on_chip"] for run in runs),
    )


def dense_forward(network: str, folder: Path, batch: int) -> dict[str, DenseForward]:
    """Layer by layer what the dense run needs for Forward, fully connected layers on `batch` samples."""
    return read_dense_forward(simulate(network, folder, "--batch", str(batch))[1])


def read_dense_forward(summary: dict[str, Any]) -> dict[str, DenseForward]:
    """The same from a summary."""
    groups = summary["machine"]["array"]["groups"]
    return {
        layer["name"]: DenseForward(
            layer["cycles"]["on_chip"],
            layer["pe_utilization"],
            layer["dense_macs"],
            {state: cycles / groups for state, cycles in layer["group_cycles"].items()},
        )
        for layer in summary["layers"]
        if layer["run"] == "dense" and layer["stage"] == "forward"
    }
