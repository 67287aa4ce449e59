"""The SQLite connection of a study: the only place that runs SQL and turns its errors into sentences."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sparsesim.study.store.errors import StoreUnwritable, from_os, from_sqlite
from workloads.errors import UserError

INDEX = "index.sqlite"
# Longer than any transaction of a reader or writer here; a stuck program is named as an error after that.
BUSY_SECONDS = 60.0
Record = tuple[Any, ...]
_BUGS = (sqlite3.IntegrityError, sqlite3.ProgrammingError)


class Database:
    """An open index. Statements outside `transaction` are transactions of their own.

    Any SQLite error undoes the open transaction and is raised as UserError (StoreFull, StoreUnwritable, or
    "damaged"); violated constraints and wrong SQL are bugs of the caller and stay what they are. To be used
    in the thread that made it.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.folder = folder
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Record]:
        """All records of a query, read at once so that no lock outlives the call."""
        with self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the number of the row inserted last."""
        with self._translated():
            return self._connection.execute(sql, parameters).lastrowid or 0

    def run_many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Execute one statement once for each of the parameters."""
        with self._translated():
            self._connection.executemany(sql, parameters)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing of it after an exception."""
        # IMMEDIATE: waits for its turn here, not in the middle where a wait could be a deadlock.
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._undo()
            raise

    def refused(self, error: OSError) -> StoreUnwritable:
        """The sentence for a file operation in the folder that failed."""
        self._undo()
        return from_os(self.folder, error, self._stored_rows())

    def close(self) -> None:
        """Give the connection back; closing twice does no harm."""
        self._connection.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _BUGS:
            raise
        except sqlite3.DatabaseError as error:
            raise self._sentence(error) from error

    def _sentence(self, error: sqlite3.DatabaseError) -> UserError:
        self._undo()
        return from_sqlite(self.folder, error, self._stored_rows())

    def _undo(self) -> None:
        # A rollback that fails leaves the journal, from which the next connection rolls back.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _stored_rows(self) -> int | None:
        with contextlib.suppress(sqlite3.Error):
            return int(self._connection.execute("SELECT count(*) FROM rows").fetchone()[0])
        return None
