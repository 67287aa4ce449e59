"""The manifest of a run folder: with what, from what and how a result was made."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

from sparsesim.results.model import Result

SCHEMA = "sparsesim-manifest/1"
# What a number can depend on; everything else only draws or prints.
PACKAGES = ("sparsesim", "numpy", "numba", "llvmlite", "networkx", "pydantic", "ruamel.yaml")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages the numbers depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def manifest(
    result: Result,
    *,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, str],
    argv: Sequence[str],
    started: datetime,
) -> dict[str, Any]:
    """The manifest. Two runs of the same inputs on the same computer differ in "volatile" only.

    arguments: what was asked for, JSON values. inputs: SHA-256 by input. started: aware, UTC.
    """
    return {
        "schema": SCHEMA,
        "network": result.network,
        "dataset": result.dataset,
        "seed": result.seed,
        "arguments": dict(arguments),
        "inputs_sha256": dict(inputs),
        "machine": result.machine.model_dump(mode="json"),
        "versions": versions(),
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "implementation": platform.python_implementation(),
            "byte_order": sys.byteorder,
        },
        "volatile": {
            "started_utc": started.isoformat(timespec="seconds"),
            "wall_seconds": result.wall_seconds,
            "argv": list(argv),
        },
    }
