"""The runner: every point one row, every simulation once, and what goes wrong is told where it went wrong."""

from __future__ import annotations

import threading
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
from sparsesim.study.reproduce import result_of_row
from sparsesim.study.runner import POINTS_AHEAD, Runner
from sparsesim.study.session import begin
from sparsesim.study.simulations import Simulation
from sparsesim.study.store import read_study
from sparsesim.study.sweep import missing_points, places_digest
from tests.builders_points import (
    Landed,
    comparable,
    definition,
    outcome,
    run_points,
    sweep,
    threads_client,
)
from tests.builders_results import small_trace
from workloads.errors import UserError

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
    """Keys of the simulations that were run: the workers are threads of this process."""
    keys: list[str] = []
    real = tasks.simulate

    def simulate(simulation: Simulation, threads: int) -> Any:
        keys.append(simulation.key)
        return real(simulation, threads)

    monkeypatch.setattr(tasks, "simulate", simulate)
    return keys


def spoil(monkeypatch: pytest.MonkeyPatch, groups: int, error: Exception) -> None:
    """Let simulations of machines of so many groups raise an error."""
    real = tasks.simulate

    def simulate(simulation: Simulation, threads: int) -> Any:
        if simulation.target.groups == groups:
            raise error
        return real(simulation, threads)

    monkeypatch.setattr(tasks, "simulate", simulate)


def statuses(landed: Landed) -> dict[int, str]:
    return {point.index: row.status for point, row in landed}


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


# What goes wrong


def test_a_point_that_fails_is_a_row_and_the_others_go_on(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 21, ZeroDivisionError("by nothing"))
    # 13 groups are not 7 clusters, 21 are spoiled, and a buffer of 1 KB holds no tile of the second layer.
    study = definition(trace, "groups=7,13,21", "kilobytes=1,386")
    landed = sweep(tmp_path / "s", study, client)
    assert len(landed) == 6
    with read_study(tmp_path / "s") as stored:
        assert stored.counts() == (1, 5)
        rows = {
            (row.settings["array.groups"], row.settings["buffer.kilobytes"]): row for row in stored.rows()
        }
    assert rows[7, 386].status == "done"
    assert rows[13, 386].error_kind == "UserError"
    assert "array.clusters" in rows[13, 386].error
    assert rows[7, 1].error_kind == "MappingError"
    assert "does not fit" in rows[7, 1].error or "buffer" in rows[7, 1].error
    assert (rows[21, 386].error_kind, rows[21, 386].error) == ("ZeroDivisionError", "by nothing")
    assert "in simulate\n" in rows[21, 386].traceback
    assert rows[13, 386].machine is None
    assert rows[21, 386].machine is not None


def test_a_point_that_runs_out_of_memory_is_told_the_remedy(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 14, MemoryError())
    landed = sweep(tmp_path / "s", definition(trace, "groups=14,28"), client)
    errors = {point.settings["array.groups"]: row.error for point, row in landed}
    assert errors[28] == ""
    assert "--memory" in errors[14]


def test_failed_points_are_run_again_only_when_that_is_asked(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch, simulated: list[str]
) -> None:
    study = definition(trace, "groups=13,14,21")
    with monkeypatch.context() as spoiled:
        spoil(spoiled, 21, OSError("gone"))
        assert statuses(sweep(tmp_path / "s", study, client)) == {0: "failed", 1: "done", 2: "failed"}
    simulated.clear()
    assert sweep(tmp_path / "s", study, client) == []
    assert simulated == []
    assert statuses(sweep(tmp_path / "s", study, client, retry_failed=True)) == {0: "failed", 2: "done"}
    assert len(simulated) == 2
    with read_study(tmp_path / "s") as stored:
        rows = {row.settings["array.groups"]: (row.row, row.status, row.attempts) for row in stored.rows()}
        assert stored.counts(places_digest(Plan(study))) == (2, 1)
    assert {groups: found[1:] for groups, found in rows.items()} == {
        13: ("failed", 2),
        14: ("done", 1),
        21: ("done", 2),
    }


def test_a_point_refused_before_is_known_to_another_plan_too(
    trace: Path, tmp_path: Path, client: Client
) -> None:
    folder = tmp_path / "s"
    sweep(folder, definition(trace, "groups=13,14"), client)
    wider = definition(trace, "groups=13,14,28")
    assert len(sweep(folder, wider, client)) == 3
    with read_study(folder) as stored:
        assert stored.counts() == (2, 1)
        assert stored.counts(places_digest(Plan(wider))) == (2, 1)
    assert sweep(folder, wider, client) == []


def test_a_worker_with_another_simulator_ends_the_run_with_a_sentence(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setattr(tasks, "code_digest", lambda: "0.0.9+other")
        with pytest.raises(UserError, match=r"the worker has 0\.0\.9\+other, not .*; install the same spars"):
            sweep(tmp_path / "s", definition(trace, "groups=14,28"), client)
    assert {row.status for _, row in sweep(tmp_path / "s", definition(trace, "groups=14,28"), client)} == {
        "done"
    }


def test_a_run_that_is_interrupted_keeps_its_rows_and_goes_on(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    study = definition(trace, "groups=7,14,21,28,35,42")
    plan = Plan(study)
    seen: list[Row] = []

    def interrupt(point: Point, row: Row) -> None:
        seen.append(row)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with begin(tmp_path / "s", study, []) as writer:
        runner = Runner(client, writer, plan=places_digest(plan))
        with pytest.raises(KeyboardInterrupt):
            runner.run(missing_points(plan, writer), interrupt)
        kept = {row.row: row for row in writer.rows()}
        made = {key for row in kept.values() for key in row.simulations}
    assert {row.row: row.figures for row in seen}.items() <= {
        n: row.figures for n, row in kept.items()
    }.items()
    simulated.clear()
    rest = sweep(tmp_path / "s", study, client)
    assert len(rest) == len(plan) - len(kept)
    assert not made & set(simulated)
    with read_study(tmp_path / "s") as stored:
        assert stored.counts() == (6, 0)


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
    assert max(ahead) <= THREADS + POINTS_AHEAD


def test_rows_are_told_in_the_thread_that_runs(trace: Path, tmp_path: Path, client: Client) -> None:
    told = set()
    study = definition(trace, "groups=7,13")
    with begin(tmp_path / "s", study, []) as writer:
        Runner(client, writer).run(Plan(study), lambda *_: told.add(threading.current_thread()))
    assert told == {threading.current_thread()}


def test_a_stored_row_makes_its_whole_result_again(trace: Path, tmp_path: Path, client: Client) -> None:
    import sparsesim

    study = definition(trace, "groups=14,28", overrides=("energy.wire.transfer=0.3",))
    sweep(tmp_path / "s", study, client)
    with read_study(tmp_path / "s") as stored:
        for row in stored.rows():
            groups = row.settings["array.groups"]
            expected = sparsesim.simulate(
                trace=trace, overrides=[f"array.groups={groups}", "energy.wire.transfer=0.3"]
            )
            assert comparable(result_of_row(stored, row)) == comparable(expected)
