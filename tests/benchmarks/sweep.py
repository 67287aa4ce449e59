"""What a sweep costs beside its simulations, and whether its memory is flat.

    python -m tests.benchmarks.sweep [POINTS]             time, 200 points of ResNet-18
    python -m tests.benchmarks.sweep memory [POINTS]      memory, 2,000 points on 500 machines, AlexNet

Runs a study of POINTS machines (default 200) of a CIFAR network with one local worker and with two, and
prints the wall time, the share of the cores' time that went into simulating, and the memory of all processes
over time. Simulating is the processor time that workers spend in simulations (planning, masks, engine);
everything else is what the sweep costs: starting, preparing points, Dask, evaluating, storing, drawing.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from sparsesim import load_study

NETWORK, DATASET = "resnet18", "cifar10"
SAMPLE_SECONDS = 1.0
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Measured:
    """One sweep. memory_mebibytes: of the client and of its largest worker, once a second."""

    workers: int
    points: int
    wall_seconds: float
    simulating_seconds: float
    memory_mebibytes: Sequence[tuple[float, float]]

    @property
    def share(self) -> float:
        """Simulating over the time of the cores that the workers have, from start to end of the process."""
        return self.simulating_seconds / (self.wall_seconds * self.workers)


def machines(points: int) -> list[str]:
    """Options that vary machines only, so that no two points share a simulation."""
    kilobytes = [192 + 2 * step for step in range(-(-points // 20))]
    return [
        "--vary", "groups=14,28,42,56,84",
        "--vary", "banks=4,8",
        "--vary", "pes_per_group=2,3",
        "--vary", f"kilobytes={','.join(map(str, kilobytes))}",
    ]  # fmt: skip


def measure(workers: int, points: int, network: str = NETWORK, *, shared: Sequence[str] = ()) -> Measured:
    """Run a sweep of `points` machines (a multiple of 20) in a process of its own.

    shared: options that vary more than the machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study"
        command = [
            sys.executable, "-m", "sparsesim", "sweep", "--networks", network, "--datasets", DATASET,
            *machines(points), *shared, "--workers", str(workers), "--out", str(out),
        ]  # fmt: skip
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        memory = _watch(process)
        wall = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"the sweep ended with status {process.returncode}")
        frame = load_study(out)
        assert set(frame["status"]) == {"done"}
        with sqlite3.connect(out / "index.sqlite") as index:
            (simulating,) = index.execute("SELECT sum(seconds) FROM simulations").fetchone()
        return Measured(workers, len(frame), wall, simulating, memory)


def _watch(process: subprocess.Popen[bytes]) -> list[tuple[float, float]]:
    found = []
    client = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            workers = [child.memory_info().rss for child in client.children(recursive=True)]
            found.append((client.memory_info().rss / MEBIBYTE, max(workers, default=0) / MEBIBYTE))
        except psutil.NoSuchProcess:
            pass
        time.sleep(SAMPLE_SECONDS)
    return found


def memory(points: int) -> None:
    """Print the memory of a long sweep over time: every machine with two pruning rates and two energies."""
    shared = ["--vary", "prune=0.7,0.9", "--vary", "energy.mac_int16.compute=0.1,0.2"]
    found = measure(2, points // 4, "alexnet", shared=shared)
    print(f"{found.points:,} points in {found.wall_seconds:.0f} s")
    _print_memory(found)


def _print_memory(found: Measured) -> None:
    print("memory of the client / of the largest worker, MiB, by share of the time:")
    for percent in (5, 10, 25, 50, 75, 95):
        client, worker = found.memory_mebibytes[len(found.memory_mebibytes) * percent // 100]
        print(f"  {percent:2} %  {client:.0f} / {worker:.0f}")


def main(points: int) -> None:
    """Print the table."""
    alone, two = measure(1, points), measure(2, points)
    for found in (alone, two):
        print(
            f"{found.workers} worker{'s' if found.workers > 1 else ' '}  {found.points} points  "
            f"{found.wall_seconds:6.1f} s  {found.share:.1%} simulating"
        )
    print(f"two workers are {alone.wall_seconds / two.wall_seconds:.2f} times one")
    _print_memory(two)


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        memory(int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
