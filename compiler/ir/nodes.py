"""The nodes of the 1-D convolution dataflow IR: one program per layer and stage.

A program is loops around four kinds of statements. `tile` loops walk what lies in the global buffer,
`job` loops what one cluster does at a time, `unit` loops what one PE position of it does (OSRC), `reduce`
loops the row operations of a job. Semantics: docs/microarchitecture.md section 2; the interpreter
(compiler/ir/interpreter.py) is their executable form.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Expression
from compiler.program import RowOperation, Stage

LOOP_KINDS = ("tile", "job", "unit", "reduce")
TENSOR_KINDS = ("operand", "mask", "sums")
PPU_ACTIONS = ("sum", "accumulate", "mask", "relu", "abs_sum", "compress")


@dataclass(frozen=True)
class Tensor:
    """A named tensor of the program. kind: operand words, 1-bit mask, or partial sums."""

    name: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Range:
    """Half-open range [start, stop)."""

    start: Expression
    stop: Expression


@dataclass(frozen=True)
class Block:
    """A row block: output rows phase + row_step * (first + i), i < rows; columns [column, column + width)."""

    phase: Expression
    first: Expression
    rows: Expression
    column: Expression
    width: Expression


class Node:
    """Base of all statements."""


@dataclass(frozen=True)
class Loop(Node):
    """for KIND var = start .. stop step step where condition { body }; an iteration whose condition is 0 is skipped."""

    kind: str
    variable: str
    start: Expression
    stop: Expression
    step: Expression
    body: tuple[Node, ...]
    where: Expression | None = None


@dataclass(frozen=True)
class Load(Node):
    """DMA: off-chip memory to buffer; see compiler.program.Transfer for the fields."""

    tensor: str
    channels: Range
    rows: Range
    share: int = 1


@dataclass(frozen=True)
class Store(Node):
    """DMA: buffer to off-chip memory, after the jobs of its tile."""

    tensor: str
    channels: Range
    rows: Range
    share: int = 1


@dataclass(frozen=True)
class Job(Node):
    """What one cluster does at a time: Reg-2 of group g holds output channel out_start + g.

    block: the row block in Reg-2 (SRC, MSRC); None for OSRC, whose row operations carry theirs.
    read_sums: 1 if earlier partial sums are added; final: 1 if the result is finished.
    body: reduce loops around RowOp (SRC, MSRC), or unit loops around reduce loops around RowOp (OSRC), then Ppu.
    """

    out_start: Expression
    out_count: Expression
    block: Block | None
    read_sums: Expression
    final: Expression
    body: tuple[Node, ...]


@dataclass(frozen=True)
class RowOp(Node):
    """One row operation. SRC: channel c of I; MSRC: channel f of dO; OSRC: channel f of dO and `block` of dO."""

    operation: RowOperation
    channel: Expression
    kernel_row: Expression
    block: Block | None = None


@dataclass(frozen=True)
class Ppu(Node):
    """Post-processing of a job's result, in the order of the actions (of PPU_ACTIONS)."""

    actions: tuple[str, ...]


@dataclass(frozen=True)
class Program(Node):
    """One layer and stage. row_step: distance of neighbouring rows of a block in the output map (MSRC: stride)."""

    layer: str
    stage: Stage
    operation: RowOperation
    geometry: ConvGeometry
    row_step: int
    groups_per_cluster: int
    pes_per_group: int
    tensors: tuple[Tensor, ...]
    body: tuple[Node, ...]
