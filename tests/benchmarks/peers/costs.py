"""What the simulations cost, and the speed of each per simulated MAC."""

from __future__ import annotations

from tests.benchmarks.peers.children import Cost
from tests.benchmarks.peers.markdown import short, table
from tests.benchmarks.peers.measurement import PeerRun
from tests.benchmarks.peers.own import TrainingStep

LEAST_RATIO = 100.0
"""What is aimed at: simulated MACs per CPU second over those of SCALE-Sim."""
_HEADER = (
    "network", "simulator", "what is simulated", "wall s", "CPU s", "peak MiB", "cycles", "MACs",
    "MACs per wall s", "MACs per CPU s",
)  # fmt: skip


def cost_table(steps: dict[str, TrainingStep], runs: list[PeerRun]) -> str:
    """A row for each simulator and network; for sparsesim one with all and one with the useful MACs."""
    rows = []
    for network, step in steps.items():
        rows += [_own_row(network, step, "dense-equivalent", step.dense_macs)]
        rows += [_own_row(network, step, "useful MACs only", step.useful_macs)]
        rows += [_peer_row(run) for run in runs if run.network == network]
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


def ratio_sentences(steps: dict[str, TrainingStep], runs: list[PeerRun]) -> list[str]:
    """For each network and run of SCALE-Sim whether the aim is met."""
    sentences = []
    for run in runs:
        if not run.measured or not run.peer.startswith("SCALE-Sim"):
            continue
        ratio = speed_ratio(steps[run.network], run)
        met = "met" if ratio >= LEAST_RATIO else "MISSED"
        sentences.append(
            f"{run.network}, {run.setting}: a training step is simulated {ratio:,.0f} times faster per simulated "
            f"MAC (useful MACs only, CPU seconds) than the forward pass of {len(run.names)} layers by {run.peer}; "
            f"aim {LEAST_RATIO:.0f}: {met}."
        )
    return sentences
