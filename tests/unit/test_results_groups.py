"""The cycles of single PE groups: do they add up, and are they left out where nobody knows them?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from compiler.program import Stage
from sparsesim.engine.kernels import layout
from sparsesim.results.bounds import BoundViolation, check_bounds
from sparsesim.results.parts import ON_CHIP_CAUSES
from tests.builders_results import MACHINE, made_result, several, stage_record, step_records


def test_every_pe_group_has_books_of_its_own() -> None:
    layer = made_result().of_run("natural")["conv1", "gta"]
    assert layer.cycles_of_groups is not None
    assert layer.cycles_of_groups.shape == (MACHINE.array.groups, 6)
    assert layer.cycles_of_groups.sum(axis=1) == pytest.approx(layer.cycles.on_chip)
    inside = [layer.group_cycles[cause] for cause in ON_CHIP_CAUSES]
    assert layer.cycles_of_groups.sum(axis=0) == pytest.approx(inside)
    assert not layer.cycles_of_groups.flags.writeable


def test_the_groups_of_several_records_are_averaged_over_their_samples() -> None:
    records = step_records(("dense", "natural"))
    one, other = (stage_record("natural", "gw", 9, Stage.GTW, sample) for sample in (0, 1))
    records = replace(records, stages=(*records.stages, one, several(other, 3)))
    found = made_result(records).of_run("natural")["gw", "gtw"].cycles_of_groups
    assert found is not None
    expected = (one.states + 3 * other.states)[:, layout.BUFFER] / 4 / MACHINE.array.pes_per_group
    np.testing.assert_allclose(found[:, 3], expected)


def test_groups_are_unknown_where_only_their_sum_was_kept_and_outside_the_convolutions() -> None:
    records = step_records(("dense", "natural"))
    summed = [replace(record, states=record.states.sum(axis=0)[None]) for record in records.stages]
    result = made_result(replace(records, stages=tuple(summed)))
    check_bounds(result)
    assert all(layer.cycles_of_groups is None for layer in result.layers)
    assert made_result().of_run("natural")["bn0", "other"].cycles_of_groups is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ([(0, 0, 5.0)], "the causes of PE group 0 add up to"),
        # One group busy for longer and another one for less: only the rows are wrong.
        ([(3, 0, 5.0), (4, 0, -5.0)], "the causes of PE group 3 add up to"),
        # Busy instead of waiting for the buffer: only the columns are wrong.
        ([(7, 0, 5.0), (7, 3, -5.0)], "the PE groups add up to .* cycles of busy instead of"),
        ([(7, 1, -5.0), (7, 0, 5.0)], "a PE group has negative cycles"),
        ([(7, 1, math.nan)], "a PE group has negative cycles"),
    ],
)
def test_groups_that_cannot_be_true_are_a_violation(
    change: list[tuple[int, int, float]], sentence: str
) -> None:
    result = made_result()
    first = result.layers[0]
    assert first.cycles_of_groups is not None
    cycles = first.cycles_of_groups.copy()
    for group, cause, more in change:
        cycles[group, cause] += more
    layers = (replace(first, cycles_of_groups=cycles), *result.layers[1:])
    with pytest.raises(BoundViolation, match=sentence):
        check_bounds(replace(result, layers=layers))


def test_groups_of_another_machine_are_a_violation() -> None:
    result = made_result()
    first = replace(result.layers[0], cycles_of_groups=np.zeros((55, 6)))
    with pytest.raises(BoundViolation, match="but the machine has 56 groups"):
        check_bounds(replace(result, layers=(first, *result.layers[1:])))
