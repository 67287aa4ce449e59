"""What the store gives back: rows, sessions and counts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sparsesim.study.point import Row, Status
from sparsesim.study.store.database import Record


class Counts(NamedTuple):
    """Rows by status."""

    done: int
    failed: int


class Found(NamedTuple):
    """Number and status of the row of a point."""

    row: int
    status: Status


@dataclass(frozen=True, kw_only=True)
class StoredRow(Row):
    """One point as it is stored: a row, and where it comes from.

    key: content hash of the point. attempts: how often it was tried. finished: UTC, ISO 8601.
    session: number of the run that made it. machine, energy: digests of texts; None where they were not
    known. simulations: keys in the order of the runs. error_kind, traceback: "" where it did not fail.
    """

    key: str
    attempts: int
    finished: str
    session: int
    machine: str | None
    energy: str | None
    simulations: tuple[str, ...]
    error_kind: str
    traceback: str


@dataclass(frozen=True)
class Session:
    """One run of a sweep or a search that wrote into the study.

    started: UTC, ISO 8601. argv: the command. packages: versions by name. definition: digest of a text.
    """

    session: int
    started: str
    version: str
    host: str
    platform: str
    argv: tuple[str, ...]
    packages: Mapping[str, str]
    definition: str


ROW_COLUMNS = tuple(field.name for field in fields(StoredRow))
SESSION_COLUMNS = tuple(field.name for field in fields(Session))


def row_of(record: Record) -> StoredRow:
    """The row of a record of ROW_COLUMNS; ValueError where a text is not what the store wrote."""
    values = dict(zip(ROW_COLUMNS, record, strict=True))
    for name in ("settings", "figures", "simulations"):
        values[name] = json.loads(values[name])
    values["figures"] = _with_nan(values["figures"])
    values["simulations"] = tuple(values["simulations"])
    return StoredRow(**values)


def session_of(record: Record) -> Session:
    """The session of a record of SESSION_COLUMNS; ValueError where a text is not what the store wrote."""
    values = dict(zip(SESSION_COLUMNS, record, strict=True))
    values["argv"] = tuple(json.loads(values["argv"]))
    values["packages"] = json.loads(values["packages"])
    return Session(**values)


def figures_text(figures: Mapping[str, float]) -> str:
    """Figures as JSON, which knows no number that is not finite: null stands for it."""
    finite = {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return json.dumps(finite, allow_nan=False)


def _with_nan(figures: dict[str, Any]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in figures.items()}
