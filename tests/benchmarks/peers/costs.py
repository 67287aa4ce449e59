"""What the simulations cost, and the speed of each per simulated MAC."""

from __future__ import annotations

from tests.benchmarks.peers.children import Cost
from tests.benchmarks.peers.environments import SCALE_SIM
from tests.benchmarks.peers.findings import Findings
from tests.benchmarks.peers.markdown import short, table
from tests.benchmarks.peers.measurement import PeerRun
from tests.benchmarks.peers.own import TrainingStep

LEAST_RATIO = 100.0
"""What is aimed at: simulated MACs per CPU second over those of SCALE-Sim."""
_HEADER = (
    "network", "simulator", "what is simulated", "wall s", "CPU s", "peak MiB", "cycles", "MACs",
    "MACs per wall s", "MACs per CPU s",
)  # fmt: skip


def cost_table(findings: list[Findings]) -> str:
    """A row for each simulator and network; for sparsesim one with all and one with the useful MACs."""
    rows = []
    for found in findings:
        step = found.step
        rows.append(_own_row(found.network, step, "dense-equivalent", step.dense_macs))
        rows.append(_own_row(found.network, step, "useful MACs only", step.useful_macs))
        rows += [_peer_row(run) for run in found.runs]
    return table(_HEADER, rows)


def _own_row(network: str, step: TrainingStep, which: str, macs: float) -> list[str]:
    what = f"training step of dense, natural, pruned; {which}"
    return [network, "sparsesim", what, *_numbers(step.cost, step.cycles, macs)]


def _peer_row(run: PeerRun) -> list[str]:
    what = f"forward{', ' if run.setting else ''}{run.setting}"
    if not run.measured:
        return [run.network, run.peer, f"not run: {run.reasons[0]}", *["-"] * 7]
    return [
        run.network,
        run.peer,
        f"{what}, {len(run.names)} layers",
        *_numbers(run.cost, run.cycles, run.macs),
    ]


def _numbers(cost: Cost, cycles: float, macs: float) -> list[str]:
    wall, cpu, peak = cost.wall_seconds, cost.cpu_seconds, cost.peak_mib
    speeds = [short(macs / wall), short(macs / cpu)]
    return [f"{wall:.1f}", f"{cpu:.1f}", f"{peak:.0f}", short(cycles), short(macs), *speeds]


def speed_ratio(step: TrainingStep, run: PeerRun) -> float:
    """Useful MACs per CPU second of sparsesim's training step over forward MACs per CPU second of a peer."""
    own = step.useful_macs / step.cost.cpu_seconds
    return own / (run.macs / run.cost.cpu_seconds)


def ratio_sentences(findings: list[Findings]) -> list[str]:
    """For each network and run of SCALE-Sim whether the aim is met."""
    return [
        _ratio_sentence(run, speed_ratio(found.step, run))
        for found in findings
        for run in found.runs
        if run.measured and run.peer == SCALE_SIM.name
    ]


def _ratio_sentence(run: PeerRun, ratio: float) -> str:
    met = "met" if ratio >= LEAST_RATIO else "missed"
    return (
        f"{run.network}: a training step is simulated {ratio:,.0f} times faster per simulated MAC (useful "
        f"MACs only, CPU seconds) than the forward pass of {len(run.names)} layers by {run.peer}, "
        f"{run.setting}; aim: {LEAST_RATIO:.0f}, {met}."
    )
