"""What becomes of points that cannot be simulated, and of those beside them?

A layer that does not fit, an error nobody foresaw, a simulation that needs more memory than its worker has:
with real workers, through the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparsesim.study.store import StoredRow, read_study
from tests.builders_sweeps import Ended, cluster, content, noted, provenance, ran, sweep, trace

MISFIT = "cannot be mapped"

_HARSH = {"WORKER_SATURATION": "inf", "ALLOWED_FAILURES": "0"}


def _rows(folder: Path, *settings: str) -> dict[tuple[object, ...], StoredRow]:
    """Rows by the values of these settings."""
    with read_study(folder) as study:
        return {tuple(row.settings.get(name) for name in settings): row for row in study.rows()}


@pytest.mark.slow
def test_points_that_raise(tmp_path: Path) -> None:
    """They are recorded with what went wrong, the others are done; --retry-failed runs them again."""
    folder, notes = tmp_path / "study", tmp_path / "notes"
    # Rows of 9,000 words fit no buffer of eight kilobytes.
    recorded = trace(tmp_path / "t.npz", size=(2, 2, 9000))
    options = ("--trace", recorded, "--vary", "groups=14,28,56", "--vary", "kilobytes=8,1024", "--workers", 2)
    first = ran(tmp_path / "first", *sweep(folder, *options), SPARSESIM_TEST_RAISE=28)
    assert first.status == 0 and "2 points done, 4 points failed." in first.out, first.err
    _check_failures(folder)
    before, known = provenance(folder), content(folder)

    again = ran(tmp_path / "again", *sweep(folder, *options), SPARSESIM_TEST_NOTES=notes)
    assert again.status == 0 and not noted(notes, "start")
    assert "6 of them are stored already, 4 of these failed." in again.words()
    assert provenance(folder) == before

    retried = ran(
        tmp_path / "retried", *sweep(folder, *options, "--retry-failed"), SPARSESIM_TEST_NOTES=notes
    )
    assert retried.status == 0 and "3 points done, 3 points failed." in retried.out, retried.err
    _check_retried(folder)
    assert content(folder).items() >= {key: row for key, row in known.items() if row[0] == "done"}.items()
    after = provenance(folder)
    assert len(after.items() & before.items()) == 2
    assert {key: number for key, (number, *_) in after.items()} == {
        key: number for key, (number, *_) in before.items()
    }


def _check_failures(folder: Path) -> None:
    """Machines of 28 groups met the error nobody foresaw, the layer does not fit small buffers."""
    for (groups, kilobytes), row in _rows(folder, "array.groups", "buffer.kilobytes").items():
        if groups == 28:
            assert (row.status, row.error_kind, row.error) == (
                "failed",
                "ZeroDivisionError",
                "nobody foresaw this",
            )
            assert row.traceback.startswith("Traceback") and "raise ZeroDivisionError" in row.traceback
        elif kilobytes == 8:
            assert (row.status, row.error_kind) == ("failed", "MappingError")
            assert MISFIT in row.error and "buffer.kilobytes" in row.error and "MappingError" in row.traceback
        else:
            assert (row.status, row.error, row.traceback) == ("done", "", "")
        assert row.attempts == 1


def _check_retried(folder: Path) -> None:
    for (groups, kilobytes), row in _rows(folder, "array.groups", "buffer.kilobytes").items():
        assert row.status == ("failed" if kilobytes == 8 else "done")
        assert (MISFIT in row.error) == (kilobytes == 8)
        assert row.attempts == (1 if kilobytes == 1024 and groups != 28 else 2)
        assert bool(row.figures) == bool(row.simulations) == (row.status == "done")


def test_no_point_is_done(tmp_path: Path) -> None:
    """Then the command failed, and says why."""
    recorded = trace(tmp_path / "t.npz", size=(2, 2, 9000))
    options = ("--trace", recorded, "--set", "kilobytes=8", "--vary", "groups=14,28", "--workers", 1)
    ended = ran(tmp_path / "sweep", *sweep(tmp_path / "study", *options))
    assert ended.status == 1
    assert "2 points failed." in ended.out and MISFIT in ended.out
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.slow
def test_a_point_out_of_memory(tmp_path: Path) -> None:
    """Its workers are ended and replaced; the sentence says what to do, and the points beside it are done."""
    folder = tmp_path / "study"
    small = trace(tmp_path / "small.npz", samples=100)
    big = trace(tmp_path / "big.npz", size=(1024, 512, 512))  # a simulation of it needs 850 MiB
    points = [{"trace": small, "groups": groups} for groups in (14, 28, 42, 56, 70, 84, 98, 112)]
    points.insert(2, {"trace": big, "groups": 14})
    study = tmp_path / "study.json"  # which is YAML
    study.write_text(json.dumps({"points": points}, default=str), encoding="utf-8")
    command = ("sparsesim", "sweep", study, "--out", folder, "--no-figure", "--workers", 2)
    ended = ran(tmp_path / "sweep", *command, "--memory", "512MiB")
    assert ended.status == 0 and "8 points done, 1 point failed." in ended.out, ended.out + ended.err
    _check_blamed(folder, ended, {(str(big), 14)})


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "cluster"])
def test_processes_that_are_killed(where: str, tmp_path: Path) -> None:
    """What the kernel does when memory runs out: only points that were there every time are blamed."""
    recorded = trace(tmp_path / "t.npz", samples=300)
    folder, environment = tmp_path / "study", {"SPARSESIM_TEST_DIE": 42}
    command = sweep(folder, "--trace", recorded, "--vary", "groups=14,28,42,56,70,84,98,112")
    if where == "here":
        ended = ran(tmp_path / "sweep", *command, "--workers", 2, **environment)
    else:
        # A scheduler that hands workers all there is, and blames all they hold for their first death.
        harsh = {f"DASK_DISTRIBUTED__SCHEDULER__{name}": value for name, value in _HARSH.items()}
        with cluster(tmp_path / "cluster", **environment, **harsh) as there:
            ended = ran(tmp_path / "sweep", *command, "--scheduler", there.address)
    assert ended.status == 0 and "7 points done, 1 point failed." in ended.out, ended.out + ended.err
    _check_blamed(folder, ended, {(str(recorded), 42)})


def _check_blamed(folder: Path, ended: Ended, blamed: set[tuple[object, ...]]) -> None:
    rows = _rows(folder, "trace", "array.groups", "buffer.kilobytes")
    failed = {key[:2]: row for key, row in rows.items() if row.status == "failed"}
    assert set(failed) == blamed
    for row in failed.values():
        assert row.error_kind == "KilledWorker" and "different workers" in row.traceback
        assert "likely out of memory: give the workers more (--memory, fewer --workers)" in row.error
    assert "the worker process died every time this point ran on it" in ended.out
    assert "Traceback" not in ended.out + ended.err
