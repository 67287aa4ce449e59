"""Random whole programs on random small machines, and masks for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.compile import compile_stage
from compiler.mapping.infeasible import MappingError
from compiler.program import Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork
from tests.builders import inputs_broadcast_program, layer_program, random_layer, random_machine
from workloads.sparsity.masks import LayerMasks

DENSITIES = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)
# Stages, and the operand that is broadcast.
FORMS = ((Stage.FORWARD, "dO"), (Stage.GTA, "dO"), (Stage.GTW, "dO"), (Stage.GTW, "I"))
STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)


def hand_made_program(form: tuple[Stage, str], rng: np.random.Generator) -> StageProgram:
    """Row blocks, chunks and tiles of any size, also such as the mapper would not choose. form: of FORMS."""
    target, geometry = random_machine(rng), random_layer(rng)
    return layer_program(
        geometry,
        form[0],
        target,
        rows=int(rng.integers(1, 4)),
        columns=int(rng.integers(1, 9)),
        chunk=[None, 1, 2][rng.integers(3)],
        tiles=int(rng.integers(1, 3)),
        broadcast=form[1],
    )


def compiled_program(stage: Stage, rng: np.random.Generator) -> StageProgram | None:
    """What the compiler makes of a random layer, also several tiles and, in GTW, several samples in a job.

    None where the layer does not fit the machine.
    """
    target = _with_some_buffer(rng)
    work = ConvWork("layer", 1, random_layer(rng), False, True, True, bool(rng.integers(2)), "none", False)
    try:
        return compile_stage(work, stage, target, 4, samples=4).program
    except MappingError:
        return None


def any_inputs_broadcast_program(rng: np.random.Generator) -> StageProgram | None:
    """GTW with I broadcast, not only where the mapper prefers it; None where nothing fits the machine."""
    target = _with_some_buffer(rng)
    return inputs_broadcast_program(random_layer(rng), target, rng)


def _with_some_buffer(rng: np.random.Generator) -> Target:
    return replace(random_machine(rng), buffer_bytes=int(rng.choice([600, 2000, 100_000])))


def random_layer_masks(program: StageProgram, rng: np.random.Generator) -> LayerMasks:
    """Random masks, clustered by channel, now and then without a ReLU mask."""
    g, samples = program.geometry, program.samples

    def draw(channels: int, rows: int, columns: int) -> NDArray[np.bool_]:
        density = rng.choice(DENSITIES, (channels, 1, 1)) if rng.random() < 0.5 else rng.choice(DENSITIES)
        return rng.random((channels, rows, columns)) < density

    inputs = draw(g.in_channels, samples * g.in_size[0], g.in_size[1])
    grads = draw(g.out_channels, samples * g.out_size[0], g.out_size[1])
    return LayerMasks(inputs, grads, inputs if samples == 1 and rng.random() < 0.7 else None)
