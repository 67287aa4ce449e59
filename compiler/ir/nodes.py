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
from compiler.program import GRADIENTS_BROADCAST, RowOperation, Stage, ch0_pattern

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
    """A row block: output rows phase + row_step * (first + i), i < rows; columns [column, column + width).

    Of OSRC: rows first + i of dO of the sample `phase`.
    """

    phase: Expression
    first: Expression
    rows: Expression
    column: Expression
    width: Expression


class Node:
    """Base of all statements."""


@dataclass(frozen=True)
class Loop(Node):
    """for KIND var = start .. stop step step where condition { body }.

    An iteration whose condition is 0 is skipped.
    """

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
    """What one cluster does at a time: group g works on channel out_start + g of those across the groups.

    These are f for SRC and for OSRC that broadcasts I, c otherwise.

    block: the row block in Reg-2 (SRC, MSRC); None for OSRC, whose row operations carry theirs.
    read_sums: 1 if earlier partial sums are added; final: 1 if the result is finished.
    body: reduce loops around RowOp (SRC, MSRC), or unit loops around reduce loops around RowOp (OSRC), then
    Ppu.
    """

    out_start: Expression
    out_count: Expression
    block: Block | None
    read_sums: Expression
    final: Expression
    body: tuple[Node, ...]


@dataclass(frozen=True)
class RowOp(Node):
    """One row operation.

    channel: of ch0, c of I (SRC, and OSRC that broadcasts I) or f of dO; block: of dO (OSRC).
    """

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
    """One layer and stage.

    row_step: distance of neighbouring rows of a block in the output map (MSRC: stride). broadcast: the
    operand that OSRC takes on ch0, "dO" or "I"; always "dO" for SRC and MSRC, where it means nothing.
    OSRC may accumulate over several samples, whose maps are stacked by rows: I (C, samples * H, W) and dO
    (F, samples * Ho, Wo).
    """

    layer: str
    stage: Stage
    operation: RowOperation
    geometry: ConvGeometry
    row_step: int
    groups_per_cluster: int
    pes_per_group: int
    tensors: tuple[Tensor, ...]
    body: tuple[Node, ...]
    broadcast: str = GRADIENTS_BROADCAST

    @property
    def ch0_pattern(self) -> RowOperation:
        """The row operation whose ch0 rows these are (compiler.program.ch0_pattern)."""
        return ch0_pattern(self.operation, self.broadcast)

    @property
    def samples(self) -> int:
        """Samples whose maps an OSRC program stacks, from the rows of dO; 1 for SRC and MSRC.

        Of a program that `verify` refuses for its tensors: the whole samples that dO has rows for, at
        least 1.
        """
        shapes = [tensor.shape for tensor in self.tensors if tensor.name == "dO" and len(tensor.shape) == 3]
        if self.operation is not RowOperation.OSRC or not shapes:
            return 1
        return max(1, shapes[0][1] // self.geometry.out_size[0])

    @property
    def phases(self) -> int:
        """How many values the phase of a block can have: row phases of dI (MSRC) or samples (OSRC)."""
        return self.row_step * self.samples

    @property
    def out_channels(self) -> tuple[int, int]:
        """Channels that lie across the groups: all, and per convolution group."""
        g = self.geometry
        if self.ch0_pattern is RowOperation.SRC:
            return g.out_channels, g.out_channels_per_group
        return g.in_channels, g.in_channels_per_group

    @property
    def reduction_channels(self) -> tuple[int, int]:
        """Channels that pass on ch0: all, and per convolution group."""
        g = self.geometry
        if self.ch0_pattern is RowOperation.SRC:
            return g.in_channels, g.in_channels_per_group
        return g.out_channels, g.out_channels_per_group
