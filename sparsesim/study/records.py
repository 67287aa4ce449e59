"""Records of a simulation as a Parquet table, and back.

The PE states are summed over the PE groups: rows of a study need no more, and a study of thousands of
simulations keeps them all.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler.program import Stage
from sparsesim.engine.kernels.layout import N_COUNTS, N_STATES
from sparsesim.engine.record import StageRecord
from sparsesim.results.parquet_bytes import opened

if TYPE_CHECKING:
    import pyarrow

_TEXT = ("run", "layer", "stage")
_WHOLE = (
    "index", "sample", "samples", "on_chip_cycles", "with_dram_cycles", "useful_macs", "dense_macs",
    "dram_read_bytes", "dram_write_bytes", "tiles", "row_operations",
)  # fmt: skip
_FRACTIONS = ("density_input", "density_grad_output", "density_grad_input_mask", "seconds")


@cache
def schema() -> pyarrow.Schema:
    """Columns of the table: the fields of StageRecord; states int64[N_STATES] and counts int64[N_COUNTS]."""
    import pyarrow  # noqa: PLC0415

    return pyarrow.schema(
        [(name, pyarrow.string()) for name in _TEXT]
        + [(name, pyarrow.int64()) for name in _WHOLE]
        + [(name, pyarrow.float64()) for name in _FRACTIONS]
        + [
            ("fc", pyarrow.bool_()),
            ("states", pyarrow.list_(pyarrow.int64(), N_STATES)),
            ("counts", pyarrow.list_(pyarrow.int64(), N_COUNTS)),
        ]
    )


def encode(records: Sequence[StageRecord]) -> bytes:
    """The records of one simulation as the bytes of a Parquet file."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    table = pyarrow.Table.from_pylist([_row(record) for record in records], schema())
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd", use_dictionary=list(_TEXT), write_statistics=False)
    return file.getvalue()


def _row(record: StageRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in (*_TEXT, *_WHOLE, *_FRACTIONS, "fc")}
    states = record.states.sum(axis=0)
    return row | {"stage": record.stage.value, "states": states.tolist(), "counts": record.counts.tolist()}


def decode(table: bytes | pyarrow.Table) -> tuple[StageRecord, ...]:
    """The records that were encoded, their states as int64[1, N_STATES]."""
    if isinstance(table, bytes):
        table = opened(table).read(use_threads=False)
    return tuple(_record(row) for row in table.select(schema().names).to_pylist())


def _record(row: dict[str, Any]) -> StageRecord:
    numbers = {
        "stage": Stage(row["stage"]),
        "states": np.array([row["states"]], dtype=np.int64),
        "counts": np.array(row["counts"], dtype=np.int64),
    }
    return StageRecord(**{**row, **numbers})
