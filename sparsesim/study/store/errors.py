"""What can go wrong with a study's folder, as one sentence a user can act on."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from workloads.errors import UserError

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Every extended SQLite code has its primary code in the low byte.
PRIMARY = 0xFF
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_ACCESS = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
)


class StoreUnwritable(UserError):
    """The folder refused a read or a write; every row stored before is safe."""


class StoreFull(StoreUnwritable):
    """No space is left: a full disk, a quota, or the largest file allowed."""


def from_os(folder: Path, error: OSError, stored_rows: int | None) -> StoreUnwritable:
    """The sentence for a failed file operation; stored_rows: rows in the index, None if not known."""
    if error.errno in NO_SPACE:
        return _full(folder, stored_rows)
    return refused(folder, error.strerror or str(error), stored_rows)


def from_sqlite(folder: Path, error: sqlite3.Error, stored_rows: int | None) -> UserError:
    """The sentence for a failed SQLite statement; stored_rows: rows in the index, None if not known."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & PRIMARY
    if code == sqlite3.SQLITE_FULL:
        return _full(folder, stored_rows)
    if code in _BUSY:
        return refused(folder, f"another program keeps it locked ({error})", stored_rows)
    if code in _ACCESS:
        return refused(folder, str(error), stored_rows)
    return damaged(folder, str(error))


def damaged(folder: Path, what: str) -> UserError:
    """The sentence for an index or a table whose bytes make no sense."""
    return UserError(
        f"{folder}: the study is damaged ({what}); restore the folder from a copy, or make the study "
        "again in another one."
    )


def _full(folder: Path, stored_rows: int | None) -> StoreFull:
    return StoreFull(
        f"{folder}: no space left; {_safe(stored_rows)}; make room and run the same command again."
    )


def refused(folder: Path, what: str, stored_rows: int | None) -> StoreUnwritable:
    """The sentence for a folder that cannot be used now, but may be later."""
    return StoreUnwritable(
        f"{folder}: cannot be used now: {what}; {_safe(stored_rows)}; "
        "check the disk, its quota and the permissions, and run the same command again."
    )


def _safe(stored_rows: int | None) -> str:
    if stored_rows is None:
        return "what was stored is safe"
    return f"{stored_rows} {'row is' if stored_rows == 1 else 'rows are'} stored and safe"
