"""Connections to the index: how safe writing is, and reading where nothing may be written."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

from sparsesim.study.store.database import BUSY_SECONDS, INDEX, Database
from sparsesim.study.store.errors import PRIMARY, from_os, from_sqlite, refused

JOURNAL = f"{INDEX}-journal"
MOST_COPIES = 5


def for_writing(folder: Path) -> Database:
    """The index of `folder` for reading and writing; an empty one is made where there is none."""
    database = Database(_open(folder, "rwc"), folder)
    # No WAL: its shared memory does not work on a network file system, and readers would have to write.
    # TRUNCATE with FULL syncs the journal's end too, so a commit that returned survives a power loss.
    database.run("PRAGMA journal_mode = TRUNCATE")
    database.run("PRAGMA synchronous = FULL")
    database.run("PRAGMA foreign_keys = ON")
    return database


def for_reading(folder: Path) -> Database:
    """The index of `folder` for reading alone; works in a read-only folder too.

    "rw" lets SQLite roll back what a killed writer left half done; where the folder is read-only it opens
    the file for reading by itself. What is half done in a read-only folder is rolled back in a copy.
    """
    connection = _open(folder, "rw")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode & PRIMARY not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise from_sqlite(folder, error, None) from error
        connection = _open_copy(folder)
    database = Database(connection, folder)
    database.run("PRAGMA query_only = ON")
    return database


def _open(folder: Path, mode: str) -> sqlite3.Connection:
    # A URI, percent-encoded, since a name may hold any byte and a '?'.
    uri = f"{(folder / INDEX).absolute().as_uri()}?mode={mode}"
    try:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    except sqlite3.DatabaseError as error:
        raise from_sqlite(folder, error, None) from error


def _open_copy(folder: Path) -> sqlite3.Connection:
    """The index rolled back in a private copy, which goes into memory."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory(prefix="sparsesim-") as scratch:
        _copy_steady(folder, Path(scratch))
        try:
            with contextlib.closing(_open(Path(scratch), "rw")) as copy:
                copy.backup(memory)
        except sqlite3.DatabaseError as error:
            raise from_sqlite(folder, error, None) from error
    return memory


def _copy_steady(folder: Path, scratch: Path) -> None:
    """Copy index and journal of one moment: again if a writer on another machine changed them meanwhile."""
    for _ in range(MOST_COPIES):
        before = _stamp(folder)
        try:
            for name in (INDEX, JOURNAL):
                shutil.copyfile(folder / name, scratch / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise from_os(folder, error, None) from None
        if _stamp(folder) == before:
            return
    raise refused(folder, "its index changed each time it was read", None)


def _stamp(folder: Path) -> list[tuple[int, int] | None]:
    return [_size_and_time(folder / name) for name in (INDEX, JOURNAL)]


def _size_and_time(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    return None
