"""What can be said about a program without running its loops: nesting, names, declarations."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import OPERATORS, Binary, Const, Expression, Variable
from compiler.ir.nodes import (
    LOOP_KINDS,
    PPU_ACTIONS,
    Block,
    Job,
    Load,
    Loop,
    Node,
    Ppu,
    Program,
    RowOp,
    Store,
)
from compiler.ir.tensors import tensor_rules
from compiler.ir.violations import Path, Violations, statement_name
from compiler.program import (
    BROADCAST_OPERANDS,
    GRADIENTS_BROADCAST,
    ROW_OPERATION_OF_STAGE,
    RowOperation,
    Stage,
)

_RESERVED = frozenset({"and", "min", "max"})


def check_program(program: Program, found: Violations) -> None:
    """Header, declarations and statements. What it accepts can be unrolled."""
    _check_geometry(program.geometry, found)
    if found:
        return
    _check_header(program, found)
    if found:
        return
    _check_tensors(program, found)
    _StatementCheck(program, found).body(program.body, (), ())


def _check_geometry(geometry: ConvGeometry, found: Violations) -> None:
    positive = {
        "in_channels": (geometry.in_channels,),
        "out_channels": (geometry.out_channels,),
        "in_size": geometry.in_size,
        "kernel": geometry.kernel,
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "groups": (geometry.groups,),
    }
    for name, values in positive.items():
        if min(values) < 1:
            found.add(("conv",), f"{name} {_plain(values)} must be at least 1")
    for name, values in {"padding": geometry.padding, "end_padding": geometry.padding_behind}.items():
        if min(values) < 0 and (name == "padding" or geometry.end_padding is not None):
            found.add(("conv",), f"{name} {_plain(values)} must not be negative")
    if found:
        return
    if geometry.in_channels % geometry.groups or geometry.out_channels % geometry.groups:
        channels = f"{geometry.in_channels} and out_channels {geometry.out_channels}"
        found.add(("conv",), f"groups {geometry.groups} must divide in_channels {channels}")
    if min(geometry.out_size) < 1:
        found.add(("conv",), f"kernel {_plain(geometry.kernel)} is larger than the padded input")


def _plain(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(values) == 1 else f"[{', '.join(map(str, values))}]"


def _check_header(program: Program, found: Violations) -> None:
    expected = ROW_OPERATION_OF_STAGE.get(program.stage)
    if program.operation is not expected:
        found.add((), f"row operation {program.operation} does not belong to stage {program.stage}")
    row_step = program.geometry.stride[0] if program.stage is Stage.GTA else 1
    if program.row_step != row_step:
        found.add(("array",), f"row_step {program.row_step} must be {row_step}")
    if program.broadcast not in BROADCAST_OPERANDS:
        found.add(
            ("array",), f"broadcast {program.broadcast!r} must be one of {', '.join(BROADCAST_OPERANDS)}"
        )
    elif program.broadcast != GRADIENTS_BROADCAST and program.operation is not RowOperation.OSRC:
        found.add(("array",), f"broadcast {program.broadcast} belongs to OSRC, not to {program.operation}")
    for name in ("groups_per_cluster", "pes_per_group"):
        if getattr(program, name) < 1:
            found.add(("array",), f"{name} {getattr(program, name)} must be at least 1")


def _check_tensors(program: Program, found: Violations) -> None:
    rules = tensor_rules(program.operation, program.geometry, program.samples)
    names = [tensor.name for tensor in program.tensors]
    for tensor in program.tensors:
        path = (f"tensor {tensor.name}",)
        rule = rules.get(tensor.name)
        if names.count(tensor.name) > 1:
            found.add(path, "declared more than once")
        if rule is None:
            found.add(path, f"{program.operation} has no such tensor; it has {', '.join(rules)}")
            continue
        if tensor.kind not in rule.kinds:
            found.add(path, f"kind {tensor.kind} must be {' or '.join(rule.kinds)}")
        if tensor.shape != rule.shape:
            found.add(path, f"shape {_plain(tensor.shape)} must be {_plain(rule.shape)}")
    for name, rule in rules.items():
        if rule.required and name not in names:
            found.add((f"tensor {name}",), f"not declared, but {program.operation} needs it")


class _StatementCheck:
    """Walks the statements with what encloses them: `around`, outermost first, and the path to them."""

    def __init__(self, program: Program, found: Violations) -> None:
        self._program = program
        self._found = found
        self._tensors = {tensor.name for tensor in program.tensors}

    def body(self, body: tuple[Node, ...], around: tuple[Node, ...], path: Path) -> None:
        for node in body:
            self._statement(node, around, (*path, statement_name(node)))
        self._transfer_order(body, path)

    def _statement(self, node: Node, around: tuple[Node, ...], path: Path) -> None:
        self._names(node, around, path)
        if isinstance(node, Loop):
            self._loop(node, around, path)
        elif isinstance(node, Job):
            self._job(node, around, path)
        elif isinstance(node, Load | Store):
            self._transfer(node, around, path)
        elif isinstance(node, RowOp):
            self._row_operation(node, around, path)
        elif isinstance(node, Ppu):
            self._ppu(node, around, path)
        else:
            self._found.add(path, "not a statement")

    def _names(self, node: Node, around: tuple[Node, ...], path: Path) -> None:
        """Every variable that is read is bound by an enclosing loop, every operator known."""
        bound = {loop.variable for loop in around if isinstance(loop, Loop)}
        for what, expression in _expressions(node):
            own = {node.variable} if isinstance(node, Loop) and what == "where" else set()
            for problem in _expression_problems(expression, bound | own):
                self._found.add(path, f"{what}: {problem}")

    def _loop(self, loop: Loop, around: tuple[Node, ...], path: Path) -> None:
        if loop.kind not in LOOP_KINDS:
            self._found.add(path, f"loop kind {loop.kind!r} must be one of {', '.join(LOOP_KINDS)}")
            return
        if not loop.variable.isidentifier() or not loop.variable.isascii() or loop.variable in _RESERVED:
            self._found.add(path, f"{loop.variable!r} is no name for a variable")
        if any(isinstance(outer, Loop) and outer.variable == loop.variable for outer in around):
            self._found.add(path, f"variable {loop.variable!r} is bound already")
        if isinstance(loop.step, Const) and loop.step.value < 1:
            self._found.add(path, f"step {loop.step.value} must be at least 1")
        self._loop_place(loop, around, path)
        self.body(loop.body, (*around, loop), path)

    def _loop_place(self, loop: Loop, around: tuple[Node, ...], path: Path) -> None:
        """Kinds go tile, job, unit, reduce from the outside; the last two stand inside a job, only they."""
        rank = LOOP_KINDS.index(loop.kind)
        outer = [node for node in around if isinstance(node, Loop)]
        if outer and rank < LOOP_KINDS.index(outer[-1].kind):
            self._found.add(path, f"a {loop.kind} loop cannot stand inside a {outer[-1].kind} loop")
        inside_job = any(isinstance(node, Job) for node in around)
        if inside_job != (loop.kind in ("unit", "reduce")):
            place = "inside" if inside_job else "outside"
            self._found.add(path, f"a {loop.kind} loop cannot stand {place} a job")

    def _job(self, job: Job, around: tuple[Node, ...], path: Path) -> None:
        if any(isinstance(node, Job) for node in around):
            self._found.add(path, "a job cannot stand inside a job")
        if self._program.operation is RowOperation.OSRC:
            if job.block is not None:
                self._found.add(path, "an OSRC job has no block; its row operations carry theirs")
        elif job.block is None:
            self._found.add(path, f"a job of {self._program.operation} needs a block")
        if sum(isinstance(node, Ppu) for node in job.body) != 1 or not isinstance(job.body[-1], Ppu):
            self._found.add(path, "the body must end in its one ppu statement")
        self._job_loops(job, path)
        self.body(job.body, (*around, job), path)

    def _job_loops(self, job: Job, path: Path) -> None:
        """OSRC: one unit loop holds all operations. Otherwise units do not exist."""
        loops = [node for node in job.body if isinstance(node, Loop)]
        if self._program.operation is RowOperation.OSRC:
            if [loop.kind for loop in loops] != ["unit"]:
                self._found.add(path, "an OSRC job needs exactly one unit loop around its row operations")
        elif any(loop.kind == "unit" for loop in loops):
            self._found.add(path, f"a job of {self._program.operation} has no unit loops")

    def _transfer(self, node: Load | Store, around: tuple[Node, ...], path: Path) -> None:
        if node.tensor not in self._tensors:
            self._found.add(path, f"tensor {node.tensor!r} is not declared")
        if node.share < 1:
            self._found.add(path, f"share {node.share} must be at least 1")
        if any(isinstance(outer, Job) or _is_job_loop(outer) for outer in around):
            self._found.add(
                path, "loads and stores belong to a tile and cannot stand inside job loops or jobs"
            )

    def _transfer_order(self, body: tuple[Node, ...], path: Path) -> None:
        """Loads before the jobs of their tile, stores after them."""
        ranks = [0 if isinstance(node, Load) else 2 if isinstance(node, Store) else 1 for node in body]
        if ranks != sorted(ranks):
            self._found.add(path, "loads must come first and stores last in their body")

    def _row_operation(self, node: RowOp, around: tuple[Node, ...], path: Path) -> None:
        if not any(isinstance(outer, Job) for outer in around):
            self._found.add(path, "a row operation must stand inside a job")
        if node.operation is not self._program.operation:
            self._found.add(path, f"row operation {node.operation} in a program of {self._program.operation}")
        if self._program.operation is not RowOperation.OSRC:
            if node.block is not None:
                self._found.add(
                    path, f"{node.operation} works on the block of its job and has none of its own"
                )
            return
        if node.block is None:
            self._found.add(path, "an OSRC operation needs a block of dO")
        if sum(isinstance(outer, Loop) and outer.kind == "unit" for outer in around) != 1:
            self._found.add(path, "an OSRC operation must stand inside exactly one unit loop")

    def _ppu(self, node: Ppu, around: tuple[Node, ...], path: Path) -> None:
        if not around or not isinstance(around[-1], Job):
            self._found.add(path, "a ppu statement must stand directly in a job")
        for action in sorted(set(node.actions)):
            if action not in PPU_ACTIONS:
                self._found.add(path, f"action {action!r} must be one of {', '.join(PPU_ACTIONS)}")
            if node.actions.count(action) > 1:
                self._found.add(path, f"action {action!r} stands there twice")
        if "relu" in node.actions and self._program.operation is not RowOperation.SRC:
            self._found.add(path, "action 'relu' belongs to the forward stage")


def _is_job_loop(node: Node) -> bool:
    return isinstance(node, Loop) and node.kind == "job"


def _expressions(node: Node) -> Iterator[tuple[str, Expression]]:
    """The expressions a statement reads itself, with the name of their field."""
    if isinstance(node, Loop):
        yield from (("start", node.start), ("stop", node.stop), ("step", node.step))
        if node.where is not None:
            yield "where", node.where
    elif isinstance(node, Load | Store):
        yield from (("channels", node.channels.start), ("channels", node.channels.stop))
        yield from (("rows", node.rows.start), ("rows", node.rows.stop))
    elif isinstance(node, Job):
        yield from (("out", node.out_start), ("out", node.out_count))
        yield from (("read_sums", node.read_sums), ("final", node.final))
        yield from _block_expressions(node.block)
    elif isinstance(node, RowOp):
        yield from (("channel", node.channel), ("kernel_row", node.kernel_row))
        yield from _block_expressions(node.block)


def _block_expressions(block: Block | None) -> Iterator[tuple[str, Expression]]:
    if block is not None:
        names = ("phase", "first", "rows", "column", "width")
        yield from ((f"block {name}", getattr(block, name)) for name in names)


def _expression_problems(expression: Expression, bound: set[str]) -> Iterator[str]:
    if isinstance(expression, Variable):
        if expression.name not in bound:
            yield f"variable {expression.name!r} is not bound here"
    elif isinstance(expression, Binary):
        if expression.operator not in OPERATORS:
            yield f"operator {expression.operator!r} is unknown"
        yield from _expression_problems(expression.left, bound)
        yield from _expression_problems(expression.right, bound)
    elif not isinstance(expression, Const):
        yield f"{type(expression).__name__} is no expression"
