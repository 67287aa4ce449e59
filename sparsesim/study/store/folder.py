"""Opening a study: is this folder one, may it be written, and by this simulator?"""

from __future__ import annotations

from pathlib import Path

from sparsesim.study.store import connect, schema
from sparsesim.study.store.compaction import sweep
from sparsesim.study.store.connect import JOURNAL
from sparsesim.study.store.database import INDEX, Database
from sparsesim.study.store.errors import from_os
from sparsesim.study.store.lock import LOCK, WriterLock
from sparsesim.study.store.shards import RECORDS, sync_folder
from sparsesim.study.store.study import Study, StudyWriter
from workloads.errors import UserError

# What a study has from its first moments on, should it be ended before it has an index.
_OWN = frozenset({INDEX, JOURNAL, LOCK, RECORDS})


def read_study(folder: Path) -> Study:
    """The study in `folder`, for reading; UserError if there is none or a newer sparsesim made it."""
    if not _is_file(folder / INDEX):
        raise UserError(f"{folder}: is not a study (it has no {INDEX}); give the folder of a study.")
    database = connect.for_reading(folder)
    try:
        if not schema.is_study(database):
            raise UserError(f"{folder}: the study is empty: the run that made it was ended before it began.")
    except BaseException:
        database.close()
        raise
    return Study(database)


def write_study(folder: Path, *, code: str) -> StudyWriter:
    """The study in `folder`, for writing; a new one where there is none or the folder is empty.

    code: version and digest of the simulator that rows will come from, the same for all rows of a study.
    UserError if another process writes the study, another simulator made it, the folder holds something
    else or cannot be written; StoreFull if there is no space.
    """
    _check_folder(folder)
    # Before anything is touched: the file may be anybody's.
    if _is_file(folder / INDEX):
        _check_index(folder, code)
    lock = _locked(folder)
    try:
        return StudyWriter(_opened(folder, code), lock)
    except BaseException:
        lock.release()
        raise


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise from_os(path.parent, error, None) from None


def _check_folder(folder: Path) -> None:
    """UserError if there is something in the folder, and it is not a study."""
    try:
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os(folder, error, None) from None
    if INDEX not in names and not names <= _OWN:
        raise UserError(f"{folder}: is not empty and not a study (it has no {INDEX}); give another --out.")


def _check_index(folder: Path, code: str) -> None:
    database = connect.for_reading(folder)
    try:
        if schema.is_study(database):
            schema.check_code(database, code)
    finally:
        database.close()


def _locked(folder: Path) -> WriterLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.absolute().parent)
    except OSError as error:
        raise from_os(folder, error, None) from None
    return WriterLock(folder)


def _opened(folder: Path, code: str) -> Database:
    database = connect.for_writing(folder)
    try:
        if not schema.is_study(database):
            schema.create(database, code)
        # Again, now that nobody else can make or change it.
        schema.check_code(database, code)
        sweep(database)
    except BaseException:
        database.close()
        raise
    return database
