"""Plans: is every point there once under its own index, in an order that shares work, and never stored?"""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import groupby, islice, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparsesim.study.checks import check
from sparsesim.study.definition import define
from sparsesim.study.flags import Flags
from sparsesim.study.grid import digits_of, place_of, spread
from sparsesim.study.plan import MOST_WORKLOADS, Plan
from sparsesim.study.point import Point, Scalar
from sparsesim.study.resolve import request_of
from sparsesim.study.rules import Rules
from workloads.errors import UserError

Write = Callable[[str], Path]
MILLION = Flags(
    networks="alexnet", datasets="cifar10", vary=("seed=0:999:1", "groups=7:700:7", "kilobytes=64:73:1")
)


def plan_of(*vary: str, skip_invalid: bool = False, **options: str) -> Plan:
    flags = Flags(vary=vary, networks=options.pop("networks", "alexnet"), **options)
    return Plan(define(None, flags), skip_invalid=skip_invalid)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str) -> Path:
        path = tmp_path / "s.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


# Indices


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.data())
def test_a_place_and_its_digits_are_the_same(sizes: list[int], data: st.DataObject) -> None:
    places = list(product(*map(range, sizes)))
    place = data.draw(st.integers(0, len(places) - 1))
    assert digits_of(place, sizes) == places[place]
    assert place_of(places[place], sizes) == place


@given(st.integers(1, 500))
def test_spread_meets_every_number_once(size: int) -> None:
    assert sorted(spread(size)) == list(range(size))


def test_the_beginning_of_a_spread_leaves_no_large_gap() -> None:
    met = sorted(islice(spread(1_000_000), 1000))
    gaps = [after - before for before, after in zip([0, *met], [*met, 1_000_000], strict=True)]
    assert max(gaps) < 3 * 1000  # three times the mean gap


def test_points_are_numbered_with_the_first_axis_slowest() -> None:
    plan = plan_of("groups=14,28", "prune=0,0.5,0.9", "banks=4,8", networks="alexnet,vgg16")
    expected = list(product(("alexnet", "vgg16"), (14, 28), (0.0, 0.5, 0.9), (4, 8)))
    names = ("network", "array.groups", "prune", "buffer.banks")
    assert len(plan) == len(expected) == 24
    assert [plan[index] for index in range(24)] == [
        Point(dict(zip(names, values, strict=True)), index) for index, values in enumerate(expected)
    ]


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_point_outside(index: int) -> None:
    with pytest.raises(IndexError):
        plan_of("groups=14,28")[index]


def test_listed_points_are_taken_with_every_network(write: Write) -> None:
    text = "networks: [alexnet, vgg16]\nset: {batch: 8}\npoints:\n  - {groups: 14}\n  - {prune: 0.5}\n"
    plan = Plan(define(write(text)))
    assert [plan[index].settings for index in range(len(plan))] == [
        {"batch": 8, "network": network, **point}
        for network in ("alexnet", "vgg16")
        for point in ({"array.groups": 14}, {"prune": 0.5})
    ]


# Order


def part(point: Point, *left_out: str) -> frozenset[tuple[str, Scalar]]:
    kept = {name: value for name, value in point.settings.items() if not name.startswith(left_out)}
    return frozenset(kept.items())


def runs_of(points: list[Point], *left_out: str) -> int:
    """In how many pieces points lie that are alike but for the settings left out."""
    return sum(1 for _ in groupby(points, key=lambda point: part(point, *left_out)))


def assert_shared(plan: Plan) -> None:
    """Every simulation is asked for by neighbours only: as many pieces as there are different ones."""
    points = list(plan)
    assert sorted(point.index for point in points) == list(range(len(plan)))
    assert [plan[point.index] for point in points] == points
    assert [point.index for point in points] == list(plan.indices())
    sparse_only = ("policy.skip_zeros", "seed")
    for left_out in (("energy",), ("energy", "prune"), ("energy", "prune", *sparse_only)):
        assert runs_of(points, *left_out) == len({part(point, *left_out) for point in points})


def test_points_that_share_simulations_are_neighbours() -> None:
    assert_shared(
        plan_of(
            "energy.wire.transfer=50,100",
            "prune=0,0.5,0.9",
            "groups=14,28",
            "seed=0,1",
            "skip_zeros=true,false",
            "kilobytes=64,128",
            networks="alexnet,vgg16",
        )
    )


def test_listed_points_that_share_simulations_are_neighbours(write: Write) -> None:
    lines = [
        f"  - {{energy.wire.transfer: {energy}, prune: {prune}, groups: {groups}, seed: {seed}}}\n"
        for energy, seed, prune, groups in product((50, 100), (0, 1), (0, 0.5), (28, 14))
    ]
    plan = Plan(define(write("networks: [alexnet, vgg16]\npoints:\n" + "".join(lines))))
    assert_shared(plan)
    assert next(iter(plan)) == plan[0]


# Workloads


def counted(plan: Plan) -> dict[tuple[object, ...], int]:
    def workload(settings: Mapping[str, Scalar]) -> tuple[object, ...]:
        dataset, batch = settings.get("dataset", "imagenet"), settings.get("batch", 32)
        return settings["network"], dataset, batch, settings.get("samples"), settings.get("trace")

    return Counter(workload(plan[index].settings) for index in range(len(plan)))


def test_workloads_are_counted_as_if_every_point_were_looked_at(write: Write) -> None:
    text = "networks: [alexnet, vgg16]\ndatasets: [cifar10, imagenet]\n"
    grid = "vary: {groups: [7, 14, 28], batch: [4, 8], samples: [1, 2], prune: [0, 0.5]}\n"
    points = "points: [{batch: 4, groups: 7}, {samples: 2}, {batch: 4}, {batch: 32}, {groups: 14}]\n"
    for rest in (grid, points):
        plan = Plan(define(write(text + rest)))
        assert {workload[:-1]: workload.points for workload in plan.workloads()} == counted(plan)


