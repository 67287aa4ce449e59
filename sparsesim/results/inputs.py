"""SHA-256 of everything a result depends on, so that two runs can be told apart or found equal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sparsesim.energy import EnergyTable
from sparsesim.machine import Machine, export_yaml
from workloads.network import Network
from workloads.sparsity.profile import Profile


def digest(content: str | bytes) -> str:
    """SHA-256 in hexadecimal; text as UTF-8."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def machine_digest(machine: Machine) -> str:
    """Of the complete description, however it was given."""
    return digest(export_yaml(machine))


def energy_digest(table: EnergyTable) -> str:
    """Of all rows of the table in use, defaults included."""
    return digest(_canonical(table.model_dump(mode="json")))


def network_digest(network: Network) -> str:
    """Of the layers with their numbers, shapes and connections."""
    layers = [
        (
            node.name,
            repr(node.layer),
            node.in_shapes,
            node.out_shape,
            [p.name for p in network.producers(node.name)],
        )
        for node in network.layers()
    ]
    return digest(_canonical([network.name, network.dataset, network.input_shape, layers]))


def profile_digest(profile: Profile) -> str:
    """Of every density, curve and clustering parameter: the repr has all that masks depend on."""
    return digest(repr(profile))


def file_digest(path: Path) -> str:
    """Of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
