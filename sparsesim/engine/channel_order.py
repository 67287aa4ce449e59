"""Channels across the groups in order of density (policy.channel_order, docs/microarchitecture.md section 2).

The groups of a cluster wait for the one with the densest channel, so channels of like density shall share a
cluster. Jobs take consecutive channels: renumbering the channels of the masks is the same as jobs that name
channels by their place in the order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.program import RowOperation, Stage, StageProgram
from compiler.target import DENSITY_ORDER
from sparsesim.engine.channels import ChannelDensities, Densities
from workloads.sparsity.masks import LayerMasks

Order = NDArray[np.int64]


def orders_channels(program: StageProgram, masks: LayerMasks) -> bool:
    """Whether the machine takes the channels of this program in another order than their own.

    In Forward, and in GTA without a ReLU mask, no group's work depends on its own channel.
    """
    if program.target.channel_order != DENSITY_ORDER or program.stage is Stage.FORWARD:
        return False
    return program.stage is Stage.GTW or (program.target.mask_skipping and masks.grad_input_mask is not None)


def by_density(densities: Densities, groups: int) -> Order:
    """Channel numbers, the densest first, equals in their own order; within each convolution group.

    The longest jobs of a tile come first so, and the last ones even out what is left.
    """
    parts = densities.reshape(groups, -1)
    starts = np.arange(groups)[:, None] * parts.shape[1]
    return np.asarray((np.argsort(-parts, axis=1, kind="stable") + starts).reshape(-1))


def renumbered(masks: LayerMasks, program: StageProgram, densities: ChannelDensities) -> LayerMasks:
    """The masks with the channels across the groups in order of these densities (orders_channels holds).

    masks: of one sample, or of several stacked by rows.
    """
    groups = program.geometry.groups
    if program.ch0_pattern is RowOperation.SRC:
        order = by_density(densities.grad_output, groups)
        return LayerMasks(masks.input, masks.grad_output[order], masks.grad_input_mask)
    of_mask = densities.grad_input_mask if program.stage is Stage.GTA else None
    order = by_density(densities.input if of_mask is None else of_mask, groups)
    needed = masks.grad_input_mask
    return LayerMasks(masks.input[order], masks.grad_output, None if needed is None else needed[order])