def test_of_very_many_workloads_some_stand_for_all() -> None:
    plan = plan_of("batch=1:1000:1", "samples=1:1000:1")
    found = plan.workloads()
    assert len(found) == MOST_WORKLOADS
    assert sum(workload.points for workload in found) == len(plan) == 10**6
    assert max(workload.batch for workload in found) > 950


# Rules


def is_valid(settings: Mapping[str, Scalar]) -> bool:
    try:
        request_of(settings)
    except UserError:
        return False
    return True


RULED = (
    "groups=14,28,30",
    "clusters=7,4",
    "line_bits=16,64,128",
    "sum_bits=16,32",
    "operand_format=int16,bf16",
)


def test_rules_are_those_of_a_request() -> None:
    plan = plan_of(*RULED)
    valid = [is_valid(point.settings) for point in plan]
    assert valid == [plan.is_valid(point) for point in plan]
    assert 0 < sum(valid) < len(valid)
    found = check(Plan(plan.definition, skip_invalid=True))
    assert found == (len(plan), len(plan), len(plan) - sum(valid))


def test_rules_hold_for_a_machine_file_and_its_fields_together(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("array: {groups: 30}\n")  # 7 clusters by default: wrong until it is changed
    broken = Rules().broken
    assert broken({"machine": str(path)}).startswith("array.clusters must divide array.groups = 30 (got 7)")
    assert broken({"machine": str(path), "array.clusters": 6}) == ""


def test_columns_of_energy_have_an_order() -> None:
    broken = Rules().broken
    assert broken({"energy.wire.transfer": 1e6}) == ""  # all three columns move
    assert "low <= centre <= high" in broken({"energy.wire.transfer.low": 1e6})
    assert broken({"energy.wire.transfer": 1e6, "energy.wire.transfer.low": 1e5}) == ""


def test_wrong_combinations_are_found_before_anything_runs() -> None:
    with pytest.raises(UserError) as caught:
        check(plan_of("groups=14,28", "clusters=7,4", "prune=0,0.5"))
    first, example, remedy = str(caught.value).splitlines()
    assert first == "command line: 1 of 4 combinations break a rule, for example:"
    assert example == (
        "  array.groups=14, array.clusters=4: array.clusters must divide array.groups = 14 (got 4); "
        "its divisors are 1, 2, 7, 14."
    )
    assert remedy.startswith("Give other values, list the points that are wanted (points:), or leave")


def test_a_base_that_is_wrong_is_told_without_combinations() -> None:
    with pytest.raises(UserError, match=r"^command line: array\.clusters must divide array\.groups = 30"):
        check(plan_of("prune=0,0.5", overrides=("groups=30",)))


def test_wrong_points_of_a_list_are_found(write: Write) -> None:
    text = "network: alexnet\npoints: [{groups: 14}, {groups: 15, prune: 0.5}]\n"
    with pytest.raises(UserError, match=r"1 of 2 combinations break a rule(.|\n)*array\.groups=15"):
        check(Plan(define(write(text))))


def test_invalid_points_are_left_out_and_indices_stay() -> None:
    plan = plan_of("groups=14,28", "clusters=7,4", "prune=0,0.5", skip_invalid=True)
    assert sorted(point.index for point in plan) == [0, 1, 4, 5, 6, 7]
    assert len(plan) == 8


def test_nothing_but_invalid_points_is_an_error_even_where_they_are_left_out() -> None:
    with pytest.raises(UserError, match="2 of 2 combinations break a rule"):
        check(plan_of("groups=15,16", skip_invalid=True))


def test_what_has_to_be_searched_is_no_plan() -> None:
    with pytest.raises(UserError, match=r"^--vary banks=1:8: buffer\.banks is to be searched"):
        plan_of("banks=1:8")


# Size


def test_a_million_points_are_planned_at_once_and_in_no_room() -> None:
    tracemalloc.start()
    started = time.perf_counter()
    plan = Plan(define(None, MILLION))
    first = next(iter(plan))
    found = check(plan)
    seconds = time.perf_counter() - started
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plan) == 1_000_000
    assert first == plan[0]
    assert plan[999_999].settings["seed"] == 999
    assert found == (1000, 1000, 0)
    assert seconds < 3
    assert peak_bytes < 5_000_000


def test_a_million_machines_are_checked_within_the_time_given() -> None:
    plan = plan_of("groups=1:4096:1", "clusters=1:256:1")
    started = time.perf_counter()
    found = check(Plan(plan.definition, skip_invalid=True), budget_seconds=0.3)
    assert time.perf_counter() - started < 1.5
    assert found.combinations == 4096 * 256
    assert found.checked < found.combinations
    # A share of sum over c of 1/c / 256 = 2.4 % divides; the sample has to show about that.
    assert 0.015 < 1 - found.broken / found.checked < 0.035


def test_walking_through_a_plan_keeps_nothing() -> None:
    plan = Plan(define(None, MILLION))
    tracemalloc.start()
    for _ in islice(plan, 20_000):
        pass
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_more_points_than_anyone_can_simulate_are_refused() -> None:
    vary = ("seed=0:99999999:1", "groups=1:4096:1", "clusters=1:4096:1", "kilobytes=1:65536:1")
    with pytest.raises(UserError, match="the grid has more than 1000000000 points"):
        plan_of(*vary)
