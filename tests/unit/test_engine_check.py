"""Does the lowered program compute its convolution, and does the check notice when it does not?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.compile import compile_stage
from compiler.geometry import ConvGeometry
from compiler.mapping.infeasible import MappingError
from compiler.program import JOB_REDUCE_COUNT, UNIT_OUT_COUNT, Stage
from compiler.training import ConvWork
from sparsesim.engine.check import WrongResult, check_stage
from tests.builders import (
    ONE_PE,
    inputs_broadcast_program,
    layer_program,
    random_layer,
    random_machine,
)
from workloads.sparsity.masks import LayerMasks

STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)


def conv_work(geometry: ConvGeometry, *, masked: bool = True) -> ConvWork:
    return ConvWork("layer", 1, geometry, False, True, True, masked, "none", False)


def masks_for(geometry: ConvGeometry, samples: int, rng: np.random.Generator, density: float) -> LayerMasks:
    inputs = rng.random((geometry.in_channels, samples * geometry.in_size[0], geometry.in_size[1])) < density
    grads = (
        rng.random((geometry.out_channels, samples * geometry.out_size[0], geometry.out_size[1])) < density
    )
    return LayerMasks(inputs, grads, inputs if samples == 1 else None)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("seed", range(40))
def test_compiled_programs_compute_their_convolution(seed: int, stage: Stage) -> None:
    rng = np.random.default_rng(seed)
    geometry, target = random_layer(rng), random_machine(rng)
    target = replace(target, buffer_bytes=int(rng.choice([600, 2000, 100_000])))
    try:
        program = compile_stage(conv_work(geometry), stage, target, 4, samples=4).program
    except MappingError:
        pytest.skip("does not fit this small machine")
    check_stage(program, masks_for(geometry, program.samples, rng, 0.6))


@pytest.mark.parametrize("seed", range(40))
def test_programs_that_broadcast_the_input_compute_weight_gradients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = replace(random_machine(rng), buffer_bytes=int(rng.choice([600, 2000, 100_000])))
    program = inputs_broadcast_program(random_layer(rng), target, rng)
    if program is None:
        pytest.skip("does not fit this small machine")
    check_stage(program, masks_for(program.geometry, program.samples, rng, 0.6))


def test_a_missing_broadcast_channel_is_noticed() -> None:
    geometry = ConvGeometry(4, 3, (5, 5), (3, 3), padding=(1, 1))
    program = layer_program(geometry, Stage.GTW, ONE_PE, broadcast="I")
    masks = masks_for(geometry, 1, np.random.default_rng(0), 1.0)
    check_stage(program, masks)
    units = program.units.copy()
    units[0, UNIT_OUT_COUNT] -= 1
    with pytest.raises(WrongResult, match="layer gtw: 9 of 108 values differ"):
        check_stage(replace(program, units=units), masks)


def test_a_missing_reduction_channel_is_noticed() -> None:
    geometry = ConvGeometry(4, 3, (5, 5), (3, 3), padding=(1, 1))
    program = compile_stage(conv_work(geometry), Stage.FORWARD, ONE_PE, 1).program
    jobs = program.jobs.copy()
    jobs[0, JOB_REDUCE_COUNT] -= 1
    masks = masks_for(geometry, 1, np.random.default_rng(0), 1.0)
    with pytest.raises(WrongResult, match=r"layer forward: \d+ of 75 values differ"):
        check_stage(replace(program, jobs=jobs), masks)
