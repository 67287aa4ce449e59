"""A virtual environment for each peer, made once and used again.

Their requirements exclude each other, and ours.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers.children import NotRunError, run_child

INSTALL_SECONDS = 1800.0


@dataclass(frozen=True)
class Peer:
    """A simulator as it is installed: its name, what pip is told, and a module that must be importable."""

    name: str
    requirements: tuple[str, ...]
    module: str


SCALE_SIM = Peer("SCALE-Sim 3.0.0", ("scalesim==3.0.0", "numpy<2.3"), "scalesim.scale_sim")
# ZigZag imports six without requiring it.
ZIGZAG = Peer("ZigZag 3.9.1", ("zigzag-dse==3.9.1", "six"), "zigzag.api")


def python_of(peer: Peer, environments: Path) -> Path:
    """The interpreter of the environment of `peer`, which is made if it is not there or not whole.

    NotRunError saying which step failed.
    """
    folder = environments / peer.requirements[0].replace("==", "-")
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        _step("venv", [sys.executable, "-m", "venv", "--clear", folder], environments)
        _step("pip", [python, "-m", "pip", "install", "--quiet", *peer.requirements], environments)
        _step("import", [python, "-c", f"import {peer.module}"], environments)
        complete.touch()
    return python


def _step(name: str, command: list[str | Path], folder: Path) -> None:
    try:
        run_child(command, folder, INSTALL_SECONDS)
    except NotRunError as reason:
        raise NotRunError(f"could not be installed ({name}): {reason}") from None
