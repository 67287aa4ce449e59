"""sparsesim beside other simulators, in one run: `python -m tests.benchmarks.peers` (hours; --quick: minutes).

SCALE-Sim and ZigZag are installed into virtual environments of their own. Prints Markdown, for
docs/performance.md; what could not be run stands in it with the reason.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.peers import costs, cycles, own, scalesim, systolic, zigzag
from tests.benchmarks.peers.abilities import ABILITIES
from tests.benchmarks.peers.arguments import Arguments, read_arguments
from tests.benchmarks.peers.children import Cost, NotRunError
from tests.benchmarks.peers.environments import SCALE_SIM, ZIGZAG, Peer, python_of
from tests.benchmarks.peers.layers import PeerLayer, Repeated, repeated_layers
from tests.benchmarks.peers.markdown import table
from tests.benchmarks.peers.measurement import PeerRun, Simulate, measure, not_run
from workloads.catalog import load_network

BATCH = 32
"""The default of `run`: fully connected layers take the samples of a batch as columns."""
DATASET = "imagenet"


def main() -> None:
    """Measure and print."""
    asked = read_arguments()
    layers = {
        network: repeated_layers(load_network(network, DATASET), asked.first_layers)
        for network in asked.networks
    }
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        own.simulate("resnet18", scratch / "warm")  # compiles the kernels
        steps = {network: own.training_step(network, scratch / "step", asked.times) for network in layers}
        single = {network: own.dense_forward(network, scratch / "single", 1) for network in layers}
        batch = {network: own.dense_forward(network, scratch / "batch", BATCH) for network in layers}
        runs = [run for network in layers for run in _peers(asked, network, layers[network], scratch)]
    _print(asked, layers, steps, single, batch, runs)
    if asked.json_file:
        found = {"training_steps": steps, "dense_forward": single, "peers": runs}
        asked.json_file.write_text(json.dumps(found, default=asdict, indent=1) + "\n")


def _peers(asked: Arguments, network: str, layers: tuple[Repeated, ...], scratch: Path) -> list[PeerRun]:
    """SCALE-Sim in every dataflow asked for, then ZigZag."""
    dataflows = asked.dataflows or (systolic.fastest(layers),)
    runs = []
    for dataflow in dataflows:
        simulate = functools.partial(_scalesim, dataflow)
        runs.append(_peer(asked, SCALE_SIM, network, systolic.DATAFLOWS[dataflow], simulate, layers, scratch))
    runs.append(_peer(asked, ZIGZAG, network, "", zigzag.simulate, layers, scratch))
    return runs


def _scalesim(
    dataflow: str, python: Path, name: str, layer: PeerLayer, folder: Path, timeout_seconds: float
) -> tuple[Cost, scalesim.Report]:
    return scalesim.simulate(python, name, layer, dataflow, folder, timeout_seconds)


def _peer(
    asked: Arguments,
    peer: Peer,
    network: str,
    setting: str,
    simulate: Simulate,
    layers: tuple[Repeated, ...],
    scratch: Path,
) -> PeerRun:
    try:
        python = python_of(peer, asked.environments)
    except NotRunError as reason:
        return not_run(peer.name, network, str(reason))
    folder = scratch / peer.module / network / (setting or "one")
    return measure(peer.name, network, setting, simulate, python, layers, folder, asked.timeout_seconds)


def _print(
    asked: Arguments,
    layers: dict[str, tuple[Repeated, ...]],
    steps: dict[str, own.TrainingStep],
    single: dict[str, dict[str, own.DenseForward]],
    batch: dict[str, dict[str, own.DenseForward]],
    runs: list[PeerRun],
) -> None:
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {DATASET}; ",
        end="",
    )
    print(
        f"peers: {'all layers' if asked.first_layers is None else f'first {asked.first_layers} layers only'}\n"
    )
    print(costs.cost_table(steps, runs), end="\n\n")
    print(*costs.ratio_sentences(steps, runs), sep="\n")
    for network in layers:
        print(f"\n{network}, forward, one sample, dense: cycles (use of the PEs)\n")
        of_network = [run for run in runs if run.network == network]
        print(cycles.layer_table(layers[network], BATCH, single[network], batch[network], of_network))
        for run in of_network:
            _print_why(layers[network], single[network], run)
    print("\n" + table(ABILITIES[0], ABILITIES[1:]))
    for run in runs:
        print(*(f"\nnot run: {run.peer}, {run.network}, {reason}" for reason in run.reasons), sep="", end="")
    print(file=sys.stdout)


def _print_why(layers: tuple[Repeated, ...], single: dict[str, own.DenseForward], run: PeerRun) -> None:
    dataflow = next((name for name, title in systolic.DATAFLOWS.items() if title == run.setting), None)
    if dataflow and run.measured:
        print(f"\n{cycles.closed_form_sentence(layers, run, dataflow)}\n")
        print(cycles.why_table(layers, single, run, dataflow))


if __name__ == "__main__":
    main()
