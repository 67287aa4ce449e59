"""Does a study survive what ends the command that runs it: kill -9 at any moment, Ctrl-C, a full disk?

All through the real command line, in processes of their own, with the real engine and real workers.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparsesim
from tests.builders_sweeps import (
    REPOSITORY,
    Ended,
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

KILLS = 20
# A worker notices within a second or so that who started it is gone; the rest is for a loaded computer.
ORPHAN_SECONDS = 20
Options = tuple[object, ...]
SOME, MANY = 12, 48
_KILOBYTES = {SOME: "kilobytes=64,96", MANY: "kilobytes=64:288:32"}


def _points(recorded: Path, number: int) -> Options:
    """The options for SOME or MANY points; the first are among the second."""
    return ("--trace", recorded, "--vary", "groups=14,28,42,56,70,84", "--vary", _KILOBYTES[number])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small, with enough samples that a simulation can be met in its middle."""
    return trace(tmp_path_factory.mktemp("trace") / "t.npz", samples=100)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, recorded: Path) -> dict[str, Any]:
    """What a study of MANY points holds when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    command = sweep(folder / "study", *_points(recorded, MANY), "--workers", 2)
    assert ran(folder / "sweep", *command).status == 0
    return content(folder / "study")


def _check_nobody_left(running: Running) -> None:
    until(lambda: not running.members(), f"{running.members()} end", ORPHAN_SECONDS)


def _finish(folder: Path, recorded: Path, points: int) -> dict[str, Any]:
    """The same command undisturbed: what was there stays, no stored simulation runs again; all there is."""
    before, simulated = provenance(folder), stored_simulations(folder)
    notes = folder.with_name("notes-of-finish")
    command = sweep(folder, *_points(recorded, points), "--workers", 2)
    ended = ran(folder.with_name("finish"), *command, SPARSESIM_TEST_NOTES=notes)
    assert ended.status == 0, ended.err
    after = provenance(folder)
    assert len(after) == points and after.items() >= before.items()
    assert not simulated & {key for key, _ in noted(notes, "start")}
    assert {attempts for _, attempts, *_ in after.values()} == {1}
    return content(folder)


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, recorded: Path, undisturbed: dict[str, Any]) -> None:
    """Starting, running, finishing, alone and with a cluster: rows that were there stay, no worker does."""
    options = _points(recorded, MANY)
    folder, generator, known, hits = tmp_path / "study", random.Random(3), {}, []
    with cluster(tmp_path / "cluster") as there:
        for number in range(KILLS):
            where = ("--scheduler", there.address) if number % 2 else ("--workers", 2)
            with started(tmp_path / "sweep", *sweep(folder, *options, *where)) as running:
                _wait_for_a_moment(running, folder, generator)
                told = provenance(folder) if stored(folder) else {}
                kill(running)
                if running.process.wait() == -signal.SIGKILL:
                    hits.append(len(told))
                _check_nobody_left(running)
            before, known = known, content(folder) if stored(folder) else {}
            assert known.items() >= before.items()
            assert not told or provenance(folder).items() >= told.items()
    assert undisturbed.items() >= known.items()
    assert len(hits) > KILLS / 2 and len(set(hits) - {0, MANY}) > 3
    assert _finish(folder, recorded, MANY) == undisturbed


def _wait_for_a_moment(running: Running, folder: Path, generator: random.Random) -> None:
    """A random moment: while it starts (or ends, where nothing is left to do), or while rows land."""
    if generator.random() < 0.3:
        time.sleep(generator.uniform(0, 3))
        return
    rows = min(stored(folder) + generator.randint(1, 2), MANY)
    until(lambda: stored(folder) >= rows or not running.alive(), "rows")
    time.sleep(generator.uniform(0, 0.05))


@pytest.mark.slow
@pytest.mark.parametrize("to", ["process", "terminal"])
def test_interrupted(to: str, tmp_path: Path, recorded: Path, undisturbed: dict[str, Any]) -> None:
    """Ctrl-C, which a terminal sends to the workers as well: a sentence, status 130, and nothing is lost."""
    ended = _signalled(tmp_path, recorded, signal.SIGINT, os.killpg if to == "terminal" else os.kill)
    assert ended.status == 130
    rows = stored(tmp_path / "study")
    assert 2 <= rows < SOME
    safe = (
        f"error: interrupted; {rows} points are stored in {tmp_path / 'study'}, and the same command goes on"
    )
    assert safe in ended.words()
    assert _finish(tmp_path / "study", recorded, SOME).items() <= undisturbed.items()


@pytest.mark.slow
def test_terminated(tmp_path: Path, recorded: Path, undisturbed: dict[str, Any]) -> None:
    """SIGTERM, as batch systems send it, does the same."""
    ended = _signalled(tmp_path, recorded, signal.SIGTERM, os.kill)
    assert ended.status == 128 + signal.SIGTERM
    _check_said(ended, "terminated", tmp_path / "study")
    assert _finish(tmp_path / "study", recorded, SOME).items() <= undisturbed.items()


def _check_said(ended: Ended, what: str, folder: Path) -> None:
    rows = stored(folder)
    assert 2 <= rows < SOME
    assert f"error: {what}; {rows} points are stored in {folder}, and the same command" in ended.words()


def _signalled(
    tmp_path: Path, recorded: Path, number: signal.Signals, send: Callable[[int, int], None]
) -> Ended:
    """A sweep that is sent a signal while it runs; its scratch files and its workers are gone afterwards."""
    folder, notes = tmp_path / "study", tmp_path / "notes"
    command = sweep(folder, *_points(recorded, SOME), "--workers", 2)
    with started(tmp_path / "sweep", *command, SPARSESIM_TEST_NOTES=notes) as running:
        until(lambda: stored(folder) >= 2, "two rows are stored")
        # A worker that stands still keeps the sweep from its end until it is signalled.
        worker = stopped_inside(notes)
        send(running.pid, number)
        worker.resume()
        ended = running.ended()
        _check_nobody_left(running)
    assert not list(tmp_path.glob("sparsesim-*"))
    return ended


@pytest.mark.slow
def test_two_at_once(tmp_path: Path, recorded: Path, undisturbed: dict[str, Any]) -> None:
    """The second is refused while the first runs; reading goes on all the time."""
    folder, notes = tmp_path / "study", tmp_path / "notes"
    command = sweep(folder, *_points(recorded, SOME), "--workers", 2)
    with started(tmp_path / "first", *command, SPARSESIM_TEST_NOTES=notes) as first:
        until(lambda: stored(folder) >= 2, "two rows are stored")
        worker = stopped_inside(notes)
        second = ran(tmp_path / "second", *command)
        shown = ran(tmp_path / "show", "sparsesim", "show", folder)
        frame = sparsesim.load_study(folder)
        assert first.alive()
        worker.resume()
        assert first.ended().status == 0
    assert second.status == 2
    assert f"error: {folder}: is being written by process {first.pid} on " in second.words()
    assert shown.status == 0 and "points done." in shown.out
    assert 2 <= len(frame) < SOME and set(frame["status"]) == {"done"}
    assert content(folder).items() <= undisturbed.items()


_ON_SMALL_DISK = """
import sys
from pathlib import Path
from tests.integration.test_study_survives import on_a_small_disk
on_a_small_disk(Path(sys.argv[1]), Path(sys.argv[2]))
print("whole")
"""


def on_a_small_disk(disk: Path, recorded: Path) -> None:
    """A disk that fills up in the middle, and is full when the next run starts; leaves a copy beside it."""
    folder, ballast = disk / "study", disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - (260 << 10)))
    command = sweep(folder, *_points(recorded, SOME), "--workers", 2)
    first = ran(disk.with_name("first"), *command)
    rows, known = stored(folder), content(folder)
    assert first.status == 2 and 0 < rows < SOME, first.err
    assert f"error: {folder}: no space" in first.words() and f"{rows} rows" in first.words(), first.words()
    again = ran(disk.with_name("again"), *command)
    assert again.status == 2 and "make room" in again.words(), again.err
    assert content(folder).items() >= known.items()
    ballast.unlink()
    _finish(folder, recorded, SOME)
    shutil.copytree(folder, disk.with_name("copy"))


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, recorded: Path, undisturbed: dict[str, Any]) -> None:
    """A sentence and rows that are safe; with room again the same command goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    namespaces = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = 'mount -t tmpfs -o size=2m tmpfs "$0"'
    try:
        subprocess.run([*namespaces, "sh", "-c", mount, str(disk)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this computer lets a test mount no file system of its own ({error})")
    script = (sys.executable, "-c", _ON_SMALL_DISK, str(disk), str(recorded))
    done = subprocess.run(
        [*namespaces, "sh", "-c", f'{mount} && exec "$@"', str(disk), *script],
        check=False, capture_output=True, text=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr
    assert content(tmp_path / "copy").items() <= undisturbed.items()
