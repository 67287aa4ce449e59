"""Does the machine do exactly the work there is: no product lost, none invented, and never faster than its
parts allow?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.compile import compile_stage
from compiler.geometry import ConvGeometry
from compiler.mapping.infeasible import MappingError
from compiler.program import Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.kernels.layout import BUSY, LINES_READ, REJECT, USEFUL
from sparsesim.engine.products import useful_products
from sparsesim.engine.stage import run_stage
from tests.builders import random_layer, random_machine
from workloads.sparsity.masks import LayerMasks

STAGES = st.sampled_from([Stage.FORWARD, Stage.GTA, Stage.GTW])
SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)


def _compile(
    geometry: ConvGeometry, stage: Stage, target: Target, masked: bool = True
) -> StageProgram | None:
    work = ConvWork("layer", 1, geometry, False, True, True, masked, "none", False)
    try:
        return compile_stage(work, stage, target, 2, samples=2).program
    except MappingError:
        return None


def _masks(program: StageProgram, rng: np.random.Generator, density: float) -> LayerMasks:
    g, samples = program.geometry, program.samples
    inputs = rng.random((g.in_channels, samples * g.in_size[0], g.in_size[1])) < density
    grads = rng.random((g.out_channels, samples * g.out_size[0], g.out_size[1])) < density
    return LayerMasks(inputs, grads, inputs if samples == 1 else None)


def _brute_force(program: StageProgram, masks: LayerMasks) -> int:
    """Non-zero products, one by one: every output position, tap and channel pair of every sample."""
    g, total = program.geometry, 0
    rows, columns = g.input_index(0), g.input_index(1)
    for sample in range(program.samples):
        for y, kh in np.argwhere(rows >= 0):
            for x, kw in np.argwhere(columns >= 0):
                iy, ix = sample * g.in_size[0] + rows[y, kh], columns[x, kw]
                for f in range(g.out_channels):
                    group = f // g.out_channels_per_group
                    some = slice(group * g.in_channels_per_group, (group + 1) * g.in_channels_per_group)
                    inputs = masks.input[some, iy, ix]
                    grad = bool(masks.grad_output[f, sample * g.out_size[0] + y, x])
                    needed = inputs if masks.grad_input_mask is None else masks.grad_input_mask[some, iy, ix]
                    if program.stage is Stage.FORWARD:
                        total += int(inputs.sum())
                    elif program.stage is Stage.GTW:
                        total += int(inputs.sum()) * grad
                    else:
                        full = g.in_channels_per_group if masks.grad_input_mask is None else int(needed.sum())
                        total += full * grad
    return total


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=STAGES, density=st.sampled_from([0.0, 0.2, 0.7, 1.0]))
def test_products_are_those_of_the_masks(seed: int, stage: Stage, density: float) -> None:
    """Engine, counting formula and brute force agree, whatever the tiles."""
    rng = np.random.default_rng(seed)
    target = replace(random_machine(rng), skip_zeros=True, mask_skipping=True, input_skipping=True)
    target = replace(target, row_format="bitmask", buffer_bytes=int(rng.choice([1000, 100_000])))
    program = _compile(random_layer(rng), stage, target)
    if program is None:
        return
    masks = _masks(program, rng, density)
    expected = _brute_force(program, masks)
    assert useful_products(program.geometry, stage, masks, program.samples) == expected
    assert int(run_stage(program, masks).counts[USEFUL]) == expected


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=STAGES)
def test_density_one_is_the_work_of_the_dense_machine(seed: int, stage: Stage) -> None:
    """Without zeros the sparse machine executes the dense machine's cycles in its PEs; it may only wait
    differently.
    """
    rng = np.random.default_rng(seed)
    geometry, machine = random_layer(rng), random_machine(rng)
    sparse = replace(machine, skip_zeros=True, mask_skipping=True, input_skipping=True, row_format="bitmask")
    dense = replace(machine, skip_zeros=False, mask_skipping=False, input_skipping=False, row_format="dense")
    programs = [_compile(geometry, stage, target, masked=False) for target in (sparse, dense)]
    if programs[0] is None or programs[1] is None:
        return
    found = []
    for program in programs:
        assert program is not None
        outcome = run_stage(program, _masks(program, rng, 1.0))
        executed = outcome.states[:, :, [BUSY, REJECT]].sum()
        found.append((outcome.counts[USEFUL] / program.samples, executed / program.samples))
        assert outcome.counts[USEFUL] == geometry.dense_macs * program.samples
    if programs[0].row_blocks.tolist() == programs[1].row_blocks.tolist():
        assert found[0] == found[1]


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=STAGES, density=st.sampled_from([0.1, 0.5, 1.0]))
def test_bounds_are_respected(seed: int, stage: Stage, density: float) -> None:
    """No tile is shorter than its products over all lanes, or its lines over all banks."""
    rng = np.random.default_rng(seed)
    target = random_machine(rng)
    program = _compile(random_layer(rng), stage, target)
    if program is None:
        return
    outcome = run_stage(program, _masks(program, rng, density))
    assert outcome.cycles * target.pes * target.macs_per_pe >= outcome.counts[USEFUL]
    assert outcome.cycles * target.buffer_banks >= outcome.counts[LINES_READ]
    assert outcome.schedule.cycles >= outcome.cycles
    moved = sum(load + store for load, store in outcome.transfers)
    assert outcome.schedule.cycles * target.dram_bytes_per_cycle >= moved
    assert outcome.states.sum() == outcome.cycles * target.pes


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=STAGES)
def test_fewer_entries_never_make_more_work(seed: int, stage: Stage) -> None:
    """Taking non-zeros away never adds products or PE cycles (waiting may change either way)."""
    rng = np.random.default_rng(seed)
    target = replace(random_machine(rng), skip_zeros=True, row_format="bitmask")
    program = _compile(random_layer(rng), stage, target)
    if program is None:
        return
    more = _masks(program, rng, 0.8)
    keep = rng.random(more.input.shape) < 0.6
    mask = None if more.grad_input_mask is None else more.input & keep
    less = LayerMasks(more.input & keep, more.grad_output & (rng.random(more.grad_output.shape) < 0.6), mask)
    many, few = run_stage(program, more), run_stage(program, less)
    assert few.counts[USEFUL] <= many.counts[USEFUL]
    assert few.states[:, :, [BUSY, REJECT]].sum() <= many.states[:, :, [BUSY, REJECT]].sum()
