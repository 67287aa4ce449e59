"""Putting outcomes into the index: all of one call in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sparsesim.study.store.database import Database
from sparsesim.study.store.entries import Done, Entry, Failed, Place, Simulation
from sparsesim.study.store.stored import figures_text


def put(database: Database, entries: Sequence[Entry], session: int) -> list[int]:
    """Store the entries together or not at all; returns the numbers of their rows.

    A done row is never changed; a failed one keeps its number and takes the new outcome.
    ValueError if a run of a done point has no records anywhere.
    """
    with database.transaction():
        return [_put_entry(database, entry, session) for entry in entries]


def put_text(database: Database, kind: str, text: str) -> str:
    """Keep a text once; returns its SHA-256."""
    text = storable(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    database.run("INSERT OR IGNORE INTO texts VALUES (?, ?, ?)", (digest, kind, text))
    return digest


def put_places(database: Database, places: Iterable[Place], row: int) -> None:
    """Note which row the points at these places of plans have, whichever they had before."""
    for place in places:
        database.run("INSERT OR IGNORE INTO plans (digest) VALUES (?)", (place.plan,))
        database.run(
            "INSERT OR REPLACE INTO planned SELECT plan, ?, ? FROM plans WHERE digest = ?",
            (place.index, row, place.plan),
        )


def storable(text: str) -> str:
    """The text in UTF-8, which a file name in it need not be."""
    return text.encode("utf-8", "backslashreplace").decode()


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _put_entry(database: Database, entry: Entry, session: int) -> int:
    for simulation in entry.simulations:
        _put_simulation(database, simulation)
    found = database.rows("SELECT row, status, attempts FROM rows WHERE key = ?", (entry.key,))
    row, status, attempts = found[0] if found else (None, None, 0)
    if status != "done":
        row = _put_row(database, entry, session, row, attempts + 1)
    put_places(database, entry.places, row)
    return int(row)


def _put_simulation(database: Database, simulation: Simulation) -> None:
    if database.rows("SELECT 1 FROM simulations WHERE key = ?", (simulation.key,)):
        return
    database.run("INSERT INTO simulations VALUES (?, NULL, ?)", (simulation.key, simulation.seconds))
    database.run(
        "INSERT INTO pending VALUES (?, ?, ?)",
        (simulation.key, len(simulation.records), simulation.records),
    )


def _put_row(database: Database, entry: Entry, session: int, row: int | None, attempts: int) -> int:
    failed = isinstance(entry, Failed)
    values = {
        "row": row,
        "key": entry.key,
        "status": "failed" if failed else "done",
        "attempts": attempts,
        "seconds": entry.seconds,
        "finished": now(),
        "session": session,
        "machine": _text(database, "machine", entry.machine),
        "energy": _text(database, "energy", entry.energy),
        "settings": json.dumps(dict(entry.settings)),
        **(_failure(entry) if isinstance(entry, Failed) else _outcome(database, entry)),
    }
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    update = ", ".join(f"{name} = excluded.{name}" for name in values if name not in ("row", "key"))
    sql = f"INSERT INTO rows ({columns}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {update}"
    inserted = database.run(sql, tuple(values.values()))
    return inserted if row is None else row


def _outcome(database: Database, entry: Done) -> dict[str, str]:
    for key in entry.runs:
        if not database.rows("SELECT 1 FROM simulations WHERE key = ?", (key,)):
            raise ValueError(f"point {entry.key}: the records of its simulation {key} are not stored")
    return {
        "figures": figures_text(entry.figures),
        "simulations": json.dumps(entry.runs),
        "error_kind": "",
        "error": "",
        "traceback": "",
    }


def _failure(entry: Failed) -> dict[str, str]:
    return {
        "figures": "{}",
        "simulations": "[]",
        "error_kind": storable(entry.kind),
        "error": storable(entry.error),
        "traceback": storable(entry.traceback),
    }


def _text(database: Database, kind: str, text: str | None) -> str | None:
    return None if text is None else put_text(database, kind, text)
