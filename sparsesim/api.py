"""One call: simulate a training step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.geometry import ConvGeometry
from compiler.other_work import OtherWork
from compiler.training import ConvWork, training_graph
from sparsesim.energy import EnergyModel, load_energy
from sparsesim.energy.table import EnergyTable
from sparsesim.engine.source import MaskSource, ProfileSource, TraceSource
from sparsesim.engine.step import Plan, Progress, Run, simulate_step
from sparsesim.machine import Machine, load_machine
from sparsesim.results.bounds import check_bounds
from sparsesim.results.result import Result, build_result
from workloads.catalog import load_network
from workloads.errors import UserError
from workloads.sparsity.curve import check_pruning
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.trace import load_trace
from workloads.sparsity.trace_meta import TraceLayer
from workloads.sparsity.transfer import profile_for

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class _Workload:
    """What is simulated: layers, other work, masks, and words about where they come from."""

    network: str
    dataset: str
    works: Sequence[ConvWork]
    other: Sequence[OtherWork]
    source: MaskSource
    profile: Mapping[str, Any]
    samples: int
    accumulate: int
    runs: Sequence[tuple[str, float]]


def _positive(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise UserError(f"--{name} must be a whole number from 1 to {most} (got {value}).")


def layer_shapes(works: Sequence[ConvWork]) -> list[LayerShape]:
    """Shapes of layers as the profiles know them."""
    return [
        LayerShape(
            name=w.layer,
            in_channels=w.geometry.in_channels,
            out_channels=w.geometry.out_channels,
            in_size=w.geometry.in_size,
            out_size=w.geometry.out_size,
            is_fc=w.is_fc,
            input_is_relu=w.input_is_relu,
        )
        for w in works
    ]


def _from_profile(
    network: str, dataset: str, batch: int, samples: int, prune: float, seed: int, accumulate: int
) -> _Workload:
    check_pruning(prune)
    graph = training_graph(load_network(network, dataset), batch)
    profile = profile_for(network, dataset, layer_shapes(graph.convolutions))
    about = {"name": profile.name, "kind": profile.kind, "source": profile.source}
    if profile.transferred_from is not None:
        about["transferred_from"] = profile.transferred_from
    runs = [("natural", 0.0)] + ([("pruned", prune)] if prune > 0 else [])
    source = ProfileSource(profile, seed)
    return _Workload(
        network, dataset, graph.convolutions, graph.other, source, about, samples, accumulate, runs
    )


def _work_of(layer: TraceLayer, index: int, samples: int) -> ConvWork:
    is_fc = layer.kind == "fc"
    size = (1, samples) if is_fc else (layer.in_size[0], layer.in_size[1])
    geometry = ConvGeometry(
        layer.in_channels, layer.out_channels, size, layer.kernel, layer.stride, layer.padding,
        layer.dilation, layer.groups,
    )  # fmt: skip
    return ConvWork(
        layer=layer.name,
        index=index,
        geometry=geometry,
        is_fc=is_fc,
        has_gta=index > 0,
        input_is_relu=layer.input_is_relu,
        gta_masked=index > 0,
        followed_by="none",
        relu_fused=False,
    )


def _from_trace(path: Path, network: str | None, samples: int | None, accumulate: int) -> _Workload:
    """Exactly the recorded samples of the recorded layers."""
    trace = load_trace(path)
    meta = trace.meta
    if network is not None and network != meta.network:
        raise UserError(f"{path}: is a trace of {meta.network!r}, not of {network!r}; leave the network out.")
    count = meta.samples if samples is None else samples
    if count > meta.samples:
        raise UserError(f"--samples {count}: {path} holds {meta.samples} samples.")
    works = [_work_of(layer, i, count) for i, layer in enumerate(trace.layers)]
    source = TraceSource(trace, count, frozenset(w.layer for w in works if w.is_fc))
    about = {"name": path.name, "kind": "trace", "source": meta.source}
    # A GTW job may accumulate over several samples only where whole groups of them were recorded.
    while count % accumulate:
        accumulate //= 2
    return _Workload(
        meta.network, meta.dataset, works, (), source, about, count, accumulate, [("recorded", 0.0)]
    )


def simulate(
    network: str | None = None,
    dataset: str = "imagenet",
    *,
    machine: str | Path | Machine = "sparsetrain",
    overrides: Sequence[str] = (),
    batch: int = 32,
    samples: int | None = None,
    prune: float = 0.9,
    seed: int = 0,
    trace: str | Path | None = None,
    energy: str | Path | None = None,
    threads: int | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate one training step of a network on a machine: dense baseline, natural sparsity, natural +
    pruned.

    network, dataset: of workloads.catalog (default resnet18 on imagenet). machine: a named description, a
    YAML file or a Machine;
    overrides: "key=value" changes to it. batch: samples that weights may be reused over (1..4096).
    samples: how many are simulated (default 1; of a
    trace all). prune: pruning rate of dO, 0 (no pruned run) or within what was recorded. trace: a recorded
    trace, simulated exactly, runs "dense" and
    "recorded". energy: an energy table or Accelergy ERT (YAML). check: also compute every layer with
    numbers and compare with a reference.
    Raises UserError for anything the caller gave that cannot be used.
    """
    started = time.perf_counter()
    described = machine if isinstance(machine, Machine) else load_machine(machine, overrides)
    _positive("batch", batch, 4096)
    if samples is not None:
        _positive("samples", samples, 4096)
    if threads is not None:
        _positive("threads", threads, 1024)
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed must be from 0 to 2^63 - 1 (got {seed}).")
    table = load_energy(energy) if energy is not None else None
    accumulate = described.policy.accumulated_samples
    if trace is None:
        name = network or "resnet18"
        load = _from_profile(name, dataset, batch, samples or 1, prune, seed, accumulate)
    else:
        load = _from_trace(Path(trace), network, samples, accumulate)
    return _simulate(
        load,
        described,
        table,
        batch,
        seed,
        threads,
        check,
        progress,
        started,
        prune if trace is None else None,
    )


def _simulate(
    load: _Workload,
    machine: Machine,
    table: EnergyTable | None,
    batch: int,
    seed: int,
    threads: int | None,
    check: bool,
    progress: Progress | None,
    started: float,
    prune: float | None,
) -> Result:
    baseline = machine.dense_baseline()
    sparse = machine.to_target()
    runs = [Run("dense", baseline.to_target(), None), *(Run(name, sparse, p) for name, p in load.runs)]
    accumulate = min(load.accumulate, 1 << (batch.bit_length() - 1))
    plan = Plan(load.works, load.other, load.source, runs, batch, load.samples, accumulate, check)
    records = simulate_step(plan, threads, progress)
    result = build_result(
        records,
        machine,
        EnergyModel(machine, table),
        EnergyModel(baseline, table),
        network=load.network,
        dataset=load.dataset,
        batch=batch,
        seed=seed,
        profile=dict(load.profile),
        wall_seconds=time.perf_counter() - started,
        prune=prune,
    )
    check_bounds(result)
    return result
