"""IR program -> StageProgram: the loops are unrolled into the flat tables that the machine executes.

All iterations of a loop are worked out together, as arrays (compiler/unrolled/): a network has hundreds of
thousands of jobs. Row blocks and units are numbered in the order in which jobs first use them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.ir.nodes import Program
from compiler.program import BLOCK_COLUMNS, JOB_COLUMNS, UNIT_COLUMNS, RowOperation, StageProgram, Tile
from compiler.target import Target
from compiler.unrolled.jobs import JobTables, job_nest, reduce_tables, store_tables
from compiler.unrolled.tiles import tile_levels, transfers


def _table(rows: Any, columns: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    table = np.array(rows, dtype=np.int32).reshape(len(rows), columns)
    table.setflags(write=False)
    return table


def _tiles(jobs: JobTables, loads: list[Any], stores: list[Any]) -> tuple[Tile, ...]:
    """The tiles, each with its range of jobs."""
    counts = np.bincount(jobs.tile, minlength=len(loads))
    if not counts.all():
        raise ValueError("lowering expects jobs in every tile")
    ends = np.cumsum(counts)
    starts = ends - counts
    return tuple(map(Tile, starts.tolist(), ends.tolist(), loads, stores))


def _kernel_row_start(operation: RowOperation, tables: JobTables) -> np.ndarray[Any, np.dtype[np.int32]]:
    if operation is RowOperation.OSRC:
        return np.zeros(len(tables.blocks) + 1, dtype=np.int32)
    return np.cumsum([0, *(len(rows) for _, rows in tables.blocks)]).astype(np.int32)


def lower(program: Program, target: Target) -> StageProgram:
    """Unroll a verified program for a machine; ValueError for a loop nest not of the generated form."""
    levels, loops = tile_levels(program)
    nests = [job_nest(loop, levels[-1].iterations) for loop in loops]
    tables = (store_tables if program.operation is RowOperation.OSRC else reduce_tables)(nests)
    return StageProgram(
        layer=program.layer,
        stage=program.stage,
        operation=program.operation,
        geometry=program.geometry,
        target=target,
        jobs=_table(tables.jobs, JOB_COLUMNS),
        row_blocks=_table([shape for shape, _ in tables.blocks], BLOCK_COLUMNS),
        kernel_rows=np.array([k for _, rows in tables.blocks for k in rows], dtype=np.int32),
        kernel_row_start=_kernel_row_start(program.operation, tables),
        units=_table(tables.units, UNIT_COLUMNS),
        tiles=_tiles(tables, *transfers(levels)),
        samples=program.samples,
        broadcast=program.broadcast,
    )
