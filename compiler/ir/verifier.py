"""Is a program right? Every violation of the rules of the IR, with the path to the statement."""

from __future__ import annotations

import numpy as np

from compiler.ir.bounds import OperationCheck, check_jobs, check_target, check_transfer
from compiler.ir.coverage import MapCoverage, WeightCoverage
from compiler.ir.jobs import JobTable, find_jobs, row_operations, tabulate
from compiler.ir.nodes import Program
from compiler.ir.order import check_blocks_of_tiles
from compiler.ir.structure import check_program
from compiler.ir.violations import Violations
from compiler.program import RowOperation
from compiler.target import Target
from workloads.errors import UserError


def verify(program: Program, target: Target | None = None, coverage: bool = True) -> None:
    """UserError that lists what is wrong with a program, each with the path to it; None if nothing is.

    Rules, in this order; a later one is only looked at where the earlier ones hold:
    1. structure: legal geometry, operation of the stage, tensors of the operation with their shapes, loops
       from tile over job and unit to reduce, variables bound once and before use, statements in place;
    2. numbers, over all iterations: steps at least 1, transfers inside tensors, jobs inside the map and one
       convolution group, row operations with an operand row; with a `target`, also that they fit its
       registers (docs/microarchitecture.md section 2);
    3. coverage (unless switched off): every element of the result gets every contribution exactly once, and
       partial sums are read where they exist and only there, in a later tile than they are written in
       (compiler/ir/order.py).
    Takes under a second for a convolution of the zoo; 5 to 15 s for VGG-16's first FC layer (12.8 million
    row operations).
    """
    found = Violations(program)
    check_program(program, found)
    found.raise_if_any()
    if target is not None:
        check_target(program, target, found)
    table = _checked_jobs(program, target, found)
    found.raise_if_any()
    try:
        _check_operations(program, table, target, coverage, found)
    except UserError as error:
        found.add((), str(error))
    found.raise_if_any()


def _checked_jobs(program: Program, target: Target | None, found: Violations) -> JobTable:
    sites = find_jobs(program, found, lambda path, node, at: check_transfer(program, path, node, at, found))
    try:
        table = tabulate(sites)
    except UserError as error:
        found.add((), str(error))
        found.raise_if_any()
        raise
    check_jobs(program, table, target, found)
    return table


def _check_operations(
    program: Program, table: JobTable, target: Target | None, coverage: bool, found: Violations
) -> None:
    check = OperationCheck(program, table, target, found)
    if not coverage:
        for part in row_operations(table, np.arange(len(table))):
            check(part)
    elif program.operation is RowOperation.OSRC:
        _check_weight_gradients(program, table, check, found)
    else:
        _check_map(program, table, check, found)


def _check_map(program: Program, table: JobTable, check: OperationCheck, found: Violations) -> None:
    cover = MapCoverage(program, table)
    for part in row_operations(table, np.arange(len(table))):
        if check(part):
            cover.add(part)
    if not found:
        cover.check(found)
        check_blocks_of_tiles(program, table, found)


def _check_weight_gradients(
    program: Program, table: JobTable, check: OperationCheck, found: Violations
) -> None:
    """Segment by segment, since the operations of all segments together need gigabytes."""
    cover = WeightCoverage(program, table)
    for channel, jobs in cover.segments():
        operations = list(row_operations(table, jobs))
        kept = [check(part) for part in operations]
        if all(kept):
            cover.check(channel, operations, found)
