"""Does a study survive what ends a run: kill -9 at any moment, a full disk, a second writer?

The writers are processes of their own (tests/builders_store.py), which tell what they have stored.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sparsesim.study.store import Study, StudyWriter, read_study, write_study
from tests.builders_store import CODE, DEATHS, PLAN, begun, done, key, table
from workloads.errors import UserError

REPOSITORY = Path(__file__).parents[2]
KILLS = 20
WRITER = (sys.executable, "-m", "tests.builders_store")


@contextlib.contextmanager
def _writer(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that writes until it is killed, at the latest when the block ends; it is ready."""
    command = [*WRITER, str(folder), *map(str, arguments)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _killed_after(process: subprocess.Popen[str], puts: int, seconds: float) -> int:
    """Kill a writer some time after this many puts; returns the last index it has told to be stored."""
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(puts)][-1]
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return max(told, _told(process))


def _told(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    told = process.stdout.read().split()
    assert process.wait() == -signal.SIGKILL
    return int(told[-1]) if told else -1


def _check_index(folder: Path) -> None:
    connection = sqlite3.connect(folder / "index.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def _check_rows(study: Study, indices: Sequence[int]) -> None:
    """Each of these points has its row, with its own figures and its own records."""
    found = study.statuses(key(index) for index in indices)
    for index in indices:
        row = study.row(found[key(index)].row)
        assert row.figures["with_dram_cycles"] == 1000 + index
        records = study.records(f"simulation {index}")
        assert records is not None
        assert records.equals(table(index))


def _check_whole(study: Study, rows_per_put: int) -> int:
    """Whole puts alone are there, all rows have their records; returns the number of rows."""
    stored = study.counts().done
    assert stored % rows_per_put == 0
    assert sorted(row.settings["array.groups"] for row in study.rows()) == list(range(stored))
    assert len(study.planned(PLAN, 0, 10**9)) == stored
    assert len(study.stored_simulations(f"simulation {i}" for i in range(stored + 10))) == stored
    return stored


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """What was told to be stored is there, whole; the next writer goes on in the same folder."""
    folder, generator, stored = tmp_path / "study", random.Random(20), 0
    for _ in range(KILLS):
        # Shards of 8, so that every second put moves records and many kills hit that.
        with _writer(folder, stored, 4, 8) as process:
            told = _killed_after(process, generator.randint(1, 12), generator.uniform(0, 0.02))
        with read_study(folder) as study:
            before, stored = stored, _check_whole(study, 4)
            assert stored > told >= before + 3
            _check_rows(study, range(before, stored))
        _check_index(folder)
    with begun(folder) as study:
        study.put([done(stored)])
        _check_rows(study, range(stored + 1))


@pytest.mark.parametrize("death", DEATHS)
def test_killed_in_a_compaction(tmp_path: Path, death: str) -> None:
    """Shard not named yet, named but not in the index, just entered: no record is lost or doubled."""
    with _writer(tmp_path, 0, 3, 6, death) as process:
        told = _told(process)
    with read_study(tmp_path) as study:
        stored = _check_whole(study, 3)
        # The put itself was committed, only its return was not told.
        assert stored == told + 1 + 3
        _check_rows(study, range(stored))
    with begun(tmp_path) as study:
        study.put([done(i) for i in range(stored, stored + 64)])
        _check_rows(study, range(stored + 64))
        assert sum(records.num_rows for records in study.all_records()) == 20 * (stored + 64)
    assert not list((tmp_path / "records").glob("*.partial"))


# Of a new study: nothing there, the file empty, tables half made, all but the commit, committed.
@pytest.mark.parametrize("statement", [1, 2, 4, 5, 12, 17, 18, 19, 20])
def test_killed_while_it_is_made(tmp_path: Path, statement: int) -> None:
    """From the first moments of a study on, the folder can be opened again."""
    subprocess.run([*WRITER, tmp_path / "study", "0", "1", "8", str(statement)], cwd=REPOSITORY, check=False)
    if statement < 20:
        with pytest.raises(UserError, match="the study is empty"):
            read_study(tmp_path / "study")
    else:
        read_study(tmp_path / "study").close()
    with begun(tmp_path / "study") as study:
        study.put([done(0)])
        _check_rows(study, [0])


def test_one_writer_and_many_readers(tmp_path: Path) -> None:
    """A second writer is refused while the first lives; readers see whole puts alone, all the time."""
    with _writer(tmp_path, 0, 5, 8) as process:
        with pytest.raises(UserError, match=f"is being written by process {process.pid} on "):
            write_study(tmp_path, code=CODE)
        sizes: set[int] = set()
        with read_study(tmp_path) as study:
            while len(sizes) < 25:
                sizes.add(stored := study.counts().done)
                assert stored % 5 == 0
                _check_rows(study, range(max(stored - 5, 0), stored))
        process.kill()
        process.wait()
        with write_study(tmp_path, code=CODE) as writer:
            _check_whole(writer, 5)


def test_memory_is_flat(tmp_path: Path) -> None:
    """Storing and reading 2,000 rows needs no more memory than 400."""
    with begun(tmp_path / "study") as study:
        seen = []
        for start in range(0, 2000, 20):
            study.put([done(i) for i in range(start, start + 20)])
            if start % 400 == 380:
                assert sum(1 for _ in study.rows()) == start + 20
                assert sum(records.num_rows for records in study.all_records()) == 20 * (start + 20)
                seen.append(_resident_bytes())
    assert max(seen[1:]) - seen[0] < 12 << 20


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


# A full disk. The same function runs on a small file system and under a limit of the size of files.


def fill(folder: Path, points: int) -> int:
    """Put points one by one until there is no room; every one that was put stays. Returns their number."""
    put = 0
    try:
        with begun(folder) as study:
            for index in range(points):
                study.put([done(index)])
                put = index + 1
    except UserError as error:
        assert "make room" in str(error) or "check the disk" in str(error), error
    return put


def check_filled(folder: Path, put: int) -> None:
    """The study opens, on the full disk too, and has the rows that were put (the last may be untold)."""
    with read_study(folder) as study:
        stored = _check_whole(study, 1)
        assert put <= stored <= put + 1
        _check_rows(study, range(stored))


def check_goes_on(folder: Path, put: int) -> None:
    """With room again, the same folder takes what did not fit."""
    with begun(folder) as study:
        study.put([done(i) for i in range(put + 70)])
        _check_rows(study, range(put + 70))
    _check_index(folder)


_ON_SMALL_DISK = """
import shutil, sys
from pathlib import Path
from tests.integration.test_store_survives import *
disk = Path(sys.argv[1])
sizes = []
for kilobytes in range(20, 980, 90):
    ballast, folder = disk / "ballast", disk / "study"
    # What the ballast leaves free differs, so the disk is full in another step each time.
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - (kilobytes << 10)))
    try:
        put = fill(folder, 200)
        if put:
            check_filled(folder, put)
    finally:
        ballast.unlink()
    check_goes_on(folder, put)
    sizes.append(put)
    shutil.rmtree(folder)
assert sizes[0] == 0 and sizes[-1] > 64 and sizes == sorted(sizes), sizes
print("whole")
"""

_READ_ONLY = """
import subprocess, sys
from pathlib import Path
from tests.integration.test_store_survives import *
folder, whole = Path(sys.argv[1]) / "study", Path(sys.argv[1]) / "whole"
leave_a_journal(folder)
with begun(whole) as study:
    study.put([done(i) for i in range(5)])
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
assert before[folder / "index.sqlite-journal"]
for path, rows in ((folder, 70), (whole, 5)):
    with read_study(path) as study:
        assert study.counts() == (rows, 0)
        for index in range(rows):
            assert study.records(f"simulation {index}").equals(table(index))
try:
    write_study(folder, code=CODE)
except UserError as error:
    assert "cannot be used now" in str(error), error
else:
    raise AssertionError("written")
print("whole")
"""


def leave_a_journal(folder: Path) -> None:
    """A study of 70 rows whose writer was killed in the middle of overwriting the index."""
    with begun(folder) as study:
        study.put([done(i) for i in range(70)])
    child = os.fork()
    if child == 0:
        _die_overwriting(folder)
    os.waitpid(child, 0)


def _die_overwriting(folder: Path) -> None:
    connection = sqlite3.connect(folder / "index.sqlite", isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # what does not fit is written before the commit
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE rows SET status = 'failed', traceback = hex(randomblob(20000))")
    os.kill(os.getpid(), signal.SIGKILL)


def _on_small_disk(folder: Path, script: str, megabytes: int) -> None:
    """Run a script in a file system of its own in memory, which vanishes with the process."""
    namespaces = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0"'
    try:
        subprocess.run([*namespaces, "sh", "-c", mount, str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this computer lets a test mount no file system of its own ({error})")
    inside = f'{mount} && exec "$1" -c "$2" "$0"'
    done_there = subprocess.run(
        [*namespaces, "sh", "-c", inside, str(folder), sys.executable, script],
        check=False, capture_output=True, text=True, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": "."},
    )  # fmt: skip
    assert (done_there.returncode, done_there.stdout) == (0, "whole\n"), done_there.stderr


def test_a_full_disk(tmp_path: Path) -> None:
    """Full at eleven different steps: rows stay, reading works on the full disk, room lets it go on."""
    _on_small_disk(tmp_path, _ON_SMALL_DISK, 4)


def test_a_read_only_disk_with_a_half_done_transaction(tmp_path: Path) -> None:
    """Reading rolls back in a copy what a killed writer left; nothing can be written, nothing is."""
    _on_small_disk(tmp_path, _READ_ONLY, 16)


@contextlib.contextmanager
def _files_up_to(kilobytes: int) -> Iterator[None]:
    """No file may grow beyond; Python ignores the signal and gets an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kilobytes", [8, 150, 300])
def test_files_that_may_not_grow(tmp_path: Path, kilobytes: int) -> None:
    """What needs no rights to test: writes fail in the middle of a file."""
    folder = tmp_path / "study"
    with _files_up_to(kilobytes):
        put = fill(folder, 1000)
        assert kilobytes // 30 <= put < 1000
        if put:
            check_filled(folder, put)
    check_goes_on(folder, put)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    begun(tmp_path / "study").close()
    with read_study(tmp_path / "study") as study:
        assert not isinstance(study, StudyWriter)
        with pytest.raises(UserError, match="readonly"):
            study._database.run("DELETE FROM meta")
