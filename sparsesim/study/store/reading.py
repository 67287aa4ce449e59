"""Queries of a study's index: short ones, that never keep a writer waiting for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from sparsesim.study.store.database import Database, Record
from sparsesim.study.store.errors import damaged
from sparsesim.study.store.stored import (
    ROW_COLUMNS,
    SESSION_COLUMNS,
    Counts,
    Found,
    Session,
    StoredRow,
    row_of,
    session_of,
)

CHUNK = 500  # rows or keys of one query
_ROW, _SESSION = ", ".join(ROW_COLUMNS), ", ".join(SESSION_COLUMNS)
T = TypeVar("T")


def rows(database: Database, status: str | None, after: int) -> Iterator[StoredRow]:
    """Rows by number, those of one status or all, a chunk at a time."""
    condition = "" if status is None else f"AND status = '{status}'"
    sql = f"SELECT {_ROW} FROM rows WHERE row > ? {condition} ORDER BY row LIMIT {CHUNK}"
    while found := database.rows(sql, (after,)):
        for record in found:
            yield _decoded(database, row_of, record)
        after = found[-1][0]


def row_where(database: Database, column: str, value: str | int) -> StoredRow | None:
    """The row with this `row` or `key`."""
    found = database.rows(f"SELECT {_ROW} FROM rows WHERE {column} = ?", (value,))
    return _decoded(database, row_of, found[0]) if found else None


def counts(database: Database, source: str = "rows", parameters: Sequence[str] = ()) -> Counts:
    """Rows by status."""
    found: dict[str, int] = dict(
        database.rows(f"SELECT status, count(*) FROM {source} GROUP BY status", parameters)
    )
    return Counts(found.get("done", 0), found.get("failed", 0))


def plan_counts(database: Database, plan: str) -> Counts:
    """Points of a plan by status."""
    source = "plans JOIN planned USING (plan) JOIN rows USING (row) WHERE digest = ?"
    return counts(database, source, (plan,))


def planned(database: Database, plan: str, first: int, last: int) -> dict[int, Found]:
    """Points of a plan that have a row, first <= index < last."""
    found = database.rows(
        "SELECT place, row, status FROM plans JOIN planned USING (plan) JOIN rows USING (row) "
        "WHERE digest = ? AND place >= ? AND place < ?",
        (plan, first, last),
    )
    return {place: Found(row, status) for place, row, status in found}


def statuses(database: Database, keys: Iterable[str]) -> dict[str, Found]:
    """Rows of the points with these keys, without those that have none."""
    found = _by_keys(database, "SELECT key, row, status FROM rows WHERE key IN", keys)
    return {key: Found(row, status) for key, row, status in found}


def stored_simulations(database: Database, keys: Iterable[str]) -> set[str]:
    """Those of the keys whose simulation is stored."""
    return {key for (key,) in _by_keys(database, "SELECT key FROM simulations WHERE key IN", keys)}


def text(database: Database, digest: str) -> str | None:
    """A machine description, energy table or definition by its digest."""
    found = database.rows("SELECT text FROM texts WHERE digest = ?", (digest,))
    return str(found[0][0]) if found else None


def sessions(database: Database) -> list[Session]:
    """All sessions in their order."""
    found = database.rows(f"SELECT {_SESSION} FROM sessions ORDER BY session")
    return [_decoded(database, session_of, record) for record in found]


def _by_keys(database: Database, sql: str, keys: Iterable[str]) -> list[Record]:
    wanted, found = list(keys), []
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        found += database.rows(f"{sql} ({', '.join('?' * len(chunk))})", chunk)
    return found


def _decoded(database: Database, decode: Callable[[Record], T], record: Record) -> T:
    try:
        return decode(record)
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(database.folder, f"row {record[0]} of its index: {error}") from None
