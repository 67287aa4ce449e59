"""Optuna's storage of a study: one SQLite file in the study's folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from sparsesim.study.store.errors import StoreUnwritable, from_sqlite
from workloads.errors import UserError

FILE_NAME = "trials.sqlite"
BUSY_SECONDS = 60


@contextmanager
def trial_storage(folder: Path) -> Iterator[RDBStorage]:
    """FOLDER/trials.sqlite, made where it is missing and closed at the end.

    SQLite's defaults, rollback journal and synchronous=FULL, keep it whole when the process is killed. What
    goes wrong with the file inside the block is a UserError. One process at a time may write; the lock of
    the study's store sees to that.
    """
    with _as_user_errors(folder):
        storage = _open(folder / FILE_NAME)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _open(path: Path) -> RDBStorage:
    # The connection is made here because a path inside a URL would be taken apart at ?, % and braces.
    creator = {"creator": lambda: sqlite3.connect(path, timeout=BUSY_SECONDS)}
    try:
        return RDBStorage("sqlite:///" + FILE_NAME, engine_kwargs=creator)
    except RuntimeError as error:
        raise UserError(f"{path}: made by another version of Optuna ({error}); {_REMEDY}") from error


_REMEDY = (
    "move the file away and run the same command again: rows are kept, and designs simulated before are not "
    "simulated again."
)


@contextmanager
def _as_user_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise _sentence(folder, error) from error


def _sentence(folder: Path, error: Exception) -> UserError:
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    origin = getattr(cause, "orig", None)
    if isinstance(origin, sqlite3.Error):
        found = from_sqlite(folder, origin, None)
        if isinstance(found, StoreUnwritable):
            return found
    return UserError(
        f"{folder / FILE_NAME}: the trials cannot be used ({origin or cause or error}); {_REMEDY}"
    )
