"""Which simulator made a number: its version and a digest of its sources."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata, resources

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
_MODULES = ("own_network.py", "request.py", "simulation.py", "traced_network.py", "workload.py")
_STUDY_MODULES = ("resolve.py", "simulations.py", "records.py", "tasks.py", "figures.py")
# Random streams and compiled arithmetic are theirs.
_LIBRARIES = ("numpy", "numba")
_SUFFIXES = (".py", ".yaml", ".json")


@cache
def code_digest() -> str:
    """Of the simulator that is running: VERSION+DIGEST, 16 digits of a SHA-256."""
    found = hashlib.sha256()
    for package in _PACKAGES:
        _add(resources.files(package), package, found)
    for module in _MODULES:
        found.update(resources.files("sparsesim").joinpath(module).read_bytes())
    for module in _STUDY_MODULES:
        found.update(resources.files("sparsesim.study").joinpath(module).read_bytes())
    for library in _LIBRARIES:
        found.update(f"{library} {metadata.version(library)}\0".encode())
    return f"{__version__}+{found.hexdigest()[:16]}"


def _add(folder: resources.abc.Traversable, name: str, found: hashlib._Hash) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            _add(entry, f"{name}/{entry.name}", found)
        elif entry.name.endswith(_SUFFIXES):
            found.update(f"{name}/{entry.name}\0".encode())
            found.update(entry.read_bytes())
