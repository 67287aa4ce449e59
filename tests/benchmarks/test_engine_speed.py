"""How fast is the engine? Run with `python -m pytest tests/benchmarks --benchmark-enable -n 0`; otherwise
each runs once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compiler.compile import StageDensities, compile_stage
from compiler.geometry import ConvGeometry
from compiler.program import Stage
from compiler.training import ConvWork
from sparsesim.engine.kernels.layout import PE_OPERATIONS
from sparsesim.engine.stage import run_stage
from sparsesim.machine import load_machine
from tests.benchmarks.bound import words_per_second
from workloads.sparsity.masks import LayerMasks

LAYERS = {"layer1": (64, 56), "layer2": (128, 28), "layer3": (256, 14), "layer4": (512, 7)}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("stage", [Stage.FORWARD, Stage.GTA, Stage.GTW])
def test_stage(benchmark: Any, stage: Stage, layer: str) -> None:
    """One 3x3 layer of ResNet-18 / ImageNet, I at density .5, dO at .3; extra_info gives row operations
    per second.
    """
    channels, size = LAYERS[layer]
    geometry = ConvGeometry(channels, channels, (size, size), (3, 3), padding=(1, 1))
    work = ConvWork(layer, 1, geometry, False, True, True, True, "none", False)
    target = load_machine("sparsetrain").to_target()
    program = compile_stage(work, stage, target, 32, StageDensities(0.5, 0.3, 0.5)).program
    rng = np.random.default_rng(0)
    inputs = rng.random((channels, size, size)) < 0.5
    masks = LayerMasks(inputs, rng.random((channels, size, size)) < 0.3, inputs)
    run_stage(program, masks)
    outcome = benchmark(run_stage, program, masks)
    assert outcome.cycles > 0
    if benchmark.stats is not None:
        done = int(outcome.counts[PE_OPERATIONS])
        benchmark.extra_info["row_operations_per_second"] = done / benchmark.stats["median"]
        benchmark.extra_info["bound_words_per_second"] = words_per_second()
