"""One simulation in a process of its own, for scale.py: prints what it cost as JSON.

The kernels are loaded by a small network first, so that start, imports and machine code are outside the
seconds, and inside the memory of which `start_mebibytes` is the part that was there before.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import sparsesim


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(network: str, samples: int, settings: list[str]) -> dict[str, float]:
    """Processor seconds, row operations and peak memory of a simulation on one thread."""
    sparsesim.simulate("alexnet", "cifar10", threads=1)
    start_seconds, start_mebibytes = time.process_time(), _peak_mebibytes()
    result = sparsesim.simulate(network, "imagenet", samples=samples, overrides=settings, threads=1)
    return {
        "seconds": time.process_time() - start_seconds,
        "row_operations": result.engine.row_operations,
        "start_seconds": start_seconds,
        "start_mebibytes": start_mebibytes,
        "peak_mebibytes": _peak_mebibytes(),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
