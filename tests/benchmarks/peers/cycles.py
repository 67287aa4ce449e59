"""Forward cycles of one dense sample side by side, layer by layer, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks.peers import systolic
from tests.benchmarks.peers.layers import PES, Repeated
from tests.benchmarks.peers.markdown import short, table
from tests.benchmarks.peers.measurement import MeasuredLayer, PeerRun
from tests.benchmarks.peers.own import DenseForward

Own = dict[str, DenseForward]


def layer_table(
    layers: tuple[Repeated, ...], batch: int, own: Own, in_batch: Own, runs: list[PeerRun]
) -> str:
    """A row for each shape: least cycles, then cycles (use of the PEs) of every simulator, one layer of it.

    own: FC layers on one sample; in_batch: on `batch` samples, per sample.
    """
    measured = [{one.repeated: one for one in run.measured} for run in runs]
    header = [
        "layer", "shapes", "least, nominal", "least, dense", "sparsesim", f"sparsesim, FC in batches of {batch}",
        *(f"{run.peer} {run.setting}".strip() for run in runs),
    ]  # fmt: skip
    rows = [
        [
            f"{each.names[0]}{f' (x {each.count})' if each.count > 1 else ''}",
            _shape(each),
            short(each.layer.least_cycles),
            short(own[each.names[0]].dense_macs / PES),
            _own_cell(own[each.names[0]]),
            _own_cell(in_batch[each.names[0]]),
            *(_peer_cell(found.get(each)) for found in measured),
        ]
        for each in layers
    ]
    return table(header, [*rows, *_totals(layers, own, in_batch, runs)])


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


def _totals(layers: tuple[Repeated, ...], own: Own, in_batch: Own, runs: list[PeerRun]) -> list[list[str]]:
    """Sums of convolutions, of FC layers and of both, each shape as often as it occurs."""
    kinds = (("convolutions", ("conv",)), ("fully connected", ("fc",)), ("together", ("conv", "fc")))
    rows = []
    for title, wanted in kinds:
        chosen = [each for each in layers if each.layer.kind in wanted]
        if chosen:
            rows.append(_total(title, chosen, own, in_batch, runs))
    return rows


def _total(title: str, chosen: list[Repeated], own: Own, in_batch: Own, runs: list[PeerRun]) -> list[str]:
    names = [name for each in chosen for name in each.names]
    nominal = sum(each.count * each.layer.least_cycles for each in chosen)
    dense = sum(own[name].dense_macs for name in names) / PES
    cells = [_sum_cell(sum(of[name].cycles for name in names), dense) for of in (own, in_batch)]
    for run in runs:
        found = {one.repeated: one.cycles for one in run.measured}
        whole = all(each in found for each in chosen)
        cells.append(
            _sum_cell(sum(each.count * found[each] for each in chosen), nominal) if whole else "not run"
        )
    return [f"**{title}**", "", short(nominal), short(dense), *cells]


def _sum_cell(cycles: float, least: float) -> str:
    return f"{short(cycles)} ({least / cycles:.0%})"


def why_table(layers: tuple[Repeated, ...], own: Own, run: PeerRun, dataflow: str) -> str:
    """What makes the use of the PEs of SCALE-Sim, and where the cycles of our PEs went.

    Of the systolic array: share of PEs filled in the mean fold, share of time in which a fold streams, their
    product, and the use that SCALE-Sim reported. Of sparsesim: shares of the cycles of a PE.
    """
    states = ("busy", "imbalance", "buffer", "ppu", "dispatch")
    header = [
        "layer", "PEs filled", "streaming", "product", "SCALE-Sim reports", *(f"sparsesim {s}" for s in states)
    ]  # fmt: skip
    rows = []
    for one in _of(run, layers):
        layer, causes = one.repeated.layer, own[one.repeated.names[0]].causes
        shares = systolic.filled(layer, dataflow), systolic.streaming(layer, dataflow)
        time = sum(causes[state] for state in states)
        rows.append(
            [
                one.repeated.names[0],
                *(f"{share:.1%}" for share in (*shares, shares[0] * shares[1], one.pe_utilization)),
                *(f"{causes[state] / time:.1%}" for state in states),
            ]
        )
    return table(header, rows)


def _of(run: PeerRun, layers: tuple[Repeated, ...]) -> Iterable[MeasuredLayer]:
    return (one for one in run.measured if one.repeated in layers)


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
        f"SCALE-Sim's counts ({systolic.DATAFLOWS[dataflow]}) differ from it by at most {apart} cycles a layer."
    )
