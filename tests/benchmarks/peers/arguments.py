"""What is asked on the command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers.systolic import DATAFLOWS

NETWORKS = ("alexnet", "resnet18")
QUICK_LAYERS = 2


@dataclass(frozen=True)
class Arguments:
    """first_layers: peers simulate only that many layers of each network; None: all of them.

    dataflows: of SCALE-Sim; empty: for each network the one with the fewest cycles in closed form.
    timeout_seconds: wall time of one peer on one network.
    """

    networks: tuple[str, ...]
    dataflows: tuple[str, ...]
    first_layers: int | None
    environments: Path
    json_file: Path | None
    timeout_seconds: float
    times: int


def read_arguments(words: list[str] | None = None) -> Arguments:
    """The arguments; argparse ends the program for wrong ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument(
        "--dataflows",
        nargs="+",
        choices=tuple(DATAFLOWS),
        default=(),
        help="of SCALE-Sim; default: for each network the one with the fewest cycles in closed form",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"peers simulate the first {QUICK_LAYERS} layers of each network only",
    )
    parser.add_argument(
        "--environments",
        type=Path,
        default=_cache(),
        metavar="DIR",
        help="virtual environments of the peers, made if not there (default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything measured")
    parser.add_argument(
        "--timeout",
        type=float,
        default=7200.0,
        metavar="SECONDS",
        help="wall time of one peer on one network; what it leaves is reported as not run",
    )
    parser.add_argument("--times", type=int, default=3, help="runs of sparsesim, of which medians are taken")
    given = parser.parse_args(words)
    return Arguments(
        tuple(given.networks),
        tuple(given.dataflows),
        QUICK_LAYERS if given.quick else None,
        given.environments.resolve(),
        given.json,
        given.timeout,
        given.times,
    )


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "sparsesim-peers"
