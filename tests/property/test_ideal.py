"""What do idealised limits cost exactly? Engine against stepper and against a recurrence of a few lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.program import Stage, StageProgram
from sparsesim.engine.kernels import layout
from sparsesim.engine.stage import run_stage
from sparsesim.stepper import step_tile
from tests.builders import layer_program, random_layer, random_machine
from tests.builders_masks import FORMS, STAGES, compiled_program, hand_made_program, random_layer_masks
from tests.property.test_engine_equals_stepper import SETTINGS, assert_equal
from tests.references_ideal import ideal_tile_cycles, pe_cycles
from workloads.errors import UserError

FREE = {"free_transfers": True, "free_ppus": True, "free_controller": True}


def _with(program: StageProgram, **changes: object) -> StageProgram:
    """The same jobs on another machine."""
    return replace(program, target=replace(program.target, **changes))  # type: ignore[arg-type]


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(FORMS))
def test_free_banks_and_controller_equal_the_stepper(seed: int, form: tuple[Stage, str]) -> None:
    rng = np.random.default_rng(seed)
    program = hand_made_program(form, rng)
    program = _with(program, free_banks=True, free_controller=bool(rng.integers(2)))
    assert_equal(program, random_layer_masks(program, rng))


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(FORMS))
def test_everything_free_equals_the_recurrence(seed: int, form: tuple[Stage, str]) -> None:
    rng = np.random.default_rng(seed)
    program = hand_made_program(form, rng)
    program = _with(program, clusters=1, row_handout_dynamic=False, **FREE)
    masks = random_layer_masks(program, rng)
    expected = [ideal_tile_cycles(program, tile, masks) for tile in range(len(program.tiles))]
    assert list(run_stage(program, masks).tile_cycles) == expected


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(FORMS))
def test_one_pe_with_everything_free_only_works(seed: int, form: tuple[Stage, str]) -> None:
    """No waiting of any kind: cycles are the work, and all of them are busy or reject."""
    rng = np.random.default_rng(seed)
    program = _one_pe(form, rng)
    masks = random_layer_masks(program, rng)
    outcome = run_stage(program, masks)
    work = [sum(pe_cycles(program, tile, masks)) for tile in range(len(program.tiles))]
    assert list(outcome.tile_cycles) == work
    states = outcome.states.sum(axis=(0, 1))
    assert states[layout.BUSY] + states[layout.REJECT] == sum(work) == states.sum()


def _one_pe(form: tuple[Stage, str], rng: np.random.Generator) -> StageProgram:
    sizes = {"clusters": 1, "groups_per_cluster": 1, "pes_per_group": 1, "row_handout_dynamic": False}
    target = replace(random_machine(rng), **sizes, **FREE)  # type: ignore[arg-type]
    return layer_program(random_layer(rng), form[0], target, rows=2, columns=5, broadcast=form[1])


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), stage=st.sampled_from(STAGES))
def test_idealising_changes_neither_work_nor_books(seed: int, stage: Stage) -> None:
    """Busy and reject cycles and every count stay; states add up to the cycles of every PE."""
    rng = np.random.default_rng(seed)
    program = compiled_program(stage, rng)
    if program is None:
        return
    masks = random_layer_masks(program, rng)
    real = run_stage(program, masks)
    names = ("free_banks", "free_transfers", "free_ppus", "free_controller")
    free = run_stage(_with(program, **{name: bool(rng.integers(2)) for name in names}), masks)
    np.testing.assert_array_equal(free.counts, real.counts)
    for state in (layout.BUSY, layout.REJECT):
        assert free.states[..., state].sum() == real.states[..., state].sum()
    assert (free.states.sum(axis=2) == free.cycles).all()
    assert (free.states >= 0).all()
    assert free.transfers == real.transfers


@pytest.mark.parametrize("name", ["free_transfers", "free_ppus"])
def test_what_takes_no_clock_is_not_stepped(name: str) -> None:
    rng = np.random.default_rng(0)
    program = _with(hand_made_program(FORMS[0], rng), **{name: True})
    with pytest.raises(UserError, match="cannot be stepped"):
        step_tile(program, 0, random_layer_masks(program, rng))
