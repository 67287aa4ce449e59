"""Tables of records as Parquet: one simulation by itself, and many in a shard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sparsesim.results.parquet_bytes import opened

if TYPE_CHECKING:
    import pyarrow

SIMULATION = "simulation"  # the column a shard has beyond those of its tables


def to_parquet(table: pyarrow.Table) -> bytes:
    """A table as the bytes of a Parquet file, small rather than fast."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return bytes(sink.getvalue())


def from_parquet(data: bytes) -> pyarrow.Table:
    """The table in the bytes of a Parquet file; pyarrow.ArrowInvalid or OSError if it holds none."""
    return opened(data).read(use_threads=False).replace_schema_metadata(None)


def schema_of(data: bytes) -> pyarrow.Schema:
    """The schema of a table of records, read from the end of its Parquet bytes.

    ValueError if the bytes are no Parquet file or use the column name SIMULATION.
    """
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    try:
        schema = parquet.read_schema(pyarrow.BufferReader(data)).remove_metadata()
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"records must be the bytes of a Parquet file ({error})") from None
    if SIMULATION in schema.names:
        raise ValueError(f"records must not have a column {SIMULATION!r}: it names the simulation in a shard")
    return schema


def marked(table: pyarrow.Table, key: str) -> pyarrow.Table:
    """The records of one simulation with the column that names it."""
    import pyarrow  # noqa: PLC0415

    return table.append_column(SIMULATION, pyarrow.repeat(key, table.num_rows))


def combined(simulations: Sequence[tuple[str, bytes]]) -> bytes:
    """A shard: the records of all simulations (key, Parquet bytes), as the bytes of one Parquet file."""
    import pyarrow  # noqa: PLC0415

    return to_parquet(pyarrow.concat_tables(marked(from_parquet(data), key) for key, data in simulations))


def part_of(shard: pyarrow.Table, key: str) -> pyarrow.Table:
    """The records of one simulation in a shard, without the column that names it."""
    from pyarrow import compute  # noqa: PLC0415

    return shard.filter(compute.equal(shard[SIMULATION], key)).drop_columns([SIMULATION])
