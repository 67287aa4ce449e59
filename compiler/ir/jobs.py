"""All jobs of a program in the order of execution, and the row operations of any of them, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.expressions import Expression
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Program, RowOp, Store
from compiler.ir.unroll import (
    ONCE,
    IntArray,
    Iterations,
    enter,
    evaluate_all,
    program_order,
)
from compiler.ir.violations import Path, Violations, statement_name
from workloads.errors import UserError

# Row operations unrolled together: enough to hide the cost of a numpy call, little against 1 GiB.
_CHUNK_OPERATIONS = 2**19

# Values that no program can name, because they are no identifiers.
JOB, UNIT = "#job", "#unit"

TransferCheck = Callable[[Path, "Load | Store", Iterations], None]


@dataclass(frozen=True)
class Blocks:
    """Row blocks, int64[n] each: fields of compiler.ir.nodes.Block."""

    phase: IntArray
    first: IntArray
    rows: IntArray
    column: IntArray
    width: IntArray


@dataclass(frozen=True)
class JobSite:
    """One job statement and every iteration that reaches it; its first `tile_keys` keys tell tiles apart."""

    path: Path
    job: Job
    iterations: Iterations
    tile_keys: int


@dataclass(frozen=True)
class JobTable:
    """int64[jobs], in program order. site, row: job statement and iteration; blocks: None for OSRC.

    tile: 0, 1, ...; the jobs between two turns of tile loops, all jobs where there is no such loop.
    """

    sites: tuple[JobSite, ...]
    site: IntArray
    row: IntArray
    tile: IntArray
    out_start: IntArray
    out_count: IntArray
    read_sums: IntArray
    final: IntArray
    blocks: Blocks | None

    def __len__(self) -> int:
        return len(self.site)

    def result(self, job: int, row_step: int) -> tuple[slice, slice, slice]:
        """Channels, rows and columns of O or dI that a job of SRC or MSRC computes."""
        blocks = self.blocks
        assert blocks is not None, "structure rules give every job of SRC and MSRC a block"
        channel, column = int(self.out_start[job]), int(blocks.column[job])
        row = int(blocks.phase[job] + row_step * blocks.first[job])
        return (
            slice(channel, channel + int(self.out_count[job])),
            slice(row, row + row_step * (int(blocks.rows[job]) - 1) + 1, row_step),
            slice(column, column + int(blocks.width[job])),
        )

    def place(self, job: int) -> tuple[JobSite, str]:
        """The statement of a job and its iteration in words."""
        site = self.sites[self.site[job]]
        return site, site.iterations.describe(int(self.row[job]))


@dataclass(frozen=True)
class RowOperations:
    """Operations of one row operation statement, int64[n]: job (of the table), unit, channel, kernel row."""

    path: Path
    iterations: Iterations
    job: IntArray
    unit: IntArray
    channel: IntArray
    kernel_row: IntArray
    blocks: Blocks | None


def find_jobs(program: Program, found: Violations, check_transfer: TransferCheck) -> list[JobSite]:
    """Unroll tile and job loops. Loops that cannot be unrolled become violations; transfers are checked."""
    sites: list[JobSite] = []

    def walk(body: tuple[Node, ...], iterations: Iterations, path: Path, tile_keys: int) -> None:
        for position, node in enumerate(body):
            here, inner = (*path, statement_name(node)), iterations.with_key(position)
            try:
                if isinstance(node, Loop):
                    turns = enter(node, inner)
                    walk(node.body, turns, here, len(turns.order) if node.kind == "tile" else tile_keys)
                elif isinstance(node, Job):
                    sites.append(JobSite(here, node, inner, tile_keys))
                elif isinstance(node, Load | Store):
                    check_transfer(here, node, inner)
            except UserError as error:
                found.add(here, str(error))

    walk(program.body, ONCE, (), 0)
    return sites


def tabulate(sites: list[JobSite]) -> JobTable:
    """The jobs of all sites in program order. UserError for a field that cannot be evaluated."""
    order = program_order([site.iterations for site in sites])

    def column(field: Callable[[Job], Expression]) -> IntArray:
        parts = [evaluate_all(field(site.job), site.iterations) for site in sites]
        return np.concatenate([*parts, np.empty(0, np.int64)])[order]

    counts = [site.iterations.count for site in sites]
    blocks = [site.job.block for site in sites]
    has_blocks = bool(blocks) and all(block is not None for block in blocks)
    return JobTable(
        sites=tuple(sites),
        site=np.repeat(np.arange(len(sites)), counts)[order],
        row=np.concatenate([*(np.arange(count) for count in counts), np.empty(0, np.int64)])[order],
        tile=_tile_numbers(sites, order),
        out_start=column(lambda job: job.out_start),
        out_count=column(lambda job: job.out_count),
        read_sums=column(lambda job: job.read_sums),
        final=column(lambda job: job.final),
        blocks=_tabulate_blocks(column) if has_blocks else None,
    )


def _tile_numbers(sites: list[JobSite], order: NDArray[np.intp]) -> IntArray:
    """int64[jobs]: a tile ends where the keys of the tile loops change."""
    first = np.ones(len(order), np.bool_)
    first[1:] = False
    for level in range(max((site.tile_keys for site in sites), default=0)):
        keys = np.concatenate([_tile_key(site, level) for site in sites])[order]
        first[1:] |= keys[1:] != keys[:-1]
    return np.cumsum(first) - 1


def _tile_key(site: JobSite, level: int) -> IntArray:
    """A key of every job of a site; -1, which no loop has, inside fewer tile loops."""
    if level < site.tile_keys:
        return site.iterations.order[level]
    return np.full(site.iterations.count, -1, np.int64)


def _tabulate_blocks(column: Callable[[Callable[[Job], Expression]], IntArray]) -> Blocks:
    def of(field: str) -> IntArray:
        return column(lambda job: getattr(job.block, field))

    return Blocks(of("phase"), of("first"), of("rows"), of("column"), of("width"))


def row_operations(table: JobTable, jobs: IntArray) -> Iterator[RowOperations]:
    """The row operations of some jobs (indices into the table), site by site in chunks of whole jobs.

    Within a chunk, operations of the same job follow each other in program order.
    UserError for a loop or field that cannot be evaluated.
    """
    for number, site in enumerate(table.sites):
        chosen = jobs[table.site[jobs] == number]
        start, size = 0, 1
        while start < len(chosen):
            chunk = chosen[start : start + size]
            operations = list(_site_operations(table, site, chunk))
            yield from operations
            start += len(chunk)
            per_job = sum(len(part.job) for part in operations) // len(chunk) + 1
            size = max(1, _CHUNK_OPERATIONS // per_job)


def _site_operations(table: JobTable, site: JobSite, jobs: IntArray) -> Iterator[RowOperations]:
    iterations = site.iterations.without_order().select(table.row[jobs])
    iterations = iterations.with_value(JOB, jobs).with_value(UNIT, np.zeros(len(jobs), np.int64))
    yield from _body_operations(site.job.body, iterations, site.path)


def _body_operations(body: tuple[Node, ...], iterations: Iterations, path: Path) -> Iterator[RowOperations]:
    for node in body:
        here = (*path, statement_name(node))
        if isinstance(node, RowOp):
            yield _operations(node, iterations, here)
        elif isinstance(node, Loop):
            inner = enter(node, iterations).without_order()
            yield from _body_operations(node.body, _numbered(inner) if node.kind == "unit" else inner, here)


def _numbered(units: Iterations) -> Iterations:
    """Units of a job numbered in turn: PE positions."""
    job = units.values[JOB]
    first = np.flatnonzero(np.diff(job, prepend=-1))
    counts = np.diff(first, append=len(job))
    return units.with_value(UNIT, np.arange(len(job)) - np.repeat(first, counts))


def _operations(node: RowOp, iterations: Iterations, path: Path) -> RowOperations:
    return RowOperations(
        path=path,
        iterations=iterations,
        job=iterations.values[JOB],
        unit=iterations.values[UNIT],
        channel=evaluate_all(node.channel, iterations),
        kernel_row=evaluate_all(node.kernel_row, iterations),
        blocks=None if node.block is None else _evaluate_block(node.block, iterations),
    )


def _evaluate_block(block: Block, iterations: Iterations) -> Blocks:
    fields = (block.phase, block.first, block.rows, block.column, block.width)
    return Blocks(*(evaluate_all(expression, iterations) for expression in fields))
