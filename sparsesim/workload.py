"""What is simulated: layers, other work, and where their masks come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from compiler.geometry import ConvGeometry
from compiler.other_work import OtherWork
from compiler.training import ConvWork, training_graph
from sparsesim.engine.source import MaskSource, ProfileSource, TraceSource
from sparsesim.machine import Machine
from sparsesim.request import DEFAULT_ACTIVATIONS, Density, Load
from sparsesim.traced_network import MixedSource, drawn_pruning, traced_works
from workloads.catalog import load_network
from workloads.errors import UserError
from workloads.network import Network
from workloads.sparsity.over_time import DensityOverTime
from workloads.sparsity.profile import Profile, uniform_profile
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.trace import Trace, load_trace
from workloads.sparsity.trace_meta import TraceLayer
from workloads.sparsity.transfer import profile_for
from workloads.sparsity.transfer_any import profile_of_network


@dataclass(frozen=True)
class Workload:
    """What is simulated. profile: words about where the masks come from. accumulate: samples a GTW job may
    accumulate over. runs: name and pruning rate of the runs beside the dense one. density_over_time: of the
    profile.
    """

    network: str
    dataset: str
    works: Sequence[ConvWork]
    other: Sequence[OtherWork]
    source: MaskSource
    profile: Mapping[str, Any]
    samples: int
    accumulate: int
    runs: Sequence[tuple[str, float]]
    density_over_time: DensityOverTime | None = None


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


def workload_of(load: Load, accumulate: int) -> Workload:
    """Layers and masks of a load; UserError for what the network, the profile or the trace does not have.

    accumulate: the most samples a GTW job may accumulate over, of `accumulated_samples`.
    """
    if load.trace is not None and load.own is not None:
        return _from_both(load, load.trace, accumulate)
    if load.trace is not None:
        return _from_trace(load.trace, load.network, load.dataset, load.samples, accumulate)
    return _from_profile(load, accumulate)


@dataclass(frozen=True)
class _Profiled:
    """Layers of a network at a batch size, and their profile."""

    works: tuple[ConvWork, ...]
    other: tuple[OtherWork, ...]
    profile: Profile


def network_of(load: Load) -> Network:
    """The network of a load; only for loads that are no trace alone."""
    return load.own or load_network(str(load.network), str(load.dataset))


@lru_cache(maxsize=64)
def _profiled(
    network: str, dataset: str, own: Network | None, batch: int, density: Density | None, activations: str
) -> _Profiled:
    """Kept because every point of a study asks for the same few."""
    graph = training_graph(own or load_network(network, dataset), batch)
    shapes = layer_shapes(graph.convolutions)
    if density is not None:
        profile = uniform_profile(shapes, density.input, density.grad_output)
    elif own is not None:
        profile = profile_of_network(own, shapes)
    else:
        profile = profile_for(network, dataset, shapes, activations)
    return _Profiled(tuple(graph.convolutions), tuple(graph.other), profile)


def profile_of(load: Load) -> Profile:
    """The profile that the masks of a load are drawn from; only for loads without a trace."""
    return _found(load).profile


def _found(load: Load) -> _Profiled:
    activations = load.activations or DEFAULT_ACTIVATIONS
    return _profiled(str(load.network), str(load.dataset), load.own, load.batch, load.density, activations)


def _from_profile(load: Load, accumulate: int) -> Workload:
    network, dataset = str(load.network), str(load.dataset)
    found = _found(load)
    profile = found.profile
    about = {"name": profile.name, "kind": profile.kind, "source": profile.source}
    if profile.transferred_from is not None:
        about["transferred_from"] = profile.transferred_from
    runs = [("natural", 0.0)] + ([("pruned", load.prune)] if load.prune else [])
    return Workload(
        network,
        dataset,
        found.works,
        found.other,
        ProfileSource(profile, load.seed),
        about,
        load.samples or 1,
        accumulate,
        runs,
        profile.density_over_time,
    )


def _work_of(layer: TraceLayer, index: int, samples: int, masked: bool) -> ConvWork:
    """masked: a mask says where dI is needed."""
    is_fc = layer.kind == "fc"
    has_gta = index > 0 if layer.has_gta is None else layer.has_gta
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
        has_gta=has_gta,
        input_is_relu=layer.input_is_relu,
        gta_masked=has_gta and masked,
        followed_by="none",
        relu_fused=False,
    )


def _loaded(path: Path) -> Trace:
    """The trace in a file; the last few are kept, because every point of a study asks for the same."""
    try:
        found = path.stat()
    except OSError:
        return load_trace(path)  # which says what is wrong with it
    return _known_trace(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)
def _known_trace(path: Path, modified_ns: int, size_bytes: int) -> Trace:
    del modified_ns, size_bytes
    return load_trace(path)


def _samples(trace: Trace, wanted: int | None) -> int:
    """How many samples of a trace are simulated; UserError for more than it has."""
    count = trace.meta.samples if wanted is None else wanted
    if count > trace.meta.samples:
        raise UserError(f"--samples {count}: {trace.path} holds {trace.meta.samples} samples.")
    return count


def _whole_groups(samples: int, accumulate: int) -> int:
    """A GTW job may accumulate over several samples only where whole groups of them were recorded."""
    while samples % accumulate:
        accumulate //= 2
    return accumulate


def _from_both(load: Load, path: Path, accumulate: int) -> Workload:
    """All layers of a network of one's own: the recorded with their samples, the others with drawn masks."""
    trace, found = _loaded(path), _found(load)
    count = _samples(trace, load.samples)
    works = traced_works(found.works, trace, count)
    recorded = frozenset(layer.name for layer in trace.layers)
    connected = frozenset(work.layer for work in works if work.is_fc)
    source = MixedSource(
        TraceSource(trace, count, connected), ProfileSource(found.profile, load.seed), recorded
    )
    about = {"name": path.name, "kind": "trace", "source": trace.meta.source}
    others = len(works) - len(recorded)
    rate = drawn_pruning(trace)
    if others:
        drawn = f"masks of {others} of {len(works)} layers are not in the trace but drawn at its pruning rate"
        about["transferred_from"] = f"{drawn}, {rate:g}: {found.profile.transferred_from}"
    return Workload(
        str(load.network),
        str(load.dataset),
        works,
        found.other,
        source,
        about,
        count,
        _whole_groups(count, accumulate),
        [("recorded", rate)],
    )


def _from_trace(
    path: Path, network: str | None, dataset: str | None, samples: int | None, accumulate: int
) -> Workload:
    """Exactly the recorded samples of the recorded layers."""
    trace = _loaded(path)
    meta = trace.meta
    if network is not None and network != meta.network:
        raise UserError(f"{path}: is a trace of {meta.network!r}, not of {network!r}; leave the network out.")
    if dataset is not None and dataset != meta.dataset:
        raise UserError(
            f"{path}: is a trace on {meta.dataset!r}, not on {dataset!r}; leave the data set out."
        )
    count = _samples(trace, samples)
    works = [_work_of(layer, i, count, trace.has_mask(layer.name)) for i, layer in enumerate(trace.layers)]
    source = TraceSource(trace, count, frozenset(w.layer for w in works if w.is_fc))
    about = {"name": path.name, "kind": "trace", "source": meta.source}
    return Workload(
        meta.network,
        meta.dataset,
        works,
        (),
        source,
        about,
        count,
        _whole_groups(count, accumulate),
        [("recorded", 0.0)],
    )
