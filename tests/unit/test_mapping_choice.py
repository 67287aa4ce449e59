"""Is the mapping found by looking at the promising row blocks only the best of all candidates?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.codegen.reduce import row_phases
from compiler.compile import compile_stage
from compiler.mapping import choose
from compiler.mapping.choose import choose_mapping
from compiler.mapping.infeasible import MappingError
from compiler.mapping.problem import Densities, Problem
from compiler.program import RowOperation, Stage
from compiler.training import training_graph
from sparsesim.machine import load_machine
from tests.builders import random_layer, random_machine
from workloads.catalog import load_network


def random_problem(rng: np.random.Generator, operation: RowOperation) -> Problem:
    """A small layer, with sizes that matter drawn at random."""
    target = replace(
        random_machine(rng),
        buffer_bytes=int(rng.choice([600, 2000, 8000, 100_000])),
        row_slot_entries=int(rng.choice([8, 16, 64])),
        reg2_words=int(rng.choice([8, 64])),
        dram_bytes_per_cycle=float(rng.choice([0.5, 4.0, 32.0])),
    )
    densities = Densities(*rng.choice([0.1, 0.4, 1.0], 2).tolist(), *rng.choice([0.0, 0.25, 0.5], 2).tolist())
    batch, samples = int(rng.choice([1, 4, 6])), int(rng.choice([1, 2, 4]))
    geometry = replace(random_layer(rng), groups=1) if rng.random() < 0.5 else random_layer(rng)
    many = replace(geometry, in_channels=8 * geometry.in_channels, out_channels=8 * geometry.out_channels)
    masked = operation is RowOperation.MSRC and bool(rng.integers(2))
    return Problem(many, operation, target, densities, batch, masked, samples)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(RowOperation)))
def test_no_candidate_is_better_than_the_chosen(seed: int, operation: RowOperation) -> None:
    """Every candidate is rated here; the bounds by which row blocks are left out must hold for each."""
    problem = random_problem(np.random.default_rng(seed), operation)
    if not row_phases(problem.geometry, operation):
        return  # nothing to compute: such layers are refused before they are mapped
    try:
        choice = choose_mapping(problem)
    except MappingError:
        return
    assert (choice.mapping, choice.estimate) == choice.candidates[0]
    for block in choose._blocks(problem, choose._NO_WISH):
        least = block.estimator.least_cycles()
        assert all(least <= estimate.cycles for _, estimate in block.rated())


def test_most_row_blocks_of_a_network_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    target = load_machine("sparsetrain").to_target()
    looked_at, rate = list[object](), choose._Block.rated
    monkeypatch.setattr(choose._Block, "rated", lambda self: (looked_at.append(self), rate(self))[1])
    blocks = 0
    for work in training_graph(load_network("resnet18", "cifar10"), 32).convolutions:
        for operation in RowOperation:
            problem = Problem(work.geometry, operation, target, Densities(0.3, 0.6), 32, False, 4)
            choose_mapping.__wrapped__(problem)
            blocks += len(choose._blocks(problem, choose._NO_WISH))
    assert len(looked_at) < blocks / 2


# What a machine's description asks for


@pytest.mark.parametrize("stays", ["weights", "inputs", "outputs"])
def test_what_is_to_stay_stays_wherever_it_fits(stays: str) -> None:
    problem = _problem_of("layer3.0.conv2", Stage.FORWARD, f"stays={stays}")
    choice = choose_mapping(problem)
    assert choice.mapping.stays == stays
    assert {mapping.stays for mapping, _ in choice.candidates} == {stays}
    assert choice.estimate == min((cost for _, cost in choice.candidates), key=lambda cost: cost.cycles)


def test_a_layer_in_which_it_does_not_fit_is_mapped_as_it_fits() -> None:
    """4.7 million bytes of weights do not stay in 16 KB, not even those of one cluster."""
    wished = choose_mapping(_problem_of("layer4.1.conv2", Stage.FORWARD, "stays=weights", "kilobytes=48"))
    free = choose_mapping(_problem_of("layer4.1.conv2", Stage.FORWARD, "kilobytes=48"))
    assert wished.mapping == free.mapping
    assert free.mapping.stays != "weights"


@pytest.mark.parametrize("operand", ["dO", "I"])
def test_gtw_broadcasts_the_operand_that_is_asked_for(operand: str) -> None:
    choice = choose_mapping(_problem_of("layer3.0.conv2", Stage.GTW, f"gtw_broadcast={operand}"))
    assert {mapping.broadcast for mapping, _ in choice.candidates} == {operand}


def _problem_of(layer: str, stage: Stage, *overrides: str) -> Problem:
    works = training_graph(load_network("resnet18", "imagenet"), 32).convolutions
    work = next(work for work in works if work.layer == layer)
    target = load_machine("sparsetrain", overrides).to_target()
    return compile_stage(work, stage, target, 32).choice.problem
