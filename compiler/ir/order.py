"""Jobs of one tile have no order: a sum that one of them writes must not be read by another.

Clusters run the jobs of a tile at the same time, and a PPU reads earlier sums and writes new ones in a burst
of its own; only between tiles do all clusters wait for each other (docs/microarchitecture.md sections 6 and
7). Within one cluster results are written in order, but a program does not say how many clusters there are.

Two jobs that overlap where the later one reads no sums are left to the rules of coverage.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compiler.ir.jobs import JobTable
from compiler.ir.nodes import Program
from compiler.ir.tensors import RESULT, tensor_shape
from compiler.ir.unroll import IntArray
from compiler.ir.violations import Violations, first_at

_RULE = "order in a tile"


def check_blocks_of_tiles(program: Program, table: JobTable, found: Violations) -> None:
    """SRC, MSRC: no job reads sums of a position of O or dI that an earlier job of its tile writes."""
    chosen = _jobs_of_tiles_that_read(table)
    if not len(chosen):
        return
    name, first_job = RESULT[program.operation], np.searchsorted(table.tile, table.tile)
    writer = np.full(tensor_shape(name, program.geometry), -1, np.int64)
    for job in chosen.tolist():
        where = table.result(job, program.row_step)
        earlier = int(writer[where].max())
        if earlier >= first_job[job] and table.read_sums[job]:
            place = _overlap(where, table.result(earlier, program.row_step))
            _add(table, job, earlier, f"{name}[{place}]", found)
        writer[where] = job


def check_gradients_of_tiles(
    table: JobTable,
    element: IntArray,
    job: IntArray,
    again: IntArray,
    name: Callable[[int], str],
    found: Violations,
) -> None:
    """OSRC: no job reads sums of an element of dW that an earlier job of its tile writes.

    element, job: an element and a job that adds to it, element by element and each in program order. again:
    the indices where the element is that before. name(element): what to call it.
    """
    later, earlier = job[again], job[again - 1]
    wrong = (table.tile[later] == table.tile[earlier]) & (table.read_sums[later] == 1)
    if wrong.any():
        i = int(wrong.argmax())
        _add(table, int(later[i]), int(earlier[i]), name(int(element[again[i]])), found)


def _jobs_of_tiles_that_read(table: JobTable) -> IntArray:
    """The jobs of tiles that have several jobs and one among them that reads sums."""
    jobs = np.bincount(table.tile)
    readers = np.bincount(table.tile, weights=table.read_sums)
    return np.flatnonzero(((jobs > 1) & (readers > 0))[table.tile])


def _overlap(one: tuple[slice, ...], other: tuple[slice, ...]) -> str:
    """`0:3, 1:7:2, 0:5`: what two boxes share, whose steps are the same."""
    starts = (max(a.start, b.start) for a, b in zip(one, other, strict=True))
    stops = (min(a.stop, b.stop) for a, b in zip(one, other, strict=True))
    steps = ("" if a.step in (None, 1) else f":{a.step}" for a in one)
    return ", ".join(f"{a}:{b}{step}" for a, b, step in zip(starts, stops, steps, strict=True))


def _add(table: JobTable, job: int, earlier: int, place: str, found: Violations) -> None:
    site, iteration = table.place(job)
    other = table.place(earlier)[1]
    which = f"job {earlier} ({other})" if other else f"job {earlier}"
    what = f"job {job} reads sums of {place} that {which} of the same tile writes"
    why = "another cluster may run it at the same time, and one of the two contributions is lost"
    found.add(site.path, f"{what}; {why}; put the jobs into different tiles{first_at(iteration)}", _RULE)
