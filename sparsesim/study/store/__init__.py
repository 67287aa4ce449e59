"""The store of a study: SQLite for the index, Parquet for the records, safe against whatever ends a run."""

from sparsesim.study.store.entries import Done, Entry, Failed, Place, Simulation
from sparsesim.study.store.errors import StoreFull, StoreUnwritable
from sparsesim.study.store.folder import read_study, write_study
from sparsesim.study.store.stored import Counts, Found, Session, StoredRow
from sparsesim.study.store.study import Study, StudyWriter
from sparsesim.study.store.tables import from_parquet, to_parquet

__all__ = [
    "Counts",
    "Done",
    "Entry",
    "Failed",
    "Found",
    "Place",
    "Session",
    "Simulation",
    "StoreFull",
    "StoreUnwritable",
    "StoredRow",
    "Study",
    "StudyWriter",
    "from_parquet",
    "read_study",
    "to_parquet",
    "write_study",
]
