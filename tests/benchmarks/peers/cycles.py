"""Forward cycles of one dense sample side by side, layer by layer, and why they differ."""

from __future__ import annotations

from tests.benchmarks.peers import systolic
from tests.benchmarks.peers.findings import Findings
from tests.benchmarks.peers.layers import PES, Repeated
from tests.benchmarks.peers.markdown import short, table
from tests.benchmarks.peers.measurement import MeasuredLayer, PeerRun
from tests.benchmarks.peers.own import DenseForward

_STATES = ("busy", "imbalance", "buffer", "ppu", "dispatch")


def layer_table(found: Findings, batch: int) -> str:
    """A row for each shape: least cycles, then cycles (use of the PEs) of one such layer by all."""
    measured = [{one.repeated: one for one in run.measured} for run in found.runs]
    header = [
        "layer",
        "shapes",
        "least, nominal",
        "least, dense",
        "sparsesim",
        f"sparsesim, FC on {batch} samples",
        *(f"{run.peer} {run.setting}".strip() for run in found.runs),
    ]
    rows = [
        [
            f"{each.names[0]}{f' (x {each.count})' if each.count > 1 else ''}",
            _shape(each),
            short(each.layer.least_cycles),
            short(found.single[each.names[0]].dense_macs / PES),
            _own_cell(found.single[each.names[0]]),
            _own_cell(found.batch[each.names[0]]),
            *(_peer_cell(of_peer.get(each)) for of_peer in measured),
        ]
        for each in found.layers
    ]
    return table(header, [*rows, *_totals(found)])


def _shape(each: Repeated) -> str:
    layer = each.layer
    if layer.kind == "fc":
        return f"{layer.channels} > {layer.filters}"
    outputs, kernel = "x".join(map(str, layer.out_size)), "x".join(map(str, layer.kernel))
    return f"{layer.channels} > {layer.filters}, {kernel}, to {outputs}"


def _own_cell(layer: DenseForward) -> str:
    return f"{short(layer.cycles)} ({layer.pe_utilization:.0%})"


def _peer_cell(layer: MeasuredLayer | None) -> str:
    return "not run" if layer is None else f"{short(layer.cycles)} ({layer.pe_utilization:.0%})"


def _totals(found: Findings) -> list[list[str]]:
    """Sums of convolutions, of FC layers and of both, each shape as often as it occurs."""
    kinds = (("convolutions", ("conv",)), ("fully connected", ("fc",)), ("together", ("conv", "fc")))
    chosen = [
        (title, [each for each in found.layers if each.layer.kind in wanted]) for title, wanted in kinds
    ]
    return [_total(title, layers, found) for title, layers in chosen if layers]


def _total(title: str, layers: list[Repeated], found: Findings) -> list[str]:
    names = [name for each in layers for name in each.names]
    nominal = sum(each.count * each.layer.least_cycles for each in layers)
    dense = sum(found.single[name].dense_macs for name in names) / PES
    own = [_sum_cell(sum(of[name].cycles for name in names), dense) for of in (found.single, found.batch)]
    peers = [_peer_total(layers, run, nominal) for run in found.runs]
    return [f"**{title}**", "", short(nominal), short(dense), *own, *peers]


def _peer_total(layers: list[Repeated], run: PeerRun, least: float) -> str:
    """Of a peer only where it simulated every one of `layers`."""
    found = {one.repeated: one.cycles for one in run.measured}
    if not all(each in found for each in layers):
        return "not run"
    return _sum_cell(sum(each.count * found[each] for each in layers), least)


def _sum_cell(cycles: float, least: float) -> str:
    return f"{short(cycles)} ({least / cycles:.0%})"


def why_table(own: dict[str, DenseForward], run: PeerRun, dataflow: str) -> str:
    """What makes the use of the PEs of SCALE-Sim, and where the cycles of our PEs went.

    Of the systolic array: share of PEs filled in the mean fold, share of time in which a fold streams, their
    product, and the use that SCALE-Sim reported. Of sparsesim: shares of the cycles of a PE.
    """
    shares = ("PEs filled", "streaming", "product", "SCALE-Sim reports")
    header = ["layer", *shares, *(f"sparsesim {state}" for state in _STATES)]
    return table(header, [_why_row(own[one.repeated.names[0]], one, dataflow) for one in run.measured])


def _why_row(own: DenseForward, one: MeasuredLayer, dataflow: str) -> list[str]:
    layer = one.repeated.layer
    filled, streaming = systolic.filled(layer, dataflow), systolic.streaming(layer, dataflow)
    shares = (filled, streaming, filled * streaming, one.pe_utilization)
    time = sum(own.causes[state] for state in _STATES)
    return [
        one.repeated.names[0],
        *(f"{share:.1%}" for share in shares),
        *(f"{own.causes[state] / time:.1%}" for state in _STATES),
    ]


def closed_form_sentence(layers: tuple[Repeated, ...], run: PeerRun, dataflow: str) -> str:
    """All dataflows in closed form, and how far SCALE-Sim's cycles are from it in the one that was run."""
    forms = ", ".join(
        f"{title} {short(systolic.network_cycles(layers, name))}"
        for name, title in systolic.DATAFLOWS.items()
    )
    apart = max(
        (abs(one.cycles - systolic.cycles(one.repeated.layer, dataflow)) for one in run.measured), default=0
    )
    return (
        f"In closed form the layers take on {systolic.ROWS} x {systolic.COLUMNS} PEs: {forms} cycles. "
        f"SCALE-Sim's counts ({systolic.DATAFLOWS[dataflow]}) differ from it by at most {apart} cycles a "
        f"layer."
    )
