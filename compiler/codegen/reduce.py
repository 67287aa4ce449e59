"""SRC and MSRC programs: output channels lie across the groups, the reduction runs through the PEs.

SRC computes O from I (out = F, reduce = C); MSRC computes dI from dO (out = C, reduce = F) one row phase at a
time, so that the zeros a strided convolution inserts never exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from compiler.codegen.parts import ConvGroups, both, input_rows, loop, span, tensors, until
from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Const, Expression, Variable, binary, maximum, minimum
from compiler.ir.nodes import Block, Job, Load, Node, Ppu, Program, Range, RowOp, Store
from compiler.mapping.mapping import OUTPUTS_STAY, WEIGHTS_STAY, Mapping
from compiler.program import RowOperation, Stage
from compiler.target import Target


@lru_cache(maxsize=4096)
def row_phases(geometry: ConvGeometry, operation: RowOperation) -> tuple[int, ...]:
    """Phases of the output rows that a kernel row reaches: (0,) for SRC, up to `stride` for MSRC."""
    step = geometry.stride[0]
    if operation is not RowOperation.MSRC or step == 1:
        return (0,)
    offsets = (k * geometry.dilation[0] - geometry.padding[0] for k in range(geometry.kernel[0]))
    return tuple(sorted({offset % step for offset in offsets if offset % step < geometry.in_size[0]}))


@dataclass(frozen=True)
class _Generator:
    """One SRC or MSRC program in the making; sizes are per convolution group."""

    operation: RowOperation
    geometry: ConvGeometry
    target: Target
    mapping: Mapping
    masked: bool
    relu: bool

    @property
    def is_src(self) -> bool:
        return self.operation is RowOperation.SRC

    @property
    def out_channels(self) -> int:
        g = self.geometry
        return g.out_channels_per_group if self.is_src else g.in_channels_per_group

    @property
    def reduce_channels(self) -> int:
        g = self.geometry
        return g.in_channels_per_group if self.is_src else g.out_channels_per_group

    @property
    def out_size(self) -> tuple[int, int]:
        return self.geometry.out_size if self.is_src else self.geometry.in_size

    @property
    def row_step(self) -> int:
        return 1 if self.is_src else self.geometry.stride[0]

    @property
    def groups(self) -> ConvGroups:
        return ConvGroups(self.geometry, self.mapping)

    @property
    def m(self) -> Expression:
        return Variable("m")

    @property
    def r(self) -> Expression:
        return Variable("r")

    @property
    def n(self) -> Expression:
        return Variable("n") if self.chunked else Const(0)

    @property
    def chunked(self) -> bool:
        return self.mapping.reduce_tile < self.reduce_channels

    @property
    def m_stop(self) -> Expression:
        return until(self.m, self.mapping.out_tile, self.out_channels)

    @property
    def n_stop(self) -> Expression:
        return until(self.n, self.mapping.reduce_tile, self.reduce_channels)

    def row_count(self, phase: int) -> int:
        return -(-(self.out_size[0] - phase) // self.row_step)

    def issued(self, phase: int, block: Block, kernel_row: Expression) -> Expression:
        """1 where the kernel row is of the phase and meets some operand row of the block inside the map."""
        g, last = self.geometry, block.first + block.rows - 1
        if self.is_src:
            offset = g.padding[0] - kernel_row * g.dilation[0]
            lowest = maximum(block.first, (offset + (g.stride[0] - 1)) // g.stride[0])
            return binary("<=", lowest, minimum(last, (offset + (g.in_size[0] - 1)) // g.stride[0]))
        distance = phase + g.padding[0] - kernel_row * g.dilation[0]
        offset = distance // g.stride[0]
        reached = both(binary("<=", 0, last + offset), binary("<", block.first + offset, g.out_size[0]))
        if g.stride[0] == 1:
            return reached
        return both(binary("==", distance % g.stride[0], 0), reached)

    def jobs(self, phase: int) -> Node:
        """Job loops of one row phase: output channels, column tiles, row blocks."""
        f, x, y = Variable("f"), Variable("x"), Variable("y")
        row_stop = minimum(self.r + self.mapping.row_tile, self.row_count(phase))
        width = span(x, self.mapping.width, self.out_size[1])
        block = Block(Const(phase), y, span(y, self.mapping.rows, row_stop), x, width)
        job = Job(
            self.groups.current * self.out_channels + f,
            span(f, self.target.groups_per_cluster, self.m_stop),
            block,
            binary("<", 0, self.n),
            binary("<=", self.reduce_channels, self.n + self.mapping.reduce_tile),
            (self.reduction(phase, block), Ppu(self.actions())),
        )
        blocks = loop("job", "y", self.r, row_stop, self.mapping.rows, job)
        columns = loop("job", "x", 0, self.out_size[1], self.mapping.width, blocks)
        step = self.target.groups_per_cluster
        return self.groups.jobs(loop("job", "f", self.m, self.m_stop, step, columns))[0]

    def reduction(self, phase: int, block: Block) -> Node:
        k = Variable("k")
        operation = RowOp(self.operation, self.groups.current * self.reduce_channels + Variable("c"), k)
        where = self.issued(phase, block, k)
        kernel_rows = loop("reduce", "k", 0, self.geometry.kernel[0], 1, operation, where=where)
        return loop("reduce", "c", self.n, self.n_stop, 1, kernel_rows)

    def actions(self) -> tuple[str, ...]:
        if self.is_src:
            return ("sum", "accumulate", "relu") if self.relu else ("sum", "accumulate")
        masked = ("sum", "accumulate", "mask", "abs_sum", "compress")
        return masked if self.masked else ("sum", "accumulate", "abs_sum")

    def input_rows(self) -> Range:
        """Rows of the operand map that a row tile needs, halo included."""
        g, r, size = self.geometry, self.r, self.mapping.row_tile
        if self.is_src:
            return input_rows(g, r, until(r, size, self.out_size[0]))
        reach, step = (g.kernel[0] - 1) * g.dilation[0] - g.padding[0], g.stride[0]
        last = (minimum((r + size) * step, self.out_size[0]) - 1 + g.padding[0]) // step
        first = maximum(0, (r * step - reach + step - 1) // step)
        return Range(first, maximum(first, minimum(g.out_size[0], last + 1)))

    def output_rows(self) -> Range:
        last = (self.r + self.mapping.row_tile) * self.row_step
        return Range(self.r * self.row_step, minimum(last, self.out_size[0]))

    def out_range(self) -> Range:
        """Output channels of a tile, absolute."""
        base, last = self.groups.first, self.groups.stop - 1
        return Range(base * self.out_channels + self.m, last * self.out_channels + self.m_stop)

    def load_weights(self) -> Load:
        out, reduce = Range(self.m, self.m_stop), Range(self.n, self.n_stop)
        if self.groups.grouped:
            step = self.geometry.out_channels_per_group
            first = Range(self.groups.first * step, self.groups.stop * step)
            return Load(
                "W", first, Range(Const(0), Const(self.geometry.in_channels_per_group)), self.mapping.share
            )
        first, second = (out, reduce) if self.is_src else (reduce, out)
        return Load("W", first, second, self.mapping.share)

    def load_inputs(self) -> Load:
        channels = Range(self.groups.first * self.reduce_channels, self.groups.stop * self.reduce_channels)
        if self.mapping.stays == OUTPUTS_STAY:
            channels = Range(self.n, self.n_stop)
        return Load("I" if self.is_src else "dO", channels, self.input_rows())

    def tile_loops(self) -> tuple[Node, ...]:
        """Loop order by what stays in the buffer: weights (m, r), inputs (r, m, n) or sums (m, r, n)."""
        jobs = [self.jobs(q) for q in row_phases(self.geometry, self.operation)]
        masks = [Load("mask", self.out_range(), self.output_rows())] if self.masked else []
        store = Store("O" if self.is_src else "dI", self.out_range(), self.output_rows())
        rows = max(self.row_count(q) for q in row_phases(self.geometry, self.operation))

        def over_m(*body: Node) -> Node:
            return loop("tile", "m", 0, self.out_channels, self.mapping.out_tile, *body)

        def over_r(*body: Node) -> Node:
            return loop("tile", "r", 0, rows, self.mapping.row_tile, *body)

        if self.mapping.stays == WEIGHTS_STAY:
            inner = over_r(self.load_inputs(), *masks, *jobs, store)
            return self.groups.tiles(over_m(self.load_weights(), inner))
        if self.mapping.stays == OUTPUTS_STAY:
            step = self.mapping.reduce_tile
            both_loads = (self.load_weights(), self.load_inputs())
            chunks = loop("tile", "n", 0, self.reduce_channels, step, *both_loads, *jobs)
            return self.groups.tiles(over_m(over_r(*masks, chunks, store)))
        chunk: tuple[Node, ...] = (self.load_weights(), *jobs)
        if self.chunked:
            chunk = (loop("tile", "n", 0, self.reduce_channels, self.mapping.reduce_tile, *chunk),)
        return self.groups.tiles(over_r(self.load_inputs(), over_m(*masks, *chunk, store)))


def generate_reduce(
    layer: str,
    stage: Stage,
    geometry: ConvGeometry,
    target: Target,
    mapping: Mapping,
    masked: bool = False,
    relu: bool = False,
) -> Program:
    """The SRC (Forward) or MSRC (GTA) program of a layer.

    masked: dI is needed only under the ReLU mask; relu: the PPU applies ReLU to O. A mapping that keeps the
    weights has all reduction channels in one tile.
    """
    operation = RowOperation.SRC if stage is Stage.FORWARD else RowOperation.MSRC
    generator = _Generator(operation, geometry, target, mapping, masked, relu)
    shapes = tensors(geometry, operation, masked)
    array = (target.groups_per_cluster, target.pes_per_group)
    return Program(
        layer, stage, operation, geometry, generator.row_step, *array, shapes, generator.tile_loops()
    )
