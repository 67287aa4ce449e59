"""The tables of a study's index, and how to know one."""

from __future__ import annotations

from sparsesim.study.store.database import Database
from sparsesim.study.store.errors import damaged
from workloads.errors import UserError

APPLICATION_ID = 0x53535459  # "SSTY" in the header of the file: an index of a study, not any SQLite file
SCHEMA_VERSION = 1

# Texts and blobs come last in a table, so that queries of the short columns need not read over them.
TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # Machine descriptions, energy tables, study definitions: each once, by the SHA-256 of its text.
    "CREATE TABLE texts (digest TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL)",
    """CREATE TABLE sessions (
        session INTEGER PRIMARY KEY, started TEXT NOT NULL, version TEXT NOT NULL, host TEXT NOT NULL,
        platform TEXT NOT NULL, argv TEXT NOT NULL, packages TEXT NOT NULL,
        definition TEXT NOT NULL REFERENCES texts)""",
    """CREATE TABLE rows (
        row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
        attempts INTEGER NOT NULL, seconds REAL NOT NULL, finished TEXT NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions,
        machine TEXT REFERENCES texts, energy TEXT REFERENCES texts,
        settings TEXT NOT NULL, figures TEXT NOT NULL, simulations TEXT NOT NULL,
        error_kind TEXT NOT NULL, error TEXT NOT NULL, traceback TEXT NOT NULL)""",
    "CREATE INDEX rows_by_status ON rows (status, row)",
    "CREATE TABLE plans (plan INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE)",
    """CREATE TABLE planned (
        plan INTEGER NOT NULL REFERENCES plans, place INTEGER NOT NULL,
        row INTEGER NOT NULL REFERENCES rows, PRIMARY KEY (plan, place)) WITHOUT ROWID""",
    """CREATE TABLE shards (
        shard INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, simulations INTEGER NOT NULL)""",
    # A simulation without a shard has its records in `pending`.
    """CREATE TABLE simulations (
        key TEXT PRIMARY KEY, shard INTEGER REFERENCES shards, seconds REAL NOT NULL)""",
    "CREATE TABLE pending (key TEXT PRIMARY KEY REFERENCES simulations, bytes INTEGER, records BLOB)",
    "CREATE INDEX pending_bytes ON pending (key, bytes)",
)


def create(database: Database, code: str) -> None:
    """Make the tables in an empty index, all or none; code: what the simulator's numbers come from."""
    with database.transaction():
        for statement in TABLES:
            database.run(statement)
        database.run("INSERT INTO meta VALUES ('code', ?)", (code,))
        database.run(f"PRAGMA application_id = {APPLICATION_ID}")
        database.run(f"PRAGMA user_version = {SCHEMA_VERSION}")


def is_study(database: Database) -> bool:
    """True for the index of a study, False for an empty file; UserError for anything else."""
    (application,), (version,), (tables,) = (
        database.rows(f"SELECT * FROM {source}")[0]
        for source in ("pragma_application_id", "pragma_user_version", "(SELECT count(*) FROM sqlite_master)")
    )
    if application == 0 and version == 0 and tables == 0:
        return False
    if application != APPLICATION_ID:
        raise not_a_study(database)
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{database.folder}: was made by a newer sparsesim (schema {version}; this one knows "
            f"{SCHEMA_VERSION}); update sparsesim to read it."
        )
    return True


def not_a_study(database: Database) -> UserError:
    """The sentence for an SQLite file of another program."""
    return UserError(
        f"{database.folder}: its index.sqlite is not of a sparsesim study; give the folder of a study."
    )


def code_of(database: Database) -> str:
    """What the numbers of the study come from, as given when it was made."""
    found = database.rows("SELECT value FROM meta WHERE name = 'code'")
    if not found:
        raise damaged(database.folder, "it does not say which simulator made it")
    return str(found[0][0])


def check_code(database: Database, code: str) -> None:
    """UserError if the rows of the study come from another simulator than `code`."""
    made_by = code_of(database)
    if made_by != code:
        raise UserError(
            f"{database.folder}: this study was made by sparsesim {made_by}, and this is {code}, whose "
            "numbers may differ; continue with the sparsesim that made it, or give another --out."
        )
