"""What goes wrong in a study: told at the point it went wrong at, kept, and run again when that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sparsesim.study import tasks
from sparsesim.study.cluster import local_cluster
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point, Row
from sparsesim.study.runner import Runner
from sparsesim.study.session import begin
from sparsesim.study.simulations import Simulation
from sparsesim.study.store import read_study
from sparsesim.study.sweep import missing_points, places_digest
from tests.builders_points import (
    definition,
    simulated_keys,
    statuses,
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
    return simulated_keys(monkeypatch)


def spoil(monkeypatch: pytest.MonkeyPatch, groups: int, error: Exception) -> None:
    """Let simulations of machines of so many groups raise an error."""
    real = tasks.simulate

    def simulate(simulation: Simulation, threads: int) -> Any:
        if simulation.target.groups == groups:
            raise error
        return real(simulation, threads)

    monkeypatch.setattr(tasks, "simulate", simulate)


def test_a_point_that_fails_is_a_row_and_the_others_go_on(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 21, ZeroDivisionError("by nothing"))
    # 13 groups are not 7 clusters, 21 are spoiled, and kernel rows need more than a word.
    study = definition(trace, "groups=7,13,21", "reg1_words=1,64")
    landed = sweep(tmp_path / "s", study, client)
    assert len(landed) == 6
    with read_study(tmp_path / "s") as stored:
        assert stored.counts() == (1, 5)
        rows = {(row.settings["array.groups"], row.settings["pe.reg1_words"]): row for row in stored.rows()}
    assert rows[7, 64].status == "done"
    assert rows[13, 64].error_kind == "UserError"
    assert "array.clusters" in rows[13, 64].error
    assert rows[7, 1].error_kind == "MappingError"
    assert "Set it to at least 3 (parameter pe.reg1_words)" in rows[7, 1].error
    assert (rows[21, 64].error_kind, rows[21, 64].error) == ("ZeroDivisionError", "by nothing")
    assert "in simulate\n" in rows[21, 64].traceback
    assert rows[13, 64].machine is None
    assert rows[21, 64].machine is not None


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


def test_the_points_that_are_run_again_are_those_that_failed_in_any_order_of_running(
    trace: Path, tmp_path: Path, client: Client
) -> None:
    study = definition(trace, "energy.wire.transfer=1,2", "groups=13,14,28")
    sweep(tmp_path / "s", study, client)
    again = sweep(tmp_path / "s", study, client, retry_failed=True)
    assert [point.settings["array.groups"] for point, _ in again] == [13, 13]


def test_a_point_that_failed_is_not_tried_again_by_another_plan(
    trace: Path, tmp_path: Path, client: Client, simulated: list[str]
) -> None:
    sweep(tmp_path / "s", definition(trace, "reg1_words=1,64"), client)
    simulated.clear()
    landed = sweep(tmp_path / "s", definition(trace, "reg1_words=1,32,64"), client)
    assert sorted(row.status for _, row in landed) == ["done", "done", "failed"]
    assert len(simulated) == 2


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


def test_a_worker_with_another_simulator_makes_no_figures_of_stored_records_either(
    trace: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(tmp_path / "s", definition(trace, "groups=14"), client)
    monkeypatch.setattr(tasks, "code_digest", lambda: "0.0.9+other")
    with pytest.raises(UserError, match=r"the worker has 0\.0\.9\+other, not "):
        sweep(
            tmp_path / "s",
            definition(trace, "energy.wire.transfer=0.1,0.2", overrides=("groups=14",)),
            client,
        )


def test_workers_that_do_not_start_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def fail(**options: Any) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", fail)
    with pytest.raises(UserError, match=r"do not start \(Nanny failed to start"), local_cluster(workers=1):
        pass


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
