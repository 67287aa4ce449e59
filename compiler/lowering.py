"""IR program -> StageProgram: the loops are unrolled into the flat tables that the machine executes.

The loop nest is turned into a Python function and run once, which is a hundred times faster than walking the
expression trees for every job. Only node types and integer expressions reach that function, never text from
outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compiler.ir.expressions import Binary, Const, Expression, Variable
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Program, RowOp, Store
from compiler.program import (
    BLOCK_COLUMNS,
    JOB_COLUMNS,
    UNIT_COLUMNS,
    RowOperation,
    StageProgram,
    Tile,
    Transfer,
)
from compiler.target import Target


class _Tables:
    """Collects jobs, row blocks, units and tiles while the loops run."""

    def __init__(self) -> None:
        self.jobs: list[tuple[int, ...]] = []
        self.blocks: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        self.unit_runs: dict[tuple[tuple[int, int, int], ...], int] = {}
        self.units: list[tuple[int, int, int]] = []
        self.tiles: list[tuple[int, int, list[Transfer], list[Transfer]]] = []
        self.loads: list[Transfer] = []
        self.stores: list[Transfer] = []
        self.first_job = 0

    def load(self, tensor: str, channels: tuple[int, int], rows: tuple[int, int], share: int) -> None:
        self.loads.append(Transfer(tensor, channels, rows, share))

    def store(self, tensor: str, channels: tuple[int, int], rows: tuple[int, int], share: int) -> None:
        """A store belongs to the tile whose jobs are being collected, or to the one just closed."""
        open_tile = len(self.jobs) > self.first_job
        where = self.stores if open_tile or not self.tiles else self.tiles[-1][3]
        where.append(Transfer(tensor, channels, rows, share))

    def close(self) -> None:
        self.tiles.append((self.first_job, len(self.jobs), self.loads, self.stores))
        self.first_job, self.loads, self.stores = len(self.jobs), [], []

    def block(self, shape: tuple[int, ...], kernel_rows: tuple[int, ...]) -> int:
        return self.blocks.setdefault((shape, kernel_rows), len(self.blocks))

    def unit_run(self, run: tuple[tuple[int, int, int], ...]) -> int:
        if run not in self.unit_runs:
            self.unit_runs[run] = len(self.units)
            self.units.extend(run)
        return self.unit_runs[run]


def _source(expression: Expression) -> str:
    if isinstance(expression, Const):
        return str(expression.value)
    if isinstance(expression, Variable):
        return f"v_{expression.name}"
    assert isinstance(expression, Binary)
    left, right = _source(expression.left), _source(expression.right)
    if expression.operator in ("min", "max"):
        return f"{expression.operator}({left}, {right})"
    return f"({left} {expression.operator} {right})"


def _range(loop: Loop) -> str:
    return f"range({_source(loop.start)}, {_source(loop.stop)}, {_source(loop.step)})"


def _for(loop: Loop) -> str:
    condition = "" if loop.where is None else f" if {_source(loop.where)}"
    return f"for v_{loop.variable} in {_range(loop)}{condition}"


def _block_source(block: Block) -> str:
    fields = (block.phase, block.first, block.rows, block.column, block.width)
    return "(" + ", ".join(_source(f) for f in fields) + ")"


def _only_loop(body: tuple[Node, ...], kind: str) -> Loop:
    loops = [n for n in body if isinstance(n, Loop) and n.kind == kind]
    if len(loops) != 1:
        raise ValueError(f"lowering expects exactly one {kind} loop here, found {len(loops)}")
    return loops[0]


def _depth(loop: Loop) -> int:
    """Loops nested in each other through first statements, this one included."""
    first = loop.body[0]
    return 1 + (_depth(first) if isinstance(first, Loop) else 0)


def _has_jobs(body: tuple[Node, ...]) -> bool:
    return any(isinstance(n, Job) or (isinstance(n, Loop) and n.kind == "job") for n in body)


class _Emitter:
    """Writes the Python function of one program."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def body(self, nodes: tuple[Node, ...], depth: int, in_tile: bool) -> None:
        for node in nodes:
            self.node(node, depth)
        if in_tile and _has_jobs(nodes):
            self.line(depth, "close()")

    def node(self, node: Node, depth: int) -> None:
        if isinstance(node, Loop):
            self.loop(node, depth)
        elif isinstance(node, Job):
            self.job(node, depth)
        elif isinstance(node, (Load, Store)):
            name = "load" if isinstance(node, Load) else "store"
            channels = f"({_source(node.channels.start)}, {_source(node.channels.stop)})"
            rows = f"({_source(node.rows.start)}, {_source(node.rows.stop)})"
            self.line(depth, f"{name}({node.tensor!r}, {channels}, {rows}, {node.share})")
        else:
            raise ValueError(f"{type(node).__name__} cannot stand outside a job")

    def loop(self, node: Loop, depth: int) -> None:
        self.line(depth, f"for v_{node.variable} in {_range(node)}:")
        inside = depth + 1
        if node.where is not None:
            self.line(inside, f"if not {_source(node.where)}: continue")
        self.body(node.body, inside, in_tile=node.kind == "tile")

    def job(self, job: Job, depth: int) -> None:
        head = f"{_source(job.out_start)}, {_source(job.out_count)}"
        tail = f"{_source(job.read_sums)}, {_source(job.final)}"
        if job.block is None:
            self.store_job(job, depth, head, tail)
        else:
            self.reduce_job(job, depth, head, tail)

    def reduce_job(self, job: Job, depth: int, head: str, tail: str) -> None:
        assert job.block is not None
        channels = _only_loop(job.body, "reduce")
        kernel = _only_loop(channels.body, "reduce")
        operation = kernel.body[0]
        assert isinstance(operation, RowOp)
        start = f"(lambda v_{channels.variable}: {_source(operation.channel)})({_source(channels.start)})"
        self.line(depth, f"kernel_rows = tuple({_source(operation.kernel_row)} {_for(kernel)})")
        self.line(depth, f"b = block({_block_source(job.block)}, kernel_rows)")
        self.line(depth, f"jobs.append(({head}, b, b + 1, {start}, len({_range(channels)}), 0, 0, {tail}))")

    def store_job(self, job: Job, depth: int, head: str, tail: str) -> None:
        unit = _only_loop(job.body, "unit")
        samples = _only_loop(unit.body, "reduce")
        several = _depth(samples) == 4  # samples, columns, rows, channels
        columns = _only_loop(samples.body, "reduce") if several else samples
        rows = _only_loop(columns.body, "reduce")
        channels = _only_loop(rows.body, "reduce")
        operation = channels.body[0]
        assert isinstance(operation, RowOp) and operation.block is not None
        fields = f"{_source(operation.kernel_row)}, {_source(channels.start)}, len({_range(channels)})"
        self.line(depth, f"units = tuple(({fields}) {_for(unit)})")
        key = f"({_range(samples)}, {_range(columns)}, {_range(rows)})"
        self.line(depth, f"w = unit_run(units); key = {key}")
        self.line(depth, "if key not in block_runs:")
        each = f"{_for(samples)} {_for(columns)} {_for(rows)}" if several else f"{_for(columns)} {_for(rows)}"
        self.line(depth + 1, f"run = [block({_block_source(operation.block)}, ()) {each}]")
        self.line(depth + 1, "block_runs[key] = contiguous(run)")
        self.line(depth, "b0, b1 = block_runs[key]")
        self.line(depth, f"jobs.append(({head}, b0, b1, 0, 0, w, w + len(units), {tail}))")


