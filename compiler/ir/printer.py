"""IR programs as readable text, the exact inverse of compiler.ir.parser.

The text has one statement per line, bodies in braces, half-open ranges `[start, stop)` or
`[start, +count)`, and comments from `#` to the end of the line, which the parser skips. A step of 1, a
share of 1 and the broadcast of SRC and MSRC are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Binary, Const, Expression, Variable
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Ppu, Program, Range, RowOp, Store, Tensor
from compiler.program import GRADIENTS_BROADCAST, RowOperation

INDENT = "  "

# Binding strength of the infix operators; all associate to the left, comparisons not at all.
PRECEDENCE = {"and": 1, "<": 2, "<=": 2, "==": 2, "+": 3, "-": 3, "*": 4, "//": 4, "%": 4}
COMPARISONS = frozenset({"<", "<=", "=="})
FUNCTIONS = frozenset({"min", "max"})


def print_program(program: Program) -> str:
    """The text of a program; parse_program of it gives an equal program."""
    return "\n".join(_program_lines(program)) + "\n"


def print_expression(expression: Expression) -> str:
    """The text of an expression, with only the parentheses its tree needs."""
    return _expression(expression, 0)


def _program_lines(program: Program) -> Iterator[str]:
    yield f"program {json.dumps(program.layer)} {program.stage} {program.operation} {{"
    yield INDENT + _geometry(program.geometry)
    yield (
        f"{INDENT}array groups_per_cluster {program.groups_per_cluster} "
        f"pes_per_group {program.pes_per_group} row_step {program.row_step}{_broadcast(program)}"
    )
    yield from (INDENT + _tensor(tensor) for tensor in program.tensors)
    yield from _body_lines(program.body, INDENT)
    yield "}"


def _broadcast(program: Program) -> str:
    """Said of every OSRC program, since it decides what its channels are."""
    if program.operation is RowOperation.OSRC or program.broadcast != GRADIENTS_BROADCAST:
        return f" broadcast {program.broadcast}"
    return ""


def _geometry(geometry: ConvGeometry) -> str:
    return (
        f"conv in_channels {geometry.in_channels} out_channels {geometry.out_channels} "
        f"in_size {_sizes(geometry.in_size)} kernel {_sizes(geometry.kernel)} "
        f"stride {_sizes(geometry.stride)} padding {_sizes(geometry.padding)}{_end_padding(geometry)} "
        f"dilation {_sizes(geometry.dilation)} groups {geometry.groups}"
    )


def _end_padding(geometry: ConvGeometry) -> str:
    """Said only where it differs from the padding before."""
    return "" if geometry.end_padding is None else f" end_padding {_sizes(geometry.end_padding)}"


def _sizes(sizes: tuple[int, ...]) -> str:
    return f"[{', '.join(str(size) for size in sizes)}]"


def _tensor(tensor: Tensor) -> str:
    return f"tensor {tensor.name} {tensor.kind} {_sizes(tensor.shape)}"


def _body_lines(body: tuple[Node, ...], indent: str) -> Iterator[str]:
    for node in body:
        yield from _node_lines(node, indent)


def _node_lines(node: Node, indent: str) -> Iterator[str]:
    if isinstance(node, Loop | Job):
        head = _loop_head(node) if isinstance(node, Loop) else _job_head(node, "\n" + indent + 2 * INDENT)
        yield f"{indent}{head} {{"
        yield from _body_lines(node.body, indent + INDENT)
        yield indent + "}"
    else:
        yield indent + _leaf(node)


def _loop_head(loop: Loop) -> str:
    text = (
        f"for {loop.kind} {loop.variable} = {print_expression(loop.start)} .. {print_expression(loop.stop)}"
    )
    if loop.step != Const(1):
        text += f" step {print_expression(loop.step)}"
    if loop.where is not None:
        text += f" where {print_expression(loop.where)}"
    return text


def _job_head(job: Job, line_break: str) -> str:
    """What the job holds and where; the block and the flags on lines of their own."""
    parts = [f"job out {_counted(job.out_start, job.out_count)}"]
    parts += [] if job.block is None else [_block(job.block)]
    parts += [f"read_sums {print_expression(job.read_sums)} final {print_expression(job.final)}"]
    return line_break.join(parts)


def _leaf(node: Node) -> str:
    if isinstance(node, Load | Store):
        share = "" if node.share == 1 else f" share {node.share}"
        verb = "load" if isinstance(node, Load) else "store"
        return f"{verb} {node.tensor} channels {_range(node.channels)} rows {_range(node.rows)}{share}"
    if isinstance(node, RowOp):
        block = "" if node.block is None else " " + _block(node.block)
        channel, kernel_row = print_expression(node.channel), print_expression(node.kernel_row)
        return f"{node.operation} channel {channel} kernel_row {kernel_row}{block}"
    if isinstance(node, Ppu):
        return " ".join(("ppu", *node.actions))
    raise TypeError(f"not a statement: {node!r}")


def _range(bounds: Range) -> str:
    return f"[{print_expression(bounds.start)}, {print_expression(bounds.stop)})"


def _counted(start: Expression, count: Expression) -> str:
    return f"[{print_expression(start)}, +{print_expression(count)})"


def _block(block: Block) -> str:
    return (
        f"block phase {print_expression(block.phase)} rows {_counted(block.first, block.rows)} "
        f"columns {_counted(block.column, block.width)}"
    )


def _expression(expression: Expression, outer: int) -> str:
    """Text of a tree that stands where an operator of at least strength `outer` needs no parentheses."""
    if isinstance(expression, Const):
        return str(expression.value)
    if isinstance(expression, Variable):
        return expression.name
    if not isinstance(expression, Binary):
        raise TypeError(f"not an expression: {expression!r}")
    operator = expression.operator
    if operator in FUNCTIONS:
        return f"{operator}({_expression(expression.left, 0)}, {_expression(expression.right, 0)})"
    strength = PRECEDENCE[operator]
    left = _expression(expression.left, strength + (operator in COMPARISONS))
    text = f"{left} {operator} {_expression(expression.right, strength + 1)}"
    return f"({text})" if strength < outer else text
