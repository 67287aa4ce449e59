"""The runner: every point one row, every simulation once, and what goes wrong is told where it went wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sparsesim.machine import export_yaml, load_machine
from sparsesim.study import tasks
from sparsesim.study.definition import Definition
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point, Row
from sparsesim.study.prepared import prepare
from sparsesim.study.runner import Runner
from sparsesim.study.session import begin
from sparsesim.study.simulations import Simulation
from sparsesim.study.store import read_study
from tests.builders_points import (
    definition,
    outcome,
    run_points,
    simulated_keys,
    statuses,
    sweep,
    threads_client,
)
from tests.builders_results import small_trace

if TYPE_CHECKING:
    from distributed import Client

THREADS = 2


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with threads_client(THREADS) as found:
        yield found


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_trace(tmp_path_factory.mktemp("traces") / "t.npz")


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return simulated_keys(monkeypatch)


def distinct(study: Definition) -> set[str]:
    return {one.key for point in Plan(study) for one in prepare(point).simulations}


def test_every_point_lands_with_the_figures_it_has_alone(trace: Path, tmp_path: Path, client: Client) -> None:
    study = definition(trace, "groups=14,28", "memory.kind=lpddr4,hbm2", "energy.wire.transfer=0.1,0.2")
    landed = sweep(tmp_path / "s", study, client)
    assert sorted(statuses(landed)) == list(range(8))
    for point, row in landed:
        alone = outcome(point.settings)
        assert isinstance(alone, tasks.Evaluated)
        assert row.figures == alone.figures
    with read_study(tmp_path / "s") as stored:
        rows = {row.row: row for row in stored.rows()}
        assert stored.counts() == (8, 0)
    assert {row.row: (row.settings, row.figures) for _, row in landed} == {
        number: (row.settings, row.figures) for number, row in rows.items()
    }


def test_a_simulation_that_points_share_is_run_once(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    study = definition(
        trace, "mask_skipping=true,false", "energy.wire.transfer=0.1,0.2,0.3", "operand_format=int16,bf16"
    )
    sweep(tmp_path / "s", study, client)
    assert len(simulated) == 3  # the dense one of both machines, and one of each
    assert set(simulated) == distinct(study)


def test_the_time_of_a_shared_simulation_is_counted_once(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tasks.simulate

    def slow(simulation: Simulation, threads: int) -> Any:
        started = time.process_time()
        while time.process_time() - started < 0.3:
            pass
        return real(simulation, threads)

    outcome({"trace": str(trace)})  # kernels are compiled before the time counts
    monkeypatch.setattr(tasks, "simulate", slow)
    study = definition(trace, "mask_skipping=true,false", "energy.wire.transfer=0.1,0.2,0.3,0.4")
    landed = sweep(tmp_path / "s", study, client)
    # Three simulations; counted for every point they would be sixteen.
    assert 3 * 0.3 <= sum(row.seconds for _, row in landed) < 8 * 0.3


def test_points_that_differ_in_energy_only_are_made_of_what_is_stored(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    sweep(tmp_path / "s", definition(trace, "groups=14,28"), client)
    assert len(simulated) == 4
    landed = sweep(tmp_path / "s", definition(trace, "groups=14,28", "energy.wire.transfer=0.5,1"), client)
    assert len(simulated) == 4
    assert len({row.figures["with_dram_energy_pj"] for _, row in landed}) == 4
    assert {row.row for _, row in landed} == {3, 4, 5, 6}


def test_a_sweep_that_is_run_again_runs_nothing(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    study = definition(trace, "groups=7,13,14")
    first = sweep(tmp_path / "s", study, client)
    assert statuses(first) == {0: "done", 1: "failed", 2: "done"}
    simulated.clear()
    assert sweep(tmp_path / "s", study, client) == []
    assert simulated == []


@pytest.mark.parametrize("apart", [False, True], ids=["together", "one after the other"])
def test_points_of_equal_content_have_one_row(
    apart: bool, trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    path = tmp_path / "same.yaml"
    path.write_text(export_yaml(load_machine("sparsetrain")))
    base = {"trace": str(trace)}
    points = [
        Point(base, 0),
        Point({**base, "array.groups": 56}, 1),
        Point({**base, "machine": str(path)}, 2),
    ]
    study = definition(trace, "groups=14")
    parts = [[point] for point in points] if apart else [points]
    landed = [one for part in parts for one in run_points(tmp_path / "s", study, part, client, plan="p")]
    assert sorted(statuses(landed)) == [0, 1, 2]
    assert len({tuple(row.figures.items()) for _, row in landed}) == 1
    assert len(simulated) == 2
    with read_study(tmp_path / "s") as stored:
        assert stored.counts() == (1, 0)
        assert {place: found.row for place, found in stored.planned("p", 0, 9).items()} == {0: 1, 1: 1, 2: 1}


def test_two_studies_on_one_scheduler_make_their_own_rows(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    """The second asks for a point that the first, which has its simulations stored, has just evaluated."""
    from distributed import Client

    study = definition(trace, "energy.wire.transfer=0.1,0.2")
    first, second = Plan(study)
    run_points(tmp_path / "a", study, [first], client)
    landed: list[Row] = []
    with Client(client.cluster, set_as_default=False) as other, begin(tmp_path / "a", study, []) as writer:

        def finished(point: Point, row: Row) -> None:
            landed.extend([row, *(one for _, one in run_points(tmp_path / "b", study, [point], other))])

        Runner(client, writer).run([second], finished)
    assert [row.status for row in landed] == ["done", "done"]
    assert landed[0].figures == landed[1].figures
    with read_study(tmp_path / "b") as stored:
        assert all(stored.records(key) is not None for key in stored.row(1).simulations)


def test_rows_are_stored_while_known_points_pass_by(trace: Path, tmp_path: Path, client: Client) -> None:
    study = definition(trace, "groups=14,28")
    known, new = Plan(study)
    run_points(tmp_path / "s", study, [known], client)
    landed: list[Point] = []

    def points() -> Iterator[Point]:
        yield new
        for _ in range(1000):
            if new in landed:
                return
            time.sleep(0.02)
            yield known
        pytest.fail("the new point does not land before all known ones have passed")

    with begin(tmp_path / "s", study, []) as writer:
        Runner(client, writer).run(points(), lambda point, row: landed.append(point))
    assert new in landed


def test_points_are_asked_for_only_a_few_ahead(trace: Path, tmp_path: Path, client: Client) -> None:
    study = definition(trace, *(f"groups={','.join(str(7 * n) for n in range(1, 31))}",))
    asked, landed, ahead = 0, 0, []

    def points() -> Iterator[Point]:
        nonlocal asked
        for point in Plan(study):
            asked += 1
            yield point

    def finished(point: Point, row: Row) -> None:
        nonlocal landed
        landed += 1
        ahead.append(asked - landed)

    with begin(tmp_path / "s", study, []) as writer:
        Runner(client, writer).run(points(), finished)
    assert landed == 30
    assert max(ahead) <= THREADS + 6


def test_rows_are_told_in_the_thread_that_runs(trace: Path, tmp_path: Path, client: Client) -> None:
    told = set()
    study = definition(trace, "groups=7,13")
    with begin(tmp_path / "s", study, []) as writer:
        Runner(client, writer).run(Plan(study), lambda *_: told.add(threading.current_thread()))
    assert told == {threading.current_thread()}
