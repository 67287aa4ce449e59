"""A network together with a trace: recorded masks where there are some, drawn ones in the other layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compiler.geometry import ConvGeometry
from compiler.training import ConvWork
from sparsesim.engine.channels import ChannelDensities
from sparsesim.engine.source import MaskSource
from workloads.errors import UserError, unknown_name
from workloads.sparsity.curve import PRUNING_RANGE
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.trace import Trace
from workloads.sparsity.trace_meta import TraceLayer


@dataclass(frozen=True)
class MixedSource:
    """Masks of the layers in `recorded` from one source, of all others from another."""

    trace: MaskSource
    profile: MaskSource
    recorded: frozenset[str]

    def densities(self, layer: str, pruning: float) -> LayerDensities:
        return self._of(layer).densities(layer, pruning)

    def channel_shares(self, layer: str, pruning: float) -> tuple[float, float]:
        return self._of(layer).channel_shares(layer, pruning)

    def masks(self, layer: str, pruning: float, sample: int) -> LayerMasks:
        return self._of(layer).masks(layer, pruning, sample)

    def channel_densities(self, layer: str, pruning: float, simulated: range) -> ChannelDensities | None:
        return self._of(layer).channel_densities(layer, pruning, simulated)

    def dense(self, work: ConvWork, samples: int) -> LayerMasks:
        return self._of(work.layer).dense(work, samples)

    def _of(self, layer: str) -> MaskSource:
        return self.trace if layer in self.recorded else self.profile


def traced_works(works: Sequence[ConvWork], trace: Trace, samples: int) -> tuple[ConvWork, ...]:
    """The layers of a network as they are simulated on a trace.

    Of a recorded layer dI is masked where a mask was recorded, and a fully connected one has the recorded
    samples as columns. UserError for a recorded layer that the network lacks or that has other sizes there.
    """
    names = {work.layer: work for work in works}
    for layer in trace.layers:
        if layer.name not in names:
            raise unknown_name(f"layer of {trace.path} in the network:", layer.name, names)
        _check_same(layer, names[layer.name], trace)
    recorded = {layer.name for layer in trace.layers}
    return tuple(_as_recorded(work, trace, samples) if work.layer in recorded else work for work in works)


def _as_recorded(work: ConvWork, trace: Trace, samples: int) -> ConvWork:
    size = (1, samples) if work.is_fc else work.geometry.in_size
    return replace(
        work,
        geometry=replace(work.geometry, in_size=size),
        gta_masked=work.has_gta and trace.has_mask(work.layer),
    )


def _check_same(layer: TraceLayer, work: ConvWork, trace: Trace) -> None:
    recorded, wanted = _recorded_words(layer), _words(work)
    if recorded != wanted:
        raise UserError(
            f"{trace.path}: layer {layer.name!r} was recorded as {recorded}, but in the network it is "
            f"{wanted}; record the trace with the network that is simulated."
        )


def _recorded_words(layer: TraceLayer) -> str:
    shapes = f"{_sizes(layer.in_channels, layer.in_size)} -> {_sizes(layer.out_channels, layer.out_size)}"
    if layer.kind == "fc":
        return f"fully connected, {shapes}"
    padding = f"padding {layer.padding} before and {layer.padding} behind"
    return f"{shapes} ({_window(layer)}, {padding})"


def _words(work: ConvWork) -> str:
    g = work.geometry
    if work.is_fc:
        return f"fully connected, {_sizes(g.in_channels, (1, 1))} -> {_sizes(g.out_channels, (1, 1))}"
    shapes = f"{_sizes(g.in_channels, g.in_size)} -> {_sizes(g.out_channels, g.out_size)}"
    padding = f"padding {g.padding} before and {g.padding_behind} behind"
    return f"{shapes} ({_window(g)}, {padding})"


def _sizes(channels: int, size: tuple[int, int]) -> str:
    return f"{channels}x{size[0]}x{size[1]}"


def _window(of: TraceLayer | ConvGeometry) -> str:
    return f"kernel {of.kernel}, stride {of.stride}, dilation {of.dilation}, groups {of.groups}"


def drawn_pruning(trace: Trace) -> float:
    """The rate at which gradients outside the trace are pruned: the trace's, where it can be drawn."""
    return min(trace.meta.pruning.p, PRUNING_RANGE[1])
