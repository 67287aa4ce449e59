"""Does a sweep end well when a worker dies, and its study go on when a scheduler does?

Schedulers and workers are processes of their own over loopback; the sweeps are the command line.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders_sweeps import (
    Running,
    cluster,
    content,
    kill,
    noted,
    provenance,
    ran,
    started,
    stopped_inside,
    stored,
    stored_simulations,
    sweep,
    trace,
    until,
)

POINTS = 12
SIMULATIONS = 2 * POINTS  # a dense and a recorded run each
# A scheduler that is gone is given up after 15 s; the rest is for a loaded computer.
GIVEN_UP_SECONDS = 60


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """A small study; enough samples that a simulation can be met in its middle."""
    recorded = trace(tmp_path_factory.mktemp("trace") / "t.npz", samples=100)
    machines = ("--vary", "groups=14,28,42,56,70,84", "--vary", "kilobytes=64,128")
    return ("--trace", recorded, *machines)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, options: tuple[object, ...]) -> dict[str, Any]:
    """What the study holds when nothing happens, run by two workers of this machine."""
    folder = tmp_path_factory.mktemp("undisturbed")
    notes = folder / "notes"
    command = sweep(folder / "study", *options, "--workers", 2)
    assert ran(folder / "sweep", *command, SPARSESIM_TEST_NOTES=notes).status == 0
    assert len(noted(notes, "end")) == len(set(noted(notes, "end"))) == SIMULATIONS
    return content(folder / "study")


def _check_done_once(folder: Path, undisturbed: dict[str, Any]) -> None:
    assert content(folder) == undisturbed
    assert len(undisturbed) == POINTS
    assert {attempts for _, attempts, *_ in provenance(folder).values()} == {1}


@dataclass(frozen=True)
class _Killed:
    """How a sweep ended whose worker `pid` was killed.

    stored: simulations that the study had before. known: starts that were noted before.
    """

    status: int
    pid: int
    stored: set[str]
    known: int


def _check_killed(notes: Path, killed: _Killed) -> None:
    """The killed worker left one simulation undone, which another one did; none that was stored ran again.

    What was not stored may have been in the memory of the killed worker only, whoever had simulated it.
    """
    begun, ended = noted(notes, "start"), noted(notes, "end")
    (lost,) = (key for key, pid in begun if pid == killed.pid and (key, pid) not in ended)
    assert lost in {key for key, _ in ended}
    assert {key for key, _ in ended} == {key for key, _ in begun}
    assert killed.stored
    assert not killed.stored & {key for key, _ in begun[killed.known :]}


@pytest.mark.slow
def test_a_cluster_gives_the_same_rows(
    tmp_path: Path, options: tuple[object, ...], undisturbed: dict[str, Any]
) -> None:
    """Two workers and a scheduler that exist do all the work, each simulation once."""
    notes = tmp_path / "notes"
    with cluster(tmp_path / "cluster", SPARSESIM_TEST_NOTES=notes) as there:
        ended = ran(tmp_path / "sweep", *sweep(tmp_path / "study", *options, "--scheduler", there.address))
        members = [{process.pid for process in worker.members()} for worker in there.workers]
    assert ended.status == 0, ended.err
    _check_done_once(tmp_path / "study", undisturbed)
    simulated = noted(notes, "end")
    assert len(simulated) == len({key for key, _ in simulated}) == SIMULATIONS
    assert all(any(pid in pids for _, pid in simulated) for pids in members)


@pytest.mark.slow
def test_a_worker_of_a_cluster_killed(
    tmp_path: Path, options: tuple[object, ...], undisturbed: dict[str, Any]
) -> None:
    """In the middle of a simulation, which another one does: nothing is lost, nothing is there twice."""
    notes = tmp_path / "notes"
    with cluster(tmp_path / "cluster", SPARSESIM_TEST_NOTES=notes) as there:
        command = sweep(tmp_path / "study", *options, "--scheduler", there.address)
        with started(tmp_path / "sweep", *command) as running:
            killed = _killed_inside(running, notes, tmp_path / "study")
    assert killed.status == 0
    _check_done_once(tmp_path / "study", undisturbed)
    _check_killed(notes, killed)


@pytest.mark.slow
def test_a_worker_of_this_machine_killed(
    tmp_path: Path, options: tuple[object, ...], undisturbed: dict[str, Any]
) -> None:
    """The same for the workers that a sweep starts itself."""
    notes = tmp_path / "notes"
    command = sweep(tmp_path / "study", *options, "--workers", 2)
    with started(tmp_path / "sweep", *command, SPARSESIM_TEST_NOTES=notes) as running:
        killed = _killed_inside(running, notes, tmp_path / "study")
    assert killed.status == 0
    _check_done_once(tmp_path / "study", undisturbed)
    _check_killed(notes, killed)


def _killed_inside(running: Running, notes: Path, folder: Path) -> _Killed:
    """Kill a worker in the middle of a simulation."""
    until(lambda: stored(folder) >= 2, "two rows are stored")
    worker = stopped_inside(notes)
    before, known = stored_simulations(folder), len(noted(notes, "start"))
    kill(worker)
    return _Killed(running.ended().status, worker.pid, before, known)


@pytest.mark.slow
def test_a_scheduler_killed(tmp_path: Path, options: tuple[object, ...], undisturbed: dict[str, Any]) -> None:
    """The sweep says so and ends; with another scheduler, then without one, it goes on where it was."""
    folder = tmp_path / "study"
    _lose_the_scheduler(tmp_path, *sweep(folder, *options))
    first, simulated = provenance(folder), stored_simulations(folder)
    assert 3 <= len(first) < POINTS
    with cluster(tmp_path / "second", SPARSESIM_TEST_NOTES=tmp_path / "notes2") as there:
        command = sweep(folder, *options, "--scheduler", there.address)
        with started(tmp_path / "sweep2", *command) as running:
            until(lambda: stored(folder) > len(first), "the study goes on")
            kill(running)
    second = provenance(folder)
    assert second.items() >= first.items()
    assert not simulated & {key for key, _ in noted(tmp_path / "notes2", "start")}
    simulated = stored_simulations(folder)
    command = sweep(folder, *options, "--workers", 2)
    assert ran(tmp_path / "sweep3", *command, SPARSESIM_TEST_NOTES=tmp_path / "notes3").status == 0
    assert provenance(folder).items() >= second.items()
    assert not simulated & {key for key, _ in noted(tmp_path / "notes3", "start")}
    _check_done_once(folder, undisturbed)


def _lose_the_scheduler(tmp_path: Path, *command: object) -> None:
    """Kill the scheduler of a sweep that has stored some rows; it ends soon, with a sentence."""
    notes = tmp_path / "notes1"
    with (
        cluster(tmp_path / "first", SPARSESIM_TEST_NOTES=notes) as there,
        started(tmp_path / "sweep1", *command, "--scheduler", there.address) as running,
    ):
        until(lambda: stored(tmp_path / "study") >= 3, "three rows are stored")
        # A worker that stands still keeps the sweep from its end until the scheduler is gone.
        stopped_inside(notes)
        kill(there.scheduler)
        before = time.monotonic()
        ended = running.ended()
    assert time.monotonic() - before < GIVEN_UP_SECONDS
    assert ended.status == 1
    rows = stored(tmp_path / "study")
    assert f"error: the connection to the scheduler is lost; {rows} points are stored in" in ended.words()
    assert "and the same command goes on from there." in ended.words()


@pytest.mark.slow
def test_no_scheduler_answers(tmp_path: Path, options: tuple[object, ...]) -> None:
    """One sentence that names the option, and how the address should look."""
    ended = ran(tmp_path / "sweep", *sweep(tmp_path / "study", *options, "--scheduler", "tcp://127.0.0.1:9"))
    assert ended.status == 2
    assert "error: --scheduler tcp://127.0.0.1:9: no Dask scheduler answers" in ended.words()
