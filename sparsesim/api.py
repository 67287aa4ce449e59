"""One call: simulate a training step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
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


DEFAULT_DATASET, DEFAULT_PRUNE = "imagenet", 0.9
MOST_SAMPLES = 4096  # of --batch and --samples


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


def _check_whole(name: str, value: int, least: int, most: int, words: str) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and least <= value <= most):
        raise UserError(f"--{name} must be {words} (got {value!r}).")


def check_count(name: str, value: int, most: int) -> None:
    """UserError unless `value`, given as option `name`, is a whole number from 1 to `most`."""
    _check_whole(name, value, 1, most, f"a whole number from 1 to {most}")


def _described(machine: str | Path | Machine, overrides: Sequence[str]) -> Machine:
    """The machine; UserError for overrides that would be without effect."""
    if isinstance(overrides, str):
        raise UserError(f"overrides must be a list of KEY=VALUE; write [{overrides!r}].")
    if isinstance(machine, str | Path):
        return load_machine(machine, overrides)
    if not isinstance(machine, Machine):
        raise UserError(f"machine must be a name, a file or a Machine (got {type(machine).__name__}).")
    if overrides:
        raise UserError(
            "overrides change a machine that is read; this one is a Machine already: change that."
        )
    return machine


def accumulated_samples(machine: Machine, batch: int) -> int:
    """Samples that a GTW job may accumulate over: what the machine allows, within a batch (>= 1).

    A power of two, as compile_stage wants it.
    """
    return min(machine.policy.accumulated_samples, 1 << (batch.bit_length() - 1))


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


def _work_of(layer: TraceLayer, index: int, samples: int, masked: bool) -> ConvWork:
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
        gta_masked=masked,
        followed_by="none",
        relu_fused=False,
    )


def _from_trace(
    path: Path, network: str | None, dataset: str | None, samples: int | None, accumulate: int
) -> _Workload:
    """Exactly the recorded samples of the recorded layers."""
    trace = load_trace(path)
    meta = trace.meta
    if network is not None and network != meta.network:
        raise UserError(f"{path}: is a trace of {meta.network!r}, not of {network!r}; leave the network out.")
    if dataset is not None and dataset != meta.dataset:
        raise UserError(
            f"{path}: is a trace on {meta.dataset!r}, not on {dataset!r}; leave the data set out."
        )
    count = meta.samples if samples is None else samples
    if count > meta.samples:
        raise UserError(f"--samples {count}: {path} holds {meta.samples} samples.")
    works = [
        _work_of(layer, i, count, i > 0 and trace.has_mask(layer.name))
        for i, layer in enumerate(trace.layers)
    ]
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
    dataset: str | None = None,
    *,
    machine: str | Path | Machine = "sparsetrain",
    overrides: Sequence[str] = (),
    batch: int = 32,
    samples: int | None = None,
    prune: float | None = None,
    seed: int = 0,
    trace: str | Path | None = None,
    energy: str | Path | None = None,
    threads: int | None = None,
    check: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate one training step of a network on a machine: dense baseline, natural sparsity, natural +
    pruned.

    network, dataset: of workloads.catalog (default resnet18 on imagenet; with a trace, its own). machine: a
    named description, a YAML file or a Machine; overrides: "key=value" changes to one that is read. batch:
    samples that weights may be reused over (1..4096). samples: how many are simulated (1..4096, default 1; of
    a trace all). prune: pruning rate of dO (default 0.9), 0 (no pruned run) or within what was recorded.
    seed: of the masks that are drawn, 0..2^63 - 1. trace: a recorded trace, simulated exactly, runs "dense"
    and "recorded". energy: an energy table or Accelergy ERT (YAML). threads: 1..1024, default one per core;
    they change no number. check: also compute every layer with numbers and compare with a reference.
    progress: called with (done, total, label).
    Raises UserError for anything the caller gave that cannot be used.
    """
    started = time.perf_counter()
    described = _described(machine, overrides)
    check_count("batch", batch, MOST_SAMPLES)
    if samples is not None:
        check_count("samples", samples, MOST_SAMPLES)
    if threads is not None:
        check_count("threads", threads, 1024)
    _check_whole("seed", seed, 0, 2**63 - 1, "from 0 to 2^63 - 1")
    table = load_energy(energy) if energy is not None else None
    accumulate = accumulated_samples(described, batch)
    if trace is not None:
        if prune is not None:
            raise UserError("prune and trace contradict each other: a trace is simulated as it was recorded.")
        load = _from_trace(Path(trace), network, dataset, samples, accumulate)
    else:
        prune = DEFAULT_PRUNE if prune is None else prune
        names = network or "resnet18", dataset or DEFAULT_DATASET
        load = _from_profile(*names, batch, samples or 1, prune, seed, accumulate)
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
        prune,
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
    plan = Plan(load.works, load.other, load.source, runs, batch, load.samples, load.accumulate, check)
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
