"""Are objectives and constraints read as written, and figures of several workloads put together rightly?"""

import math

import pytest

from sparsesim.study.judge import judge
from sparsesim.study.objectives import Constraint, Objective, parse_constraint, parse_objective
from workloads.errors import UserError


@pytest.mark.parametrize(
    "text, figure", [("cycles", "with_dram_cycles"), (" area ", "area_mm2"), ("dense.pe_utilization",) * 2]
)
def test_is_an_objective_the_figure_its_alias_stands_for(text, figure):
    assert parse_objective(text, "maximize", "--maximize") == Objective(figure, "maximize")


def test_is_an_unknown_objective_answered_with_its_place_and_the_nearest_name():
    with pytest.raises(UserError, match=r"^study\.yaml:4:13: unknown figure 'cicles'\. Did you mean 'cyc"):
        parse_objective("cicles", "minimize", "study.yaml:4:13")


@pytest.mark.parametrize(
    "text, relation, bound",
    [
        ("area <= 2", "<=", 2.0),
        ("area<=2", "<=", 2.0),
        ("  area_mm2 >= 1e-3 ", ">=", 1e-3),
        ("area >= -1", ">=", -1.0),
    ],
)
def test_is_a_constraint_read_with_and_without_blanks(text, relation, bound):
    assert parse_constraint(text, "here") == Constraint("area_mm2", relation, bound)


@pytest.mark.parametrize("text", ["area", "area < 2", "area <= ", "<= 2", "area <= 2 mm2", "2 >= area", ""])
def test_is_what_is_no_constraint_refused_with_the_form_to_write(text):
    with pytest.raises(UserError, match=r"^here: .* is not a constraint; write FIGURE <= NUMBER"):
        parse_constraint(text, "here")


@pytest.mark.parametrize("bound", ["nan", "inf", "-inf", "two", "1e999"])
def test_is_a_bound_that_is_no_finite_number_refused(bound):
    with pytest.raises(UserError, match=r"^here: the bound .* must be a finite number"):
        parse_constraint(f"area <= {bound}", "here")


@pytest.mark.parametrize(
    "relation, value, violation", [("<=", 3.0, 1.0), ("<=", 2.0, 0.0), (">=", 3.0, -1.0), (">=", 0.5, 1.5)]
)
def test_is_a_violation_the_distance_beyond_the_bound(relation, value, violation):
    assert Constraint("area_mm2", relation, 2.0).violation({"area_mm2": value}) == violation


@pytest.mark.parametrize("figures", [{"area_mm2": math.nan}, {}])
def test_does_a_figure_that_is_not_there_or_no_number_break_every_constraint(figures):
    for relation in ("<=", ">="):
        assert Constraint("area_mm2", relation, 2.0).violation(figures) == math.inf


def test_are_cycles_added_and_speedups_combined_by_the_geometric_mean():
    workloads = [
        {"with_dram_cycles": 10.0, "with_dram_speedup": 2.0, "area_mm2": 1.5},
        {"with_dram_cycles": 30.0, "with_dram_speedup": 8.0, "area_mm2": 1.5},
    ]
    assert judge("with_dram_cycles", workloads) == 40.0
    assert judge("with_dram_speedup", workloads) == pytest.approx(4.0)
    assert judge("area_mm2", workloads) == 1.5


def test_does_the_order_of_designs_by_a_ratio_not_depend_on_the_reference():
    """Why the mean is geometric: two designs compared by speedups over two different baselines."""
    first, second, baseline = [10.0, 400.0], [20.0, 180.0], [37.0, 5.0]

    def ratio(reference):
        over = [
            [{"with_dram_speedup": base / cycles} for base, cycles in zip(reference, design, strict=True)]
            for design in (first, second)
        ]
        return judge("with_dram_speedup", over[0]) / judge("with_dram_speedup", over[1])

    assert ratio(baseline) == pytest.approx(ratio([1.0, 1.0]))


@pytest.mark.parametrize("name", ["with_dram_speedup", "area_mm2"])
def test_is_one_workload_its_own_figure(name):
    assert judge(name, [{name: -0.5}]) == -0.5


@pytest.mark.parametrize(
    "name, values, problem",
    [
        ("pe_utilization", (0.5, 0.0), "geometric mean needs values above 0"),
        ("area_mm2", (1.0, 1.1), "is 1 for one and 1.1 for another"),
    ],
)
def test_is_a_figure_that_cannot_be_put_together_an_error_that_says_so(name, values, problem):
    with pytest.raises(UserError, match=f"{name}' cannot be put together over workloads: .*{problem}"):
        judge(name, [{name: value} for value in values])


@pytest.mark.parametrize("figures", [{}, {"dense.pe_utilization": math.nan}])
def test_is_a_figure_that_a_workload_does_not_have_an_error(figures):
    with pytest.raises(UserError, match="does not exist for every point"):
        judge("dense.pe_utilization", [{"dense.pe_utilization": 0.5}, figures])
