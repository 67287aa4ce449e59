"""Random masks for whole programs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.program import StageProgram
from workloads.sparsity.masks import LayerMasks

DENSITIES = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)


def random_layer_masks(program: StageProgram, rng: np.random.Generator) -> LayerMasks:
    """Random masks, clustered by channel, now and then without a ReLU mask."""
    g, samples = program.geometry, program.samples

    def draw(channels: int, rows: int, columns: int) -> NDArray[np.bool_]:
        density = rng.choice(DENSITIES, (channels, 1, 1)) if rng.random() < 0.5 else rng.choice(DENSITIES)
        return rng.random((channels, rows, columns)) < density

    inputs = draw(g.in_channels, samples * g.in_size[0], g.in_size[1])
    grads = draw(g.out_channels, samples * g.out_size[0], g.out_size[1])
    return LayerMasks(inputs, grads, inputs if samples == 1 and rng.random() < 0.7 else None)
