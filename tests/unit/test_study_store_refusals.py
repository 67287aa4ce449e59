"""Does the store say clearly what it cannot do, and is everything in it safe then?"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsesim.study.store import (
    StoreFull,
    StudyWriter,
    compaction,
    read_study,
    shards,
    write_study,
)
from tests.builders_store import CODE, PLAN, begun, done, table
from workloads.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.fixture
def study(folder: Path) -> Iterator[StudyWriter]:
    with begun(folder) as opened:
        yield opened


def _shard_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "records").iterdir())


def _sql(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "index.sqlite")
    with connection:
        connection.execute(statement)
    connection.close()


# Full disks


def test_a_full_index_keeps_what_it_has_and_goes_on(study: StudyWriter, folder: Path) -> None:
    """SQLite's own limit stands for a disk that is full in the middle of a transaction."""
    study.put([done(i) for i in range(3)])
    ((pages,),) = study._database.rows("PRAGMA page_count")
    study._database.rows(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreFull) as caught:
        study.put([done(i) for i in range(3, 20)])
    assert str(caught.value) == (
        f"{folder}: no space left; 3 rows are stored and safe; make room and run the same command again."
    )
    assert study.counts() == (3, 0)
    study._database.rows("PRAGMA max_page_count = 100000")
    assert study.put([done(i) for i in range(20)]) == list(range(1, 21))
    with read_study(folder) as reader:
        assert reader.counts() == (20, 0)


