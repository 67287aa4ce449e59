"""How long a plan will take, before it starts: a rough figure, corrected by what a study has measured.

Without measurements: seconds of a simulation = per stage (planning, code generation) x stages + per MAC
(masks, events of the engine) x dense MACs x samples. The two numbers are fitted to one core of a server of
2023 (docs/performance.md); another computer is up to a factor of two off.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import islice
from pathlib import Path

from compiler.geometry import ConvGeometry
from compiler.training import training_graph
from sparsesim.request import DEFAULT_DATASET, DEFAULT_NETWORK
from sparsesim.study.plan import Plan, PlannedWorkload
from sparsesim.study.settings import energy_settings, sparse_settings
from sparsesim.study.store import Study
from workloads.catalog import load_network
from workloads.sparsity.trace import load_trace

SECONDS_PER_STAGE = 8e-3
SECONDS_PER_MAC = 2e-10
SECONDS_PER_EVALUATION = 0.05
_UNPRUNED = ("trace", "density_input", "density_grad_output")  # runs are dense and one more
LEAST_MEASURED = 10  # the first points also start what others share
MOST_MEASURED = 500  # rows that are looked at


def worker_seconds(plan: Plan, study: Study | None) -> float:
    """Seconds of one worker for all points of a plan, stored ones included. study: where it is run."""
    measured = _measured(study) if study is not None else {}
    seconds = 0.0
    for workload in plan.workloads():
        known = measured.get((workload.network, workload.dataset))
        seconds += workload.points * (_modelled(plan, workload) if known is None else known)
    return seconds


def _measured(study: Study) -> dict[tuple[str | None, str | None], float]:
    """Mean seconds of a done row by network and data set, of the first rows of a study."""
    seconds: dict[tuple[str | None, str | None], list[float]] = {}
    for row in islice(study.rows("done"), MOST_MEASURED):
        dataset = None if "trace" in row.settings else DEFAULT_DATASET
        workload = row.settings.get("network"), row.settings.get("dataset", dataset)
        seconds.setdefault(workload, []).append(row.seconds)  # type: ignore[arg-type]
    return {
        workload: math.fsum(found) / len(found)
        for workload, found in seconds.items()
        if len(found) >= LEAST_MEASURED
    }


def _modelled(plan: Plan, workload: PlannedWorkload) -> float:
    """Seconds of a point: of its runs, each by the share of it that is not simulated for another point.

    Points of a list are taken to share nothing, and a pruning rate of 0 to be a run of its own.
    """
    sizes = {axis.name: len(axis.values) for axis in plan.definition.axes}
    names = {*plan.definition.base, *sizes}
    energy = math.prod(sizes.get(name, 1) for name in energy_settings(names))
    sparse = math.prod(sizes.get(name, 1) for name in sparse_settings(names))
    dense = 1 / (energy * sparse)
    natural = 1 / (energy * sizes.get("prune", 1))
    pruned = 0 if names.intersection(_UNPRUNED) else 1 / energy
    stages, macs = _size(workload)
    once = SECONDS_PER_STAGE * stages + SECONDS_PER_MAC * macs
    again = SECONDS_PER_STAGE * stages + SECONDS_PER_MAC * macs * (workload.samples or 1)
    return dense * once + (natural + pruned) * again + SECONDS_PER_EVALUATION


def _size(workload: PlannedWorkload) -> tuple[int, int]:
    """Stages to simulate, and dense MACs of a sample (of the batch where a layer is fully connected)."""
    if workload.trace is not None:
        return _size_of_trace(workload.trace)
    return _size_of_network(workload.network or DEFAULT_NETWORK, str(workload.dataset), workload.batch)


@lru_cache(maxsize=64)
def _size_of_network(network: str, dataset: str, batch: int) -> tuple[int, int]:
    works = training_graph(load_network(network, dataset), batch).convolutions
    return sum(len(work.stages) for work in works), sum(
        len(work.stages) * work.geometry.dense_macs for work in works
    )


@lru_cache(maxsize=16)
def _size_of_trace(path: str) -> tuple[int, int]:
    """As if every layer had all three stages."""
    trace = load_trace(Path(path))
    macs = 0
    for layer in trace.layers:
        fully_connected = layer.kind == "fc"
        size = (1, trace.meta.samples) if fully_connected else (layer.in_size[0], layer.in_size[1])
        macs += ConvGeometry(
            layer.in_channels, layer.out_channels, size, layer.kernel, layer.stride, layer.padding,
            layer.dilation, layer.groups,
        ).dense_macs  # fmt: skip
    return 3 * len(trace.layers), 3 * macs
