"""Which simulator made a number: its version and a digest of its sources."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from sparsesim import __version__

# All that a number depends on. How studies are kept and how results look is not in it.
_PACKAGES = (
    "workloads",
    "compiler",
    "sparsesim.machine",
    "sparsesim.engine",
    "sparsesim.energy",
    "sparsesim.results",
)
_MODULES = ("request.py", "workload.py", "simulation.py", "study/simulations.py", "study/figures.py")
_SUFFIXES = (".py", ".yaml", ".json")


@cache
def code_digest() -> str:
    """ "VERSION+DIGEST" of the simulator that is running; 16 digits of a SHA-256."""
    found = hashlib.sha256()
    for package in _PACKAGES:
        _add(resources.files(package), package, found)
    for module in _MODULES:
        found.update(resources.files("sparsesim").joinpath(module).read_bytes())
    return f"{__version__}+{found.hexdigest()[:16]}"


def _add(folder: resources.abc.Traversable, name: str, found: hashlib._Hash) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            _add(entry, f"{name}/{entry.name}", found)
        elif entry.name.endswith(_SUFFIXES):
            found.update(f"{name}/{entry.name}\0".encode())
            found.update(entry.read_bytes())