@pytest.mark.parametrize("step", ["write", "rename"])
def test_no_room_for_a_shard_loses_no_record(
    study: StudyWriter, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        if step == "write":
            (folder / "records").mkdir()  # so that the first to be synced is the shard
            context.setattr(shards.os, "fsync", full)
        else:
            context.setattr(compaction, "publish", full)
        with pytest.raises(StoreFull, match="64 rows are stored and safe"):
            study.put([done(i) for i in range(64)])
    assert step == "rename" or _shard_files(folder) == []
    assert [study.records(f"simulation {i}") for i in range(64)] == [table(i) for i in range(64)]
    study.put([done(64)])
    assert [study.records(f"simulation {i}") for i in range(65)] == [table(i) for i in range(65)]
    assert len([name for name in _shard_files(folder) if name.endswith(".parquet")]) == 1


def test_what_is_stored_is_on_the_disk(
    study: StudyWriter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index syncs its commits; a shard is synced before it has its name, its folder after."""
    assert study._database.rows("PRAGMA journal_mode") == [("truncate",)]
    assert study._database.rows("PRAGMA synchronous") == [(2,)]
    synced: list[str] = []
    fsync = os.fsync

    def note(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        names = _shard_files(folder) if path.name == "records" else []
        synced.append(f"{path.suffix or path.name}{[Path(name).suffix for name in names]}")
        fsync(file)

    monkeypatch.setattr(shards.os, "fsync", note)
    study.put([done(i) for i in range(64)])
    assert synced == ["study[]", ".partial[]", "records['.parquet']"]


# One writer


def test_a_second_writer_is_told_who_writes(study: StudyWriter, folder: Path) -> None:
    with pytest.raises(UserError, match=rf"study: is being written by process {os.getpid()} on \S+ since 20"):
        write_study(folder, code=CODE)
    with read_study(folder) as reader:
        study.put([done(0)])
        assert reader.counts() == (1, 0)
    (folder / "lock").write_text('{"pid": "x"')
    with pytest.raises(UserError, match="is being written by another process; wait for it"):
        write_study(folder, code=CODE)
    study.close()
    study.close()
    write_study(folder, code=CODE).close()


def test_a_file_system_without_locks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(UserError, match=r"knows no locks \(No locks available\).*give an --out on one"):
        write_study(folder, code=CODE)


def test_rows_of_another_simulator_are_read_but_not_added(folder: Path) -> None:
    with begun(folder) as study:
        study.put([done(0)])
    before = (folder / "index.sqlite").read_bytes()
    with pytest.raises(UserError, match=r"made by sparsesim 0\.1\.0 \(made-up\), and this is 0\.2\.0 \(b\)"):
        write_study(folder, code="0.2.0 (b)")
    assert (folder / "index.sqlite").read_bytes() == before
    with read_study(folder) as reader:
        assert reader.counts() == (1, 0)
    write_study(folder, code=CODE).close()


# Folders that are no studies


def _foreign_database(folder: Path) -> None:
    folder.mkdir()
    connection = sqlite3.connect(folder / "index.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE rows (row, key, status)")
    connection.close()


def _no_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "index.sqlite").write_text("A list of my files\n" * 500)


def _newer(folder: Path) -> None:
    begun(folder).close()
    _sql(folder, "PRAGMA user_version = 2")


def _without_a_table(folder: Path) -> None:
    begun(folder).close()
    _sql(folder, "DROP TABLE meta")


def _other_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")


def _a_file(folder: Path) -> None:
    folder.write_text("x")


BAD = [
    (_foreign_database, "its index.sqlite is not of a sparsesim study"),
    (
        _no_database,
        r"the study is damaged \(file is not a database\); restore the folder from a copy, or make the study "
        "again in another one",
    ),
    (_newer, r"made by a newer sparsesim \(schema 2; this one knows 1\); update sparsesim"),
    (_other_files, "is not (empty and not )?a study"),
    (_a_file, "is not a study|Not a directory"),
]


@pytest.mark.parametrize(("make", "sentence"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_other_folders_are_refused_and_left_alone(
    folder: Path, make: Callable[[Path], None], sentence: str
) -> None:
    make(folder)
    content = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    for opened in (lambda: read_study(folder), lambda: write_study(folder, code=CODE)):
        with pytest.raises(UserError, match=sentence):
            opened()
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == content


def test_a_missing_table_is_damage(folder: Path) -> None:
    _without_a_table(folder)
    with pytest.raises(UserError, match="damaged"):
        write_study(folder, code=CODE)


def test_a_study_ended_before_it_began(folder: Path) -> None:
    """Reading says so; writing begins it."""
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "index.sqlite").touch()
    with pytest.raises(UserError, match="the study is empty"):
        read_study(folder)
    with begun(folder) as study:
        assert study.put([done(0)]) == [1]


def test_a_damaged_study_is_never_a_traceback(folder: Path) -> None:
    """Bits turned anywhere in the index or a shard: right rows, or a sentence."""
    with begun(folder) as study:
        study.put([done(i) for i in range(70)])
    generator = random.Random(1)
    sentences = 0
    for number in range(60):
        copy = folder.with_name(f"copy{number}")
        shutil.copytree(folder, copy)
        _turn_bits(generator.choice([copy / "index.sqlite", *(copy / "records").iterdir()]), generator)
        try:
            _read_everything(copy)
        except UserError as error:
            assert str(error).startswith(str(copy))
            sentences += 1
    assert sentences > 10


def _turn_bits(path: Path, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = generator.randrange(len(data))
    for place in range(start, min(start + 200, len(data))):
        data[place] = generator.randrange(256)
    path.write_bytes(data[: generator.choice([len(data), start])])


def _read_everything(folder: Path) -> None:
    with read_study(folder) as reader:
        for row in reader.rows():
            for name in row.simulations:
                reader.records(name)
            if row.machine:
                reader.text(row.machine)
        list(reader.all_records())
        reader.sessions()
        reader.planned(PLAN, 0, 100)


def test_a_missing_shard_is_named(folder: Path) -> None:
    with begun(folder) as study:
        study.put([done(i) for i in range(64)])
    (shard,) = _shard_files(folder)
    (folder / "records" / shard).unlink()
    with read_study(folder) as reader:
        assert reader.counts() == (64, 0)
        with pytest.raises(UserError, match=rf"damaged \(.*{shard}"):
            reader.records("simulation 3")


def test_strange_folder_names(tmp_path: Path) -> None:
    for name in ("a b?mode=ro#x%20&.txt", os.fsdecode(b"\xff\xfe"), "日本"):
        with begun(tmp_path / name / "deep") as study:
            study.put([done(0)])
        with read_study(tmp_path / name / "deep") as reader:
            assert reader.counts() == (1, 0)
