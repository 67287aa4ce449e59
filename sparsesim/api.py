"""One call: simulate a training step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsesim.engine.step import Progress, simulate_step
from sparsesim.machine import Machine
from sparsesim.request import check_count, make_request
from sparsesim.results.result import Result
from sparsesim.simulation import plan_of, request_workload, result_of, runs_of
from workloads.network import Network

if TYPE_CHECKING:
    import torch

MOST_THREADS = 1024


def simulate(
    network: str | Path | Network | torch.nn.Module | None = None,
    dataset: str | torch.Tensor | None = None,
    *,
    machine: str | Path | Machine = "sparsetrain",
    overrides: Sequence[str] = (),
    batch: int = 32,
    samples: int | None = None,
    prune: float | None = None,
    seed: int = 0,
    trace: str | Path | None = None,
    density: tuple[float, float] | None = None,
    input_shape: tuple[int, int, int] | None = None,
    activations: str | None = None,
    energy: str | Path | None = None,
    threads: int | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate one training step of a network on a machine: dense baseline, natural sparsity, natural +
    pruned.

    network, dataset: of workloads.catalog (default resnet18 on imagenet; with a trace, its own). Or a network
    of one's own (docs/networks.md): an ONNX file, a SCALE-Sim topology or a Network, which have no data set,
    or a torch.nn.Module with, as its data set, a batch to call it with. input_shape: (C, H, W) of the image
    where an ONNX file leaves it open. machine: a named description, a YAML file or a Machine; overrides:
    "key=value" changes to one that is read, and "energy.COMPONENT.ACTION=value" changes to the energy table.
    batch: samples that weights may be reused over (1..4096). samples: how many are simulated (1..4096,
    default 1; of a trace all). prune: pruning rate of dO (default 0.9), 0 (no pruned run) or within what was
    recorded. seed: of the masks that are drawn, 0..2^63 - 1. trace: a recorded trace, simulated exactly, runs
    "dense" and "recorded"; with a network of one's own all its layers are simulated, those outside the trace
    with masks that are drawn. density: instead of the recorded profile, independent zeros at these densities
    of I and dO, 0..1 each, in every layer (I of the first stays dense); runs "dense" and "natural".
    activations: where the recorded profile has its densities of I from: "nearest" (default), "here" (training
    runs of this project) or "imagenet" (docs/sparsity.md). energy: an energy table or Accelergy ERT (YAML).
    threads: 1..1024, default one per core; they change no number. check: also compute every layer with
    numbers and compare with a reference. progress: called with (done, total, label).
    Raises UserError for anything the caller gave that cannot be used.
    """
    started = time.perf_counter()
    if threads is not None:
        check_count("threads", threads, MOST_THREADS)
    request = make_request(
        network,
        dataset,
        machine=machine,
        overrides=overrides,
        batch=batch,
        samples=samples,
        prune=prune,
        seed=seed,
        trace=trace,
        energy=energy,
        density=density,
        input_shape=input_shape,
        activations=activations,
    )
    workload = request_workload(request)
    plan = plan_of(workload, runs_of(request, workload), request.load.batch, check)
    records = simulate_step(plan, threads, progress)
    return result_of(request, workload, records, time.perf_counter() - started)