def _contiguous(run: list[int]) -> tuple[int, int]:
    if run != list(range(run[0], run[0] + len(run))):
        raise ValueError("row blocks of an OSRC job are not neighbours in the block table")
    return run[0], run[-1] + 1


def _table(rows: list[tuple[int, ...]], columns: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    table = np.array(rows, dtype=np.int32).reshape(len(rows), columns)
    table.setflags(write=False)
    return table


def _run(program: Program) -> _Tables:
    emitter = _Emitter()
    emitter.line(0, "def unroll():")
    emitter.body(program.body, 1, in_tile=True)
    tables = _Tables()
    scope: dict[str, Any] = {
        "jobs": tables.jobs, "load": tables.load, "store": tables.store, "close": tables.close,
        "block": tables.block, "unit_run": tables.unit_run, "contiguous": _contiguous, "block_runs": {},
    }  # fmt: skip
    exec(compile("\n".join(emitter.lines), f"<{program.layer}>", "exec"), scope)
    unroll: Callable[[], None] = scope["unroll"]
    unroll()
    return tables


def lower(program: Program, target: Target) -> StageProgram:
    """Unroll a verified program for a machine; ValueError for a loop nest not of the generated form."""
    tables = _run(program)
    kernel_rows = [k for _, rows in tables.blocks for k in rows]
    starts = np.cumsum([0, *(len(rows) for _, rows in tables.blocks)])
    if program.operation is RowOperation.OSRC:
        starts = np.zeros(len(tables.blocks) + 1, dtype=np.int64)
    return StageProgram(
        layer=program.layer,
        stage=program.stage,
        operation=program.operation,
        geometry=program.geometry,
        target=target,
        jobs=_table(tables.jobs, JOB_COLUMNS),
        row_blocks=_table([shape for shape, _ in tables.blocks], BLOCK_COLUMNS),
        kernel_rows=np.array(kernel_rows, dtype=np.int32),
        kernel_row_start=starts.astype(np.int32),
        units=_table(list(tables.units), UNIT_COLUMNS),
        tiles=tuple(Tile(a, b, tuple(loads), tuple(stores)) for a, b, loads, stores in tables.tiles),
        samples=program.samples,
        broadcast=program.broadcast,
    )
