"""Moving records from the index, where they land safely, into shards, where they lie compactly."""

from __future__ import annotations

from sparsesim.study.store.database import Database, Record
from sparsesim.study.store.errors import damaged
from sparsesim.study.store.shards import publish, remove_orphans, shard_name, write_partial
from sparsesim.study.store.tables import combined

SHARD_SIMULATIONS = 64
# A shard is made in memory; simulations of many samples fill it before there are 64 of them.
SHARD_BYTES = 16 << 20


def compact(database: Database) -> None:
    """Move pending records into shards as long as they fill one.

    The shard is whole and on the disk before the index names it, and the index drops its own copy in the
    same transaction: whatever interrupts this, every record is found in one of the two places.
    """
    while _full(database):
        _move(database, _next(database))


def sweep(database: Database) -> None:
    """Remove the files of compactions that never reached the index."""
    # Inside a transaction: nobody can be between naming a shard and entering it, whatever the lock is worth.
    with database.transaction():
        known = {name for (name,) in database.rows("SELECT name FROM shards")}
        try:
            remove_orphans(database.folder, known)
        except OSError as error:
            raise database.refused(error) from None


def _full(database: Database) -> bool:
    ((simulations, size),) = database.rows("SELECT count(*), total(bytes) FROM pending")
    return bool(simulations >= SHARD_SIMULATIONS or size >= SHARD_BYTES)


def _next(database: Database) -> list[Record]:
    """The simulations of the next shard: at most SHARD_SIMULATIONS, and not much over SHARD_BYTES."""
    size, keys = 0, []
    for key, record_bytes in database.rows(
        "SELECT key, bytes FROM pending ORDER BY key LIMIT ?", (SHARD_SIMULATIONS,)
    ):
        if size < SHARD_BYTES:
            keys.append(key)
        size += record_bytes
    return database.rows(
        f"SELECT key, records FROM pending WHERE key IN ({', '.join('?' * len(keys))}) ORDER BY key", keys
    )


def _move(database: Database, simulations: list[Record]) -> None:
    keys = [(key,) for key, _ in simulations]
    name = shard_name(key for (key,) in keys)
    try:
        partial = write_partial(database.folder, name, _shard(database, simulations))
        with database.transaction():
            publish(partial)
            _enter(database, name, keys)
    except OSError as error:
        raise database.refused(error) from None


def _enter(database: Database, name: str, keys: list[tuple[str]]) -> None:
    shard = database.run("INSERT INTO shards (name, simulations) VALUES (?, ?)", (name, len(keys)))
    database.run_many(f"UPDATE simulations SET shard = {shard} WHERE key = ?", keys)
    database.run_many("DELETE FROM pending WHERE key = ?", keys)


def _shard(database: Database, simulations: list[Record]) -> bytes:
    import pyarrow  # noqa: PLC0415

    try:
        return combined([(key, records) for key, records in simulations])
    except pyarrow.ArrowException as error:
        raise damaged(database.folder, f"records in its index: {error}") from None
