"""groups.parquet: the cycles of every PE group by cause, one row per run, layer, stage and group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparsesim.results.model import LayerResult
from sparsesim.results.parquet_bytes import opened
from sparsesim.results.parts import ON_CHIP_CAUSES
from workloads.errors import UserError

if TYPE_CHECKING:
    import pyarrow

FILE = "groups.parquet"
_TEXT = ("run", "layer", "stage")
_PLACES = (*_TEXT, "index", "group")
_CYCLES = tuple(f"{cause}_cycles" for cause in ON_CHIP_CAUSES)
_COLUMNS = {
    **dict.fromkeys(_TEXT, "string"),
    **dict.fromkeys(("index", "group"), "int64"),
    **dict.fromkeys(_CYCLES, "double"),
}
# Groups of ResNet-50: 190 kB in 13 ms, against 231 kB in 8 ms at the default level.
_ZSTD_LEVEL = 9


def write_groups(path: Path, layers: Sequence[LayerResult]) -> None:
    """Write the layers whose groups are known, in their order; columns as of `_COLUMNS`."""
    from pyarrow import parquet  # noqa: PLC0415

    known = [layer for layer in layers if layer.cycles_of_groups is not None]
    arrays = [layer.cycles_of_groups for layer in known if layer.cycles_of_groups is not None]
    cycles = np.concatenate([np.empty((0, len(_CYCLES))), *arrays])
    table = _places(known, len(cycles) // max(len(known), 1))
    for name, column in zip(_CYCLES, cycles.T, strict=True):
        table = table.append_column(name, [np.ascontiguousarray(column)])
    with path.open("wb") as file:
        parquet.write_table(
            table,
            file,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=list(_TEXT),
            use_byte_stream_split=list(_CYCLES),
            write_statistics=False,
        )


def with_groups(path: Path, layers: Sequence[LayerResult], groups: int) -> tuple[LayerResult, ...]:
    """The layers with the cycles of their groups in the file; a file without rows leaves all as they are.

    groups: of the machine. Raises UserError for a file that is missing, broken, or not of these layers.
    """
    known = [layer for layer in layers if layer.stage != "other"]
    table = _read(path, len(known) * groups)
    if table.num_rows == 0:
        return tuple(layers)
    if not table.select(_PLACES).equals(_places(known, groups)):
        raise UserError(f"{path}: its rows are not the layers, stages and groups of the summary beside it.")
    cycles = np.column_stack([table[name].to_numpy() for name in _CYCLES])
    if not np.isfinite(cycles).all():
        raise UserError(f"{path}: has cycles that are not finite.")
    cycles.flags.writeable = False
    found = iter(cycles.reshape(len(known), groups, len(_CYCLES)))
    return tuple(
        layer if layer.stage == "other" else replace(layer, cycles_of_groups=next(found)) for layer in layers
    )


def _places(layers: Sequence[LayerResult], groups: int) -> pyarrow.Table:
    """What tells the rows apart: run, layer, stage and index of the layer, and the group, from 0."""
    import pyarrow  # noqa: PLC0415

    rows = np.repeat(np.arange(len(layers)), groups)
    columns = {
        "run": [layer.run for layer in layers],
        "layer": [layer.name for layer in layers],
        "stage": [layer.stage for layer in layers],
    }
    text = {name: pyarrow.array(values, pyarrow.string()).take(rows) for name, values in columns.items()}
    index = np.array([layer.index for layer in layers], dtype=np.int64)[rows]
    group = np.tile(np.arange(groups, dtype=np.int64), len(layers))
    return pyarrow.table({**text, "index": index, "group": group})


def _read(path: Path, rows: int) -> pyarrow.Table:
    import pyarrow  # noqa: PLC0415

    try:
        file = opened(path.read_bytes())
        _check_shape(path, file, rows)
        table = file.read(use_threads=False)
    except FileNotFoundError:
        raise UserError(f"{path}: is missing; simulate again into another folder.") from None
    except (OSError, pyarrow.ArrowException) as error:
        words = str(getattr(error, "strerror", None) or error).partition("\n")[0].rstrip(". ")
        raise UserError(f"{path}: cannot be read as a Parquet file ({words}).") from None
    if any(column.null_count for column in table.columns):
        raise UserError(f"{path}: has cells without a value.")
    return table


def _check_shape(path: Path, file: pyarrow.parquet.ParquetFile, rows: int) -> None:
    found = {field.name: str(field.type) for field in file.schema_arrow}
    if found != _COLUMNS:
        raise UserError(f"{path}: must have the columns {_listed(_COLUMNS)} (got {_listed(found)}).")
    if file.metadata.num_rows not in (0, rows):
        raise UserError(f"{path}: must have {rows} rows, or none (got {file.metadata.num_rows}).")


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items()) or "none"
