"""Which operand does the mapper broadcast in GTW, and does it expect unequal channels as they are?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.compile import StageDensities, compile_stage
from compiler.geometry import ConvGeometry
from compiler.ir.verifier import verify
from compiler.mapping.choose import choose_mapping, explain
from compiler.mapping.infeasible import MappingError
from compiler.mapping.problem import Densities, Problem
from compiler.mapping.spread import channel_densities, expected_largest, relative_deviation, slowest_of
from compiler.program import RowOperation, Stage
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.kernels.layout import BUSY
from sparsesim.engine.source import channel_share
from sparsesim.engine.stage import run_stage
from sparsesim.machine import load_machine
from tests.builders import ONE_PE
from workloads.sparsity.clustering import Clustering
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import LayerDensities, LayerMasks
from workloads.sparsity.shapes import LayerShape

FIRST_LAYER = ConvGeometry(3, 64, (56, 56), (7, 7), (2, 2), (3, 3))
SPARSE = load_machine("sparsetrain").to_target()
DENSE = load_machine("sparsetrain").dense_baseline().to_target()


def problem(geometry: ConvGeometry, target: Target, densities: Densities | None = None) -> Problem:
    return Problem(geometry, RowOperation.OSRC, target, densities or Densities(), 32, False)


def test_a_first_layer_fills_the_groups_with_output_channels() -> None:
    """3 input channels would leave 5 of 8 groups idle; dense PEs must be busy all the same."""
    work = ConvWork("conv1", 0, FIRST_LAYER, False, True, False, False, "none", False)
    compiled = compile_stage(work, Stage.GTW, DENSE, 32)
    assert compiled.program.broadcast == compiled.ir.broadcast == compiled.choice.mapping.broadcast == "I"
    verify(compiled.ir, DENSE)
    ones = LayerMasks(np.ones((3, 56, 56), bool), np.ones((64, 28, 28), bool), None)
    outcome = run_stage(compiled.program, ones)
    # With three of eight groups at work it could not pass .375.
    assert outcome.states[..., BUSY].sum() > 0.6 * outcome.states.sum()


def test_both_forms_compete_and_the_explanation_names_them() -> None:
    choice = choose_mapping(problem(FIRST_LAYER, DENSE))
    best = {form: min(c.cycles for m, c in choice.candidates if m.broadcast == form) for form in ("dO", "I")}
    assert choice.estimate.cycles == best["I"] < best["dO"]
    assert "broadcast=I" in explain(choice)


@pytest.mark.parametrize(
    ("inputs", "gradients", "broadcast"), [(0.2, 1.0, "I"), (1.0, 0.2, "dO")], ids=["natural", "pruned"]
)
def test_the_sparser_operand_is_broadcast(inputs: float, gradients: float, broadcast: str) -> None:
    """Zeros of the broadcast operand are never fetched; those of the other one can end as rejects."""
    geometry = ConvGeometry(128, 128, (28, 28), (3, 3), padding=(1, 1))
    work = ConvWork("layer", 1, geometry, False, True, True, True, "none", False)
    compiled = compile_stage(work, Stage.GTW, SPARSE, 32, StageDensities(inputs, gradients, inputs))
    assert compiled.program.broadcast == broadcast


def test_unequal_channels_are_better_broadcast() -> None:
    """Equal densities, but the channels of dO differ: as the private operand they make groups wait."""
    geometry = ConvGeometry(128, 128, (28, 28), (3, 3), padding=(1, 1))
    unequal = Densities(0.4, 0.4, ch0_share=0.6)
    assert choose_mapping(problem(geometry, SPARSE, unequal)).mapping.broadcast == "dO"
    assert choose_mapping(problem(geometry, SPARSE, unequal.swapped())).mapping.broadcast == "I"


def test_a_form_that_does_not_fit_leaves_the_other() -> None:
    """One column of dO meets 11 of I: as ch1 they do not fit 8 words, as ch0 they fit 64 entries."""
    geometry = ConvGeometry(3, 8, (23, 23), (11, 11), (4, 4))
    small = replace(ONE_PE, reg1_words=8)
    assert choose_mapping(problem(geometry, small)).mapping.broadcast == "I"
    with pytest.raises(
        MappingError, match=r"the ch1 row that one column of dO meets would take 11 words.*reg1_words"
    ):
        choose_mapping(problem(geometry, replace(small, row_slot_entries=10)))


@pytest.mark.parametrize(("density", "share"), [(0.3, 0.5), (0.7, 0.2), (0.05, 0.8)])
def test_channel_densities_keep_their_mean(density: float, share: float) -> None:
    values = channel_densities(density, share)
    assert sum(values) / len(values) == pytest.approx(density, rel=0.05)
    assert list(values) == sorted(values)


def test_channels_without_a_share_are_all_alike() -> None:
    for densities in (channel_densities(0.4, 0.0), channel_densities(1.0, 0.5)):
        assert len(densities) == 1
        assert relative_deviation(densities) == 0
        assert expected_largest(densities, 8) == (densities[0], 0)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_largest_of_several_is_that_of_drawing_them(count: int) -> None:
    rng = np.random.default_rng(count)
    values = channel_densities(0.4, 0.5)
    drawn = rng.choice(values, (40_000, count)).max(axis=1)
    mean, deviation = expected_largest(values, count)
    assert mean == pytest.approx(drawn.mean(), rel=0.01)
    assert deviation == pytest.approx(drawn.std(), rel=0.03)
    largest = rng.standard_normal((40_000, count)).max(axis=1).mean()
    assert slowest_of(count) == pytest.approx(largest, abs=0.05)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_share_of_drawn_masks_is_found_again(share: float) -> None:
    shape = LayerShape("layer", 256, 8, (48, 48), (48, 48), False, True)
    clustering = LayerClustering(Clustering(channel=share))
    masks = generate_masks(shape, LayerDensities(0.4, 0.5, 0.4), clustering, Draw(0, 1))
    assert channel_share(masks.input) == pytest.approx(share, abs=0.05)
