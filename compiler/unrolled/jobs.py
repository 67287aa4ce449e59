"""The job loops of a program: one row of numbers for each job, and the row blocks and units they use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from compiler.ir.expressions import Binary, Expression, Variable
from compiler.ir.nodes import Block, Job, Loop, Node, RowOp
from compiler.program import (
    JOB_BLOCK,
    JOB_BLOCK_END,
    JOB_COLUMNS,
    JOB_FINAL,
    JOB_OUT_COUNT,
    JOB_OUT_START,
    JOB_READ_SUMS,
    JOB_REDUCE_COUNT,
    JOB_REDUCE_START,
    JOB_UNIT,
    JOB_UNIT_END,
)
from compiler.unrolled.iterations import Iterations, Whole
from compiler.unrolled.tiles import only_loop

Row = tuple[int, ...]
_Run = tuple[Row, ...]


@dataclass(frozen=True)
class JobTables:
    """Jobs int64[n, JOB_COLUMNS] in program order and the tile int64[n] of each; what they point to.

    blocks: (fields of the row block, its kernel rows), kernel rows of OSRC left out; units: their fields.
    """

    jobs: Whole
    tile: Whole
    blocks: Sequence[tuple[Row, Row]]
    units: Sequence[Row]


@dataclass(frozen=True)
class JobNest:
    """All jobs of one job loop, over all tiles, and the tile int64[n] of each."""

    job: Job
    iterations: Iterations
    tile: Whole


def job_nest(loop: Loop, tiles: Iterations) -> JobNest:
    """The jobs of a job loop that stands in the innermost tile loop."""
    iterations, tile = tiles, np.arange(tiles.count)
    node: Node = loop
    while isinstance(node, Loop):
        if node.kind != "job" or len(node.body) != 1:
            raise ValueError("lowering expects job loops around a single job")
        iterations = iterations.inside(node)
        tile, node = tile[iterations.origin], node.body[0]
    if not isinstance(node, Job):
        raise ValueError(f"{type(node).__name__} cannot stand outside a job")
    return JobNest(node, iterations, tile)


def reduce_tables(nests: Sequence[JobNest]) -> JobTables:
    """SRC and MSRC: a job has one row block, and its reduction channels pass through all of it.

    Each nest makes the jobs of one row phase.
    """
    blocks, numbers = _numbered_blocks(nests)
    jobs, tile = [], np.concatenate([nest.tile for nest in nests])
    for nest, number in zip(nests, numbers, strict=True):
        table = _common_columns(nest)
        table[:, JOB_BLOCK], table[:, JOB_BLOCK_END] = number, number + 1
        channels = only_loop(nest.job.body, "reduce")
        start = nest.iterations.of(channels.start)
        first = nest.iterations.bound(channels.variable, start)
        table[:, JOB_REDUCE_START] = first.of(_operation(channels)[1].channel)
        table[:, JOB_REDUCE_COUNT] = nest.iterations.lengths(channels)
        jobs.append(table)
    order = np.argsort(tile, kind="stable")
    return JobTables(np.concatenate(jobs)[order], tile[order], list(blocks), [])


def store_tables(nests: Sequence[JobNest]) -> JobTables:
    """OSRC: a job has one run of units and one of row blocks, which all its units pass."""
    if len(nests) != 1:
        raise ValueError(f"lowering expects one job loop in a tile of OSRC, found {len(nests)}")
    nest = nests[0]
    table, unit = _common_columns(nest), only_loop(nest.job.body, "unit")
    around, operation = _operation(only_loop(unit.body, "reduce"))
    channels, blocks_of = around[-1], around[:-1]
    assert operation.block is not None

    def unit_fields(units: Iterations) -> Whole:
        kernel_row, start = units.of(operation.kernel_row), units.of(channels.start)
        return np.stack([kernel_row, start, units.lengths(channels)], axis=1)

    unit_variables = _used(operation.kernel_row, *_bounds(unit), *_bounds(channels))
    runs, which = _distinct_runs(nest.iterations, unit_variables, [unit], unit_fields)
    units, starts = _laid_end_to_end(runs)
    table[:, JOB_UNIT] = starts[which]
    table[:, JOB_UNIT_END] = starts[which] + np.array([len(run) for run in runs])[which]

    fields = _block_fields(operation.block)
    block_variables = _used(*fields, *(bound for loop in blocks_of for bound in _bounds(loop)))
    runs, which = _distinct_runs(nest.iterations, block_variables, blocks_of, lambda at: at.columns(fields))
    blocks, ranges = _neighbouring(runs)
    table[:, JOB_BLOCK : JOB_BLOCK_END + 1] = ranges[which]
    return JobTables(table, nest.tile, [(block, ()) for block in blocks], units)


def _common_columns(nest: JobNest) -> Whole:
    """A job table with the columns that all operations fill alike."""
    job = nest.job
    table = np.zeros((nest.iterations.count, JOB_COLUMNS), dtype=np.int64)
    where = [JOB_OUT_START, JOB_OUT_COUNT, JOB_READ_SUMS, JOB_FINAL]
    table[:, where] = nest.iterations.columns((job.out_start, job.out_count, job.read_sums, job.final))
    return table


def _operation(loop: Loop) -> tuple[list[Loop], RowOp]:
    """(reduce loops nested in each other, this one first; the row operation in them)."""
    inside = loop.body[0]
    if isinstance(inside, RowOp):
        return [loop], inside
    loops, operation = _operation(only_loop(loop.body, "reduce"))
    return [loop, *loops], operation


def _used(*expressions: Expression) -> set[str]:
    """Names of the variables in some expressions. Generated trees share branches; each is walked once."""
    names, walked, left = set(), set(), list(expressions)
    while left:
        expression = left.pop()
        if isinstance(expression, Variable):
            names.add(expression.name)
        elif isinstance(expression, Binary) and id(expression) not in walked:
            walked.add(id(expression))
            left += expression.left, expression.right
    return names


def _bounds(loop: Loop) -> tuple[Expression, ...]:
    condition = () if loop.where is None else (loop.where,)
    return loop.start, loop.stop, loop.step, *condition


def _block_fields(block: Block) -> tuple[Expression, ...]:
    return block.phase, block.first, block.rows, block.column, block.width


def _numbered_blocks(nests: Sequence[JobNest]) -> tuple[dict[tuple[Row, Row], int], list[Whole]]:
    """(row blocks with their numbers, the number of each job's block), in the order jobs first use them."""
    found, order = [], []
    for k, nest in enumerate(nests):
        first, which, blocks = _nest_blocks(nest)
        found.append((which, blocks))
        order += [(tile, k, i) for i, tile in enumerate(nest.tile[first].tolist())]
    known: dict[tuple[Row, Row], int] = {}
    numbers = [np.zeros(len(blocks), dtype=np.int64) for _, blocks in found]
    for _, k, i in sorted(order):
        numbers[k][i] = known.setdefault(found[k][1][i], len(known))
    return known, [number[which] for number, (which, _) in zip(numbers, found, strict=True)]


def _nest_blocks(nest: JobNest) -> tuple[Whole, Whole, list[tuple[Row, Row]]]:
    """(first jobs with another row block, which of these each job is like, their blocks)."""
    assert nest.job.block is not None
    loops, operation = _operation(only_loop(nest.job.body, "reduce"))
    kernel = loops[-1]
    fields, rows = _block_fields(nest.job.block), (operation.kernel_row,)
    first, which = nest.iterations.distinct(_used(*fields, *rows, *_bounds(kernel)) - {kernel.variable})
    chosen = nest.iterations.these(first)
    issued = _runs(chosen, [kernel], lambda at: at.columns(rows))
    shapes = [tuple(row) for row in chosen.columns(fields).tolist()]
    kernel_rows = [tuple(k for (k,) in run) for run in issued]
    return first, which, list(zip(shapes, kernel_rows, strict=True))


def _distinct_runs(
    iterations: Iterations, used: set[str], loops: Sequence[Loop], fields: Callable[[Iterations], Whole]
) -> tuple[list[_Run], Whole]:
    """(runs, which): runs as _runs, once for each combination of the variables `used`; which of them each
    iteration has.
    """
    first, which = iterations.distinct(used)
    return _runs(iterations.these(first), loops, fields), which


def _runs(iterations: Iterations, loops: Sequence[Loop], fields: Callable[[Iterations], Whole]) -> list[_Run]:
    """For each iteration: the `fields` of every iteration of nested loops inside it."""
    inner, owner = iterations, np.arange(iterations.count)
    for loop in loops:
        inner = inner.inside(loop)
        owner = owner[inner.origin]
    rows = [tuple(row) for row in fields(inner).tolist()]
    ends = np.searchsorted(owner, np.arange(iterations.count + 1)).tolist()
    return [tuple(rows[a:b]) for a, b in pairwise(ends)]


def _laid_end_to_end(runs: Sequence[_Run]) -> tuple[list[Row], Whole]:
    """(rows of all runs, where each run starts); equal runs are laid once."""
    starts: dict[_Run, int] = {}
    rows: list[Row] = []
    for run in runs:
        if run not in starts:
            starts[run] = len(rows)
            rows += run
    return rows, np.array([starts[run] for run in runs])


def _neighbouring(runs: Sequence[_Run]) -> tuple[list[Row], Whole]:
    """(different rows of all runs, the range int64[runs, 2] of each run); ValueError where a run has none."""
    known: dict[Row, int] = {}
    ranges = []
    for run in runs:
        numbers = [known.setdefault(row, len(known)) for row in run]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ValueError("row blocks of an OSRC job are not neighbours in the block table")
        ranges.append((numbers[0], numbers[-1] + 1))
    return list(known), np.array(ranges)
