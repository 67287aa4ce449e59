"""Is the engine, which jumps over time, equal to the stepper, which does not? Counters and PE states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.compile import compile_stage
from compiler.mapping.infeasible import MappingError
from compiler.program import Stage, StageProgram
from compiler.training import ConvWork
from sparsesim.engine.dma import schedule
from sparsesim.engine.kernels import layout
from sparsesim.engine.kernels.layout import new_state
from sparsesim.engine.kernels.tile import run_tile
from sparsesim.engine.operands import pack_operands
from sparsesim.engine.stage import kernel_machine, run_stage
from sparsesim.stepper import step_program, step_tile
from tests.builders import random_layer, random_machine
from tests.builders_masks import (
    FORMS,
    STAGES,
    any_inputs_broadcast_program,
    compiled_program,
    hand_made_program,
    random_layer_masks,
)
from workloads.sparsity.masks import LayerMasks

COUNTS = {
    "headers": layout.HEADERS,
    "operations": layout.OPERATIONS,
    "empty_operations": layout.EMPTY_OPERATIONS,
    "lines_read": layout.LINES_READ,
    "lines_written": layout.LINES_WRITTEN,
    "lines_sums_read": layout.LINES_SUMS_READ,
    "ch0_entries_delivered": layout.ENTRIES_DELIVERED,
    "ch1_words_delivered": layout.CH1_WORDS,
    "drained_words": layout.DRAINED_WORDS,
    "result_words": layout.RESULT_WORDS,
    "jobs": layout.JOBS,
    "useful_products": layout.USEFUL,
    "entries": layout.ENTRIES,
}


def assert_equal(program: StageProgram, masks: LayerMasks) -> None:
    """Every counter and PE state of every tile."""
    machine, operands = kernel_machine(program.target), pack_operands(program, masks)
    for index, tile in enumerate(program.tiles):
        expected = step_tile(program, index, masks)
        state = new_state(machine)
        cycles = run_tile(program.jobs[tile.job_start : tile.job_end], machine, operands, state)
        states = state.states.transpose(0, 2, 1, 3).reshape(expected.pe_states.shape)
        assert cycles == expected.cycles
        found = {name: int(state.counts[place]) for name, place in COUNTS.items()}
        assert found == {name: int(getattr(expected, name)) for name in COUNTS}
        np.testing.assert_array_equal(states, expected.pe_states)
        assert (states.sum(axis=2) == cycles).all()


SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(FORMS))
def test_hand_made_programs(seed: int, form: tuple[Stage, str]) -> None:
    rng = np.random.default_rng(seed)
    program = hand_made_program(form, rng)
    assert_equal(program, random_layer_masks(program, rng))


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=st.sampled_from(STAGES))
def test_compiled_programs(seed: int, stage: Stage) -> None:
    rng = np.random.default_rng(seed)
    program = compiled_program(stage, rng)
    if program is not None:
        assert_equal(program, random_layer_masks(program, rng))


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1))
def test_any_mapping_that_broadcasts_the_input(seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = any_inputs_broadcast_program(rng)
    if program is not None:
        assert_equal(program, random_layer_masks(program, rng))


@pytest.mark.parametrize("seed", range(12))
def test_whole_programs_behind_the_off_chip_memory(seed: int) -> None:
    """Sum of tiles and DMA schedule of a stage: the recurrence against the clock."""
    rng = np.random.default_rng(seed)
    rate = float(rng.choice([0.5, 3.0, 12.8]))
    target = replace(
        random_machine(rng),
        buffer_bytes=2000,
        dram_bytes_per_cycle=rate,
        dram_latency_cycles=int(rng.integers(40)),
    )
    work = ConvWork("layer", 1, random_layer(rng), False, True, True, True, "none", False)
    try:
        program = compile_stage(work, Stage.FORWARD, target, 4).program
    except MappingError:
        pytest.skip("does not fit this small machine")
    masks = random_layer_masks(program, rng)
    outcome = run_stage(program, masks)
    expected = step_program(program, masks, outcome.transfers)
    assert outcome.cycles == expected.on_chip_cycles
    assert outcome.schedule.cycles == expected.with_dram_cycles


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=st.sampled_from(STAGES))
def test_tiles_that_are_taken_for_alike(seed: int, stage: Stage) -> None:
    """Where nothing is skipped equal tiles run once; each of them must be what it is by itself."""
    rng = np.random.default_rng(seed)
    target = replace(
        random_machine(rng),
        buffer_bytes=int(rng.choice([300, 600, 1200])),
        buffer_banks=int(rng.choice([1, 2])),  # few, so that many tiles look alike
        groups_per_cluster=1,
        skip_zeros=False,
        row_format="dense",
        mask_skipping=bool(rng.integers(2)),
    )
    geometry = random_layer(rng)
    geometry = replace(geometry, in_channels=4 * geometry.groups, out_channels=4 * geometry.groups)
    work = ConvWork("layer", 1, geometry, False, True, True, True, "none", False)
    try:
        program = compile_stage(work, stage, target, 4).program
    except MappingError:
        return
    masks = random_layer_masks(program, rng)
    outcome = run_stage(program, masks)
    machine, operands = kernel_machine(target), pack_operands(program, masks)
    lengths, states = [], np.zeros_like(outcome.states)
    for tile in program.tiles:
        state = new_state(machine)
        lengths.append(run_tile(program.jobs[tile.job_start : tile.job_end], machine, operands, state))
        states += state.states.transpose(0, 2, 1, 3).reshape(states.shape)
    assert list(outcome.tile_cycles) == lengths
    np.testing.assert_array_equal(outcome.states, states)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    tiles=st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=7
    ),
    rate=st.sampled_from([0.7, 1.0, 5.0, 12.8]),
    latency=st.integers(0, 30),
)
def test_dma_schedules(tiles: list[tuple[int, int, int]], rate: float, latency: int) -> None:
    """The schedule's recurrence against the stepper's channel, for any lengths and sizes."""
    from sparsesim.stepper.dma import Schedule, transfer_order

    target = replace(
        random_machine(np.random.default_rng(0)), dram_bytes_per_cycle=rate, dram_latency_cycles=latency
    )
    lengths, transfers = [t[0] for t in tiles], [t[1:] for t in tiles]
    stepped = Schedule(lengths, transfer_order(transfers, target))
    stepped.run()
    assert schedule(lengths, transfers, target).cycles == stepped.cycle
