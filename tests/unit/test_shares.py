"""Does a batch pay exactly once for what its samples share?"""

from __future__ import annotations

import numpy as np
import pytest

from compiler.compile import compile_stage
from compiler.geometry import ConvGeometry
from compiler.program import Stage, Transfer
from compiler.training import ConvWork
from sparsesim.engine.traffic import tile_transfers
from sparsesim.machine import load_machine
from workloads.sparsity.masks import LayerMasks

GEOMETRY = ConvGeometry(16, 24, (7, 7), (3, 3), padding=(1, 1))
WORK = ConvWork("layer", 1, GEOMETRY, False, True, True, False, "none", False)
TARGET = load_machine("sparsetrain").to_target()
WEIGHTS = 24 * 16 * 9


def _paid_by_a_batch(stage: Stage, batch: int, tensor: str) -> float:
    """How often the batch moves the tensor's channels x second channels as a whole."""
    program = compile_stage(WORK, stage, TARGET, batch, samples=8).program
    moved: list[Transfer] = [t for tile in program.tiles for t in (*tile.loads, *tile.stores)]
    boxes = [t for t in moved if t.tensor == tensor]
    once = sum((t.channels[1] - t.channels[0]) * (t.rows[1] - t.rows[0]) / t.share for t in boxes)
    return once * 9 * (batch / program.samples) / WEIGHTS


@pytest.mark.parametrize("batch", [1, 2, 3, 6, 7, 8, 12, 20, 32])
def test_a_batch_moves_its_weights_once(batch: int) -> None:
    """A layer whose weights stay: W for Forward and GTA, dW for GTW, over any number of samples a job."""
    assert _paid_by_a_batch(Stage.FORWARD, batch, "W") == pytest.approx(1)
    assert _paid_by_a_batch(Stage.GTA, batch, "W") == pytest.approx(1)
    assert _paid_by_a_batch(Stage.GTW, batch, "dW") == pytest.approx(1)


@pytest.mark.parametrize("batch", [2, 3, 8, 32])
def test_gradients_are_stored_in_full_width_by_the_batch(batch: int) -> None:
    """The bytes of all tiles of a batch's GTW programs are those of 32-bit sums, rounded up tile by tile."""
    program = compile_stage(WORK, Stage.GTW, TARGET, batch, samples=8).program
    inputs = np.ones((16, program.samples * 7, 7), bool)
    masks = LayerMasks(inputs, np.ones((24, program.samples * 7, 7), bool), None)
    stored = sum(store for _, store in tile_transfers(program, masks)) * batch / program.samples
    assert 4 * WEIGHTS <= stored <= 4 * WEIGHTS + batch * len(program.tiles)
