"""Is the Pareto front exact for any rows, and fast where fronts are large?"""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsesim.study.pareto import front

NAN, INF = float("nan"), float("inf")


def by_definition(values, goals):
    """Every pair of rows compared, as the front is defined."""
    costs = np.where(np.array(goals) == "maximize", -1.0, 1.0) * values
    keep = []
    for row in costs:
        better = (costs <= row).all(axis=1) & (costs < row).any(axis=1)
        keep.append(bool(~np.isnan(row).any() & ~better.any()))
    return np.array(keep, dtype=bool)


@st.composite
def tables(draw):
    objectives = draw(st.integers(1, 4))
    rows = draw(st.integers(0, 200))
    levels = draw(st.sampled_from([2, 5, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(0, levels, (rows, objectives)).astype(float)
    if draw(st.booleans()):
        values[rng.random(values.shape) < 0.05] = NAN
    if draw(st.booleans()):
        values[rng.random(values.shape) < 0.1] = INF
        values[rng.random(values.shape) < 0.1] = -INF
    goals = draw(
        st.lists(st.sampled_from(["minimize", "maximize"]), min_size=objectives, max_size=objectives)
    )
    return values, goals


@settings(deadline=None, max_examples=150)
@given(tables())
def test_is_the_front_that_of_the_definition_with_ties_and_unknown_values(table):
    values, goals = table
    assert front(values, goals).tolist() == by_definition(values, goals).tolist()


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_do_many_rows_whose_front_is_large_agree_with_the_definition(objectives):
    rng = np.random.default_rng(objectives)
    normal = np.abs(rng.standard_normal((1500, objectives)))
    values = np.round(normal / np.linalg.norm(normal, axis=1, keepdims=True), 3)
    found = front(values, ["maximize"] * objectives)
    assert found.tolist() == by_definition(values, ["maximize"] * objectives).tolist()
    assert found.sum() > 100


def test_do_equal_rows_stand_on_the_front_together():
    assert front(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0]]), ["minimize"] * 2).tolist() == [
        True,
        True,
        False,
    ]


def test_does_a_row_with_nan_neither_stand_on_the_front_nor_dominate():
    assert front(np.array([[NAN, 0.0], [1.0, 1.0]]), ["minimize"] * 2).tolist() == [False, True]


def test_is_a_zero_of_either_sign_one_value():
    assert front(np.array([[0.0, 1.0], [-0.0, 1.0]]), ["minimize", "maximize"]).tolist() == [True, True]


@pytest.mark.parametrize("shape, goals", [((3,), 1), ((3, 2), 1), ((3, 0), 0)])
def test_are_values_that_do_not_go_with_the_objectives_refused(shape, goals):
    with pytest.raises(ValueError, match="do not go with"):
        front(np.zeros(shape), ["minimize"] * goals)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_are_100_000_rows_that_are_all_on_the_front_decided_in_seconds(objectives):
    rng = np.random.default_rng(7)
    normal = np.abs(rng.standard_normal((100_000, objectives)))
    sphere = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    start = time.perf_counter()
    assert front(sphere, ["maximize"] * objectives).mean() > 0.99
    assert time.perf_counter() - start < 20
