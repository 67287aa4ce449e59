"""Everything that is measured for one network."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import own, scalesim, systolic, zigzag
from tests.benchmarks.peers.arguments import Arguments
from tests.benchmarks.peers.children import Cost, NotRunError
from tests.benchmarks.peers.environments import SCALE_SIM, ZIGZAG, Peer, python_of
from tests.benchmarks.peers.layers import PeerLayer, Repeated, repeated_layers
from tests.benchmarks.peers.measurement import PeerRun, Simulate, measure, not_run
from workloads.catalog import load_network

BATCH = 32
"""The default of `run`: fully connected layers take the samples of a batch as columns."""
DATASET = "imagenet"


@dataclass(frozen=True)
class Findings:
    """A network: the layers that peers simulated, our training step, our dense forward pass, their runs.

    single, batch: the fully connected layers on one sample, and on BATCH samples, per sample.
    """

    network: str
    layers: tuple[Repeated, ...]
    step: own.TrainingStep
    single: dict[str, own.DenseForward]
    batch: dict[str, own.DenseForward]
    runs: tuple[PeerRun, ...]


def find(network: str, asked: Arguments, folder: Path) -> Findings:
    """Measure one network, everything one after the other."""
    layers = repeated_layers(load_network(network, DATASET), asked.first_layers)
    return Findings(
        network,
        layers,
        own.training_step(network, folder / "step", asked.times),
        own.dense_forward(network, folder / "single", 1),
        own.dense_forward(network, folder / "batch", BATCH),
        _peers(asked, network, layers, folder),
    )


def _peers(asked: Arguments, network: str, layers: tuple[Repeated, ...], folder: Path) -> tuple[PeerRun, ...]:
    """SCALE-Sim in every dataflow asked for, then ZigZag."""
    runs = []
    for dataflow in asked.dataflows or (systolic.fastest(layers),):
        simulate = functools.partial(_scalesim, dataflow)
        runs.append(_peer(asked, SCALE_SIM, network, systolic.DATAFLOWS[dataflow], simulate, layers, folder))
    runs.append(_peer(asked, ZIGZAG, network, "", zigzag.simulate, layers, folder))
    return tuple(runs)


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
    folder: Path,
) -> PeerRun:
    try:
        python = python_of(peer, asked.environments)
    except NotRunError as reason:
        return not_run(peer.name, network, str(reason))
    scratch = folder / peer.module / (setting or "one")
    return measure(peer.name, network, setting, simulate, python, layers, scratch, asked.timeout_seconds)
