"""Finding the records of a simulation, wherever they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from sparsesim.study.store.database import Database
from sparsesim.study.store.errors import damaged
from sparsesim.study.store.shards import RECORDS
from sparsesim.study.store.tables import from_parquet, marked, part_of

if TYPE_CHECKING:
    import pyarrow

_PLACE = """SELECT shards.name, pending.records FROM simulations
    LEFT JOIN shards USING (shard) LEFT JOIN pending USING (key) WHERE simulations.key = ?"""


class Records:
    """The tables of records of a study. Keeps the shard read last: neighbours are asked for in turn."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: tuple[str, pyarrow.Table] | None = None

    def of(self, key: str) -> pyarrow.Table | None:
        """The records of a simulation as they were put; None if it is not stored. UserError if damaged."""
        for shard, blob in self._database.rows(_PLACE, (key,)):
            if shard is not None:
                return part_of(self._shard(shard), key)
            return self._decoded(f"records of {key}", partial(from_parquet, blob))
        return None

    def all(self) -> Iterator[pyarrow.Table]:
        """All records, a shard or one simulation at a time, with the column `simulation`."""
        # One query for both: what a writer moves into a shard meanwhile is neither missed nor met twice.
        found = self._database.rows("SELECT name, NULL FROM shards UNION ALL SELECT NULL, key FROM pending")
        for shard, key in found:
            yield self._shard(shard) if shard is not None else marked(self.of(key), key)

    def _shard(self, name: str) -> pyarrow.Table:
        if self._last is None or self._last[0] != name:
            path = self._database.folder / RECORDS / name
            self._last = name, self._decoded(str(path), lambda: from_parquet(path.read_bytes()))
        return self._last[1]

    def _decoded(self, what: str, decode: Callable[[], pyarrow.Table]) -> pyarrow.Table:
        import pyarrow  # noqa: PLC0415

        try:
            return decode()
        except (pyarrow.ArrowException, OSError, TypeError) as error:
            raise damaged(self._database.folder, f"{what}: {error}") from None
