"""Does a study survive what ends the command that runs it: kill -9 at any moment, Ctrl-C, a full disk?

All through the real command line, in processes of their own, with the real engine and real workers.
"""

from __future__ import annotations

import os
import random
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

POINTS = 48
KILLS = 20
# A worker notices within a second or so that who started it is gone; the rest is for a loaded computer.
ORPHAN_SECONDS = 20
Options = tuple[object, ...]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A small study; enough samples that a simulation can be met in its middle."""
    recorded = trace(tmp_path_factory.mktemp("trace") / "t.npz", samples=100)
    return ("--trace", recorded, "--vary", "groups=14,28,42,56,70,84", "--vary", "kilobytes=64:288:32")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, options: Options) -> dict[str, Any]:
    """What the study holds when nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert ran(folder / "sweep", *sweep(folder / "study", *options, "--workers", 2)).status == 0
    return content(folder / "study")


def _check_nobody_left(running: Running) -> None:
    until(lambda: not running.members(), f"{running.members()} end", ORPHAN_SECONDS)


def _finish(folder: Path, undisturbed: dict[str, Any], *options: object) -> Ended:
    """The same command undisturbed: what was there stays as it is, and no stored simulation runs again."""
    before, simulated, notes = (
        provenance(folder),
        stored_simulations(folder),
        folder.parent / "notes-of-finish",
    )
    ended = ran(
        folder.parent / "finish", *sweep(folder, *options, "--workers", 2), SPARSESIM_TEST_NOTES=notes
    )
    assert ended.status == 0, ended.err
    assert provenance(folder).items() >= before.items()
    assert not simulated & {key for key, _ in noted(notes, "start")}
    assert content(folder) == undisturbed
    assert {attempts for _, attempts, *_ in provenance(folder).values()} == {1}
    return ended


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, options: Options, undisturbed: dict[str, Any]) -> None:
    """Starting, running, finishing, alone and with a cluster: rows that were there stay, no worker does."""
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
    assert len(hits) > KILLS / 2 and len(set(hits) - {0, POINTS}) > 3
    _finish(folder, undisturbed, *options)


def _wait_for_a_moment(running: Running, folder: Path, generator: random.Random) -> None:
    """A random moment: while it starts (or ends, where nothing is left to do), or while rows land."""
    if generator.random() < 0.3:
        time.sleep(generator.uniform(0, 3))
        return
    rows = min(stored(folder) + generator.randint(1, 2), POINTS)
    until(lambda: stored(folder) >= rows or not running.alive(), "rows")
    time.sleep(generator.uniform(0, 0.05))


@pytest.mark.slow
@pytest.mark.parametrize("to", ["process", "terminal"])
def test_interrupted(to: str, tmp_path: Path, options: Options, undisturbed: dict[str, Any]) -> None:
    """Ctrl-C, which a terminal sends to the workers as well: a sentence, status 130, and nothing is lost."""
    ended = _signalled(tmp_path, options, signal.SIGINT, os.killpg if to == "terminal" else os.kill)
    assert ended.status == 130
    rows = stored(tmp_path / "study")
    assert 2 <= rows < POINTS
    safe = (
        f"error: interrupted; {rows} points are stored in {tmp_path / 'study'}, and the same command goes on"
    )
    assert safe in ended.words()
    _finish(tmp_path / "study", undisturbed, *options)


@pytest.mark.slow
def test_terminated(tmp_path: Path, options: Options, undisturbed: dict[str, Any]) -> None:
    """SIGTERM, as batch systems send it, does the same."""
    ended = _signalled(tmp_path, options, signal.SIGTERM, os.kill)
    assert ended.status == 128 + signal.SIGTERM
    _check_said(ended, "terminated", tmp_path / "study")
    _finish(tmp_path / "study", undisturbed, *options)


def _check_said(ended: Ended, what: str, folder: Path) -> None:
    rows = stored(folder)
    assert 2 <= rows < POINTS
    assert f"error: {what}; {rows} points are stored in {folder}, and the same command" in ended.words()


def _signalled(
    tmp_path: Path, options: Options, number: signal.Signals, send: Callable[[int, int], None]
) -> Ended:
    """A sweep that is sent a signal while it runs; its scratch files and its workers are gone afterwards."""
    folder, notes = tmp_path / "study", tmp_path / "notes"
    command = sweep(folder, *options, "--workers", 2)
    with started(tmp_path / "sweep", *command, SPARSESIM_TEST_NOTES=notes) as running:
        until(lambda: stored(folder) >= 2, "two rows are stored")
        # A worker that stands still keeps the sweep from its end until it is signalled.
        stopped_inside(notes)
        send(running.pid, number)
        ended = running.ended()
        _check_nobody_left(running)
    assert not list(tmp_path.glob("sparsesim-*"))
    return ended


@pytest.mark.slow
def test_two_at_once(tmp_path: Path, options: Options, undisturbed: dict[str, Any]) -> None:
    """The second is refused while the first runs; reading goes on all the time."""
    folder, notes = tmp_path / "study", tmp_path / "notes"
    command = sweep(folder, *options, "--workers", 2)
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
    assert 2 <= len(frame) < POINTS and set(frame["status"]) == {"done"}
    assert content(folder) == undisturbed


_ON_SMALL_DISK = """
import sys
from pathlib import Path
from tests.integration.test_study_survives import on_a_small_disk
on_a_small_disk(Path(sys.argv[1]), tuple(sys.argv[2:]))
print("whole")
"""


def on_a_small_disk(disk: Path, options: Options) -> None:
    """A disk that fills up in the middle, then one that is full from the start of the next run."""
    folder, ballast = disk / "study", disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    ballast.write_bytes(bytes(free - (260 << 10)))
    first = ran(disk.parent / "first", *sweep(folder, *options, "--workers", 2))
    assert first.status in (1, 2), first.err
    rows = stored(folder)
    assert 0 < rows < POINTS
    assert "make room" in first.words() and f"{rows} " in first.words(), first.words()
    known = content(folder)
    again = ran(disk.parent / "again", *sweep(folder, *options, "--workers", 2))
    assert again.status in (1, 2) and "make room" in again.words(), again.err
    assert content(folder).items() >= known.items()
    ballast.unlink()
    undisturbed = disk.parent / "undisturbed"
    assert ran(disk.parent / "other", *sweep(undisturbed, *options, "--workers", 2)).status == 0
    _finish(folder, content(undisturbed), *options)


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, options: Options) -> None:
    """A sentence and rows that are safe; with room again the same command goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    namespaces = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = 'mount -t tmpfs -o size=2m tmpfs "$0"'
    try:
        subprocess.run([*namespaces, "sh", "-c", mount, str(disk)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this computer lets a test mount no file system of its own ({error})")
    inside = f'{mount} && exec "$@"'
    done = subprocess.run(
        [
            *namespaces, "sh", "-c", inside, str(disk), sys.executable, "-c", _ON_SMALL_DISK, str(disk),
            *map(str, options),
        ],
        check=False, capture_output=True, text=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr
