"""The store of a study: one folder, read by anyone, written by one process at a time."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sparsesim.study.point import Status
from sparsesim.study.store import compaction, putting, reading
from sparsesim.study.store.database import Database
from sparsesim.study.store.entries import Entry, Place
from sparsesim.study.store.errors import damaged
from sparsesim.study.store.lock import WriterLock
from sparsesim.study.store.records import Records
from sparsesim.study.store.schema import code_of
from sparsesim.study.store.stored import Counts, Found, Session, StoredRow
from sparsesim.study.store.tables import schema_of
from workloads.errors import UserError

if TYPE_CHECKING:
    import pyarrow

_MOST_ROWS = 1 << 63  # what SQLite can number


class Study(contextlib.AbstractContextManager["Study"]):
    """A study to read, open until `close`; also while another process writes it. Made by `read_study`.

    Every method raises UserError where the folder cannot be read or makes no sense. For one thread.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = Records(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the files back; closing twice does no harm."""
        self._database.close()

    @property
    def folder(self) -> Path:
        return self._database.folder

    @property
    def code(self) -> str:
        """Version and digest of the simulator all rows come from."""
        return code_of(self._database)

    def rows(self, status: Status | None = None, *, after: int = 0) -> Iterator[StoredRow]:
        """Rows in the order of their numbers, beyond number `after`; never many in memory."""
        return reading.rows(self._database, status, after)

    def row(self, number: int) -> StoredRow:
        """The row of this number; UserError if there is none."""
        found = reading.row_where(self._database, "row", number) if 0 < number < _MOST_ROWS else None
        if found is None:
            raise UserError(f"{self.folder}: has no row {number}; {self._known_rows()}.")
        return found

    def find(self, key: str) -> StoredRow | None:
        """The row of the point with this key."""
        return reading.row_where(self._database, "key", key)

    def statuses(self, keys: Iterable[str]) -> dict[str, Found]:
        """Row number and status by key of a point, for those that have a row."""
        return reading.statuses(self._database, keys)

    def planned(self, plan: str, first: int, last: int) -> dict[int, Found]:
        """Row number and status by index in the plan, first <= index < last, for those that have a row."""
        return reading.planned(self._database, plan, first, last)

    def counts(self, plan: str | None = None) -> Counts:
        """Rows by status: of the study, or of the points of one plan."""
        if plan is not None:
            return reading.plan_counts(self._database, plan)
        return reading.counts(self._database)

    def text(self, digest: str) -> str:
        """A machine description, energy table or definition by the digest that a row or session names."""
        found = reading.text(self._database, digest)
        if found is None:
            raise damaged(self.folder, f"text {digest} is missing")
        return found

    def sessions(self) -> list[Session]:
        """All runs that wrote into the study, in their order."""
        return reading.sessions(self._database)

    def stored_simulations(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose simulation is stored: it need not be simulated again."""
        return reading.stored_simulations(self._database, keys)

    def records(self, key: str) -> pyarrow.Table | None:
        """The table of records of a simulation as it was put; None if it is not stored."""
        return self._records.of(key)

    def all_records(self) -> Iterator[pyarrow.Table]:
        """The records of all simulations, some at a time, with a column `simulation` that has the key."""
        return self._records.all()

    def _known_rows(self) -> str:
        stored = sum(self.counts())
        return f"its rows are 1 to {stored}" if stored else "it has no rows yet"


class StudyWriter(Study):
    """A study to read and write; the only writer until `close`. Made by `write_study`.

    Whatever was put is on the disk when `put` returns. A full disk raises StoreFull; the study stays usable.
    """

    def __init__(self, database: Database, lock: WriterLock) -> None:
        super().__init__(database)
        self._lock = lock
        self._session: int | None = None
        self._schema: pyarrow.Schema | None = None

    def close(self) -> None:
        """Give the files and the lock back."""
        super().close()
        self._lock.release()

    def begin_session(
        self, *, argv: Sequence[str], version: str, packages: Mapping[str, str], definition: str
    ) -> int:
        """Note the run that all rows put from now on come from; returns its number.

        definition: text of the study's definition.
        """
        with self._database.transaction():
            values = (
                putting.now(),
                version,
                platform.node(),
                platform.platform(),
                json.dumps(list(argv)),
                json.dumps(dict(packages)),
                putting.put_text(self._database, "definition", definition),
            )
            self._session = self._database.run(
                "INSERT INTO sessions (started, version, host, platform, argv, packages, definition) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return self._session

    def put(self, entries: Sequence[Entry]) -> list[int]:
        """Store outcomes of points, all in one transaction; returns the numbers of their rows.

        A point that is done already stays as it is; a failed one keeps its number and takes the new outcome.
        ValueError without `begin_session`, for records of another schema than the study's, and for a run
        whose records are not stored.
        """
        if self._session is None:
            raise ValueError("begin_session comes first: every row says which run it comes from")
        for entry in entries:
            for simulation in entry.simulations:
                self._check_schema(simulation.records)
        rows = putting.put(self._database, entries, self._session)
        compaction.compact(self._database)
        return rows

    def link(self, places: Mapping[Place, int]) -> None:
        """Note that points of a plan have rows already (of another plan): row numbers by place."""
        with self._database.transaction():
            for place, row in places.items():
                putting.put_places(self._database, (place,), row)

    def _check_schema(self, records: bytes) -> None:
        schema = schema_of(records)
        if self._schema is None:
            self._schema = self._stored_schema() or schema
        if schema != self._schema:
            raise ValueError(f"records must have the schema of the study, {self._schema} (got {schema})")

    def _stored_schema(self) -> pyarrow.Schema | None:
        for (key,) in self._database.rows("SELECT key FROM simulations LIMIT 1"):
            table = self._records.of(key)
            return None if table is None else table.schema
        return None
