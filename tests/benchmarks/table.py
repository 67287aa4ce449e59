"""Print the table of docs/performance.md: `python tests/benchmarks/table.py` (about two minutes)."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def _run(
    arguments: list[str], environment: dict[str, str] | None = None
) -> tuple[float, float, dict[str, Any]]:
    """(wall seconds, peak MiB of the children so far, summary) of one `python -m sparsesim run`."""
    command = [sys.executable, "-m", "sparsesim", "run", *arguments, "--json", "--no-save"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=ROOT)
    wall = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return wall, peak, json.loads(done.stdout)


def _cold() -> float:
    """Wall seconds of the very first run: no compiled kernel anywhere."""
    with tempfile.TemporaryDirectory() as cache:
        return _run(["resnet18"], {**os.environ, "NUMBA_CACHE_DIR": cache, "XDG_CACHE_HOME": cache})[0]


def _samples() -> list[tuple[int, float]]:
    return [(n, _run(["resnet18", "--samples", str(n)])[0]) for n in (1, 2, 4, 8, 16)]


def _engine_rows() -> list[tuple[str, str, float, float]]:
    """(layer, stage, row operations per second, seconds) of single stages on one core."""
    from compiler.compile import StageDensities, compile_stage
    from compiler.geometry import ConvGeometry
    from compiler.program import Stage
    from compiler.training import ConvWork
    from sparsesim.engine.kernels.layout import PE_OPERATIONS
    from sparsesim.engine.stage import run_stage
    from sparsesim.machine import load_machine
    from tests.benchmarks.test_engine_speed import LAYERS, LayerMasks, np

    target = load_machine("sparsetrain").to_target()
    rows = []
    for layer, (channels, size) in LAYERS.items():
        geometry = ConvGeometry(channels, channels, (size, size), (3, 3), padding=(1, 1))
        work = ConvWork(layer, 1, geometry, False, True, True, True, "none", False)
        rng = np.random.default_rng(0)
        inputs = rng.random((channels, size, size)) < 0.5
        masks = LayerMasks(inputs, rng.random((channels, size, size)) < 0.3, inputs)
        for stage in (Stage.FORWARD, Stage.GTA, Stage.GTW):
            program = compile_stage(work, stage, target, 32, StageDensities(0.5, 0.3, 0.5)).program
            outcome = run_stage(program, masks)
            best = float("inf")
            for _ in range(5):
                started = time.perf_counter()
                run_stage(program, masks)
                best = min(best, time.perf_counter() - started)
            done = int(outcome.counts[PE_OPERATIONS])
            rows.append((layer, stage.value, done / best, best))
    return rows


def main() -> None:
    """Measure and print."""
    from tests.benchmarks.bound import words_per_second

    cold = _cold()
    wall, peak, summary = min((_run(["resnet18"]) for _ in range(3)), key=lambda r: r[0])
    cycles = sum(run["cycles"]["with_dram"] for run in summary["runs"].values())
    macs = 3 * summary["runs"]["dense"]["dense_macs"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | measured |\n|---|---|")
    print(f"| `run resnet18 --no-save` (ImageNet, 1 sample), first ever, with compilation | {cold:.1f} s |")
    print(f"| the same, warm, best of 3 (whole process) | {wall:.1f} s |")
    print(f"| peak memory | {peak:.0f} MiB |")
    print(f"| simulated cycles per second (three runs, whole process) | {cycles / wall:,.0f} |")
    print(f"| dense-equivalent MACs per second | {macs / wall:,.0f} |")
    for n, seconds in _samples():
        print(f"| `--samples {n}` | {seconds:.1f} s |")
    bound = words_per_second()
    print(f"\nbound: {bound:,.0f} row-operation words per second and core (one AND + popcount each)\n")
    print("| layer | stage | row operations/s, one core | of the bound | seconds |\n|---|---|---|---|---|")
    for layer, stage, rate, seconds in _engine_rows():
        print(f"| {layer} | {stage} | {rate:,.0f} | {rate / bound:.1%} | {seconds:.4f} |")


if __name__ == "__main__":
    main()
