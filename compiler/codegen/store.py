"""OSRC programs: dW = I * dO. Weight gradients stay in Reg-2.

Either dO is broadcast and input channels c lie across the groups, or I is broadcast and output channels f do.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.codegen.parts import ConvGroups, input_rows, loop, span, tensors, until
from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Const, Expression, Variable, binary, minimum
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Ppu, Program, Range, RowOp, Store
from compiler.mapping.mapping import Mapping
from compiler.program import INPUTS_BROADCAST, RowOperation, Stage
from compiler.target import Target


@dataclass(frozen=True)
class _Generator:
    """One OSRC program in the making; "out" channels lie across the groups, "reduce" channels pass on ch0."""

    geometry: ConvGeometry
    target: Target
    mapping: Mapping

    @property
    def inputs_broadcast(self) -> bool:
        return self.mapping.broadcast == INPUTS_BROADCAST

    @property
    def channels(self) -> tuple[int, int]:
        """(out, reduce) channels of a convolution group."""
        per_group = self.geometry.out_channels_per_group, self.geometry.in_channels_per_group
        return per_group if self.inputs_broadcast else (per_group[1], per_group[0])

    @property
    def groups(self) -> ConvGroups:
        return ConvGroups(self.geometry, self.mapping)

    @property
    def n_stop(self) -> Expression:
        return until(Variable("n"), self.mapping.out_tile, self.channels[0])

    @property
    def m_stop(self) -> Expression:
        return until(Variable("m"), self.mapping.reduce_tile, self.channels[1])

    @property
    def r_stop(self) -> Expression:
        return until(Variable("r"), self.mapping.row_tile, self.geometry.out_size[0])

    @property
    def chunks(self) -> Expression:
        """Units per kernel row of a tile."""
        size = self.mapping.unit_channels
        return (self.m_stop - Variable("m") + (size - 1)) // size

    @property
    def units(self) -> Expression:
        return self.chunks * self.geometry.kernel[0]

    def job(self) -> Job:
        """A cluster's job: G channels, P units, every row block of the tile."""
        out = Variable("f" if self.inputs_broadcast else "c")
        u, stop = Variable("u"), self.geometry.out_size[0]
        last_unit = until(u, self.target.pes_per_group, self.units)
        r, several = Variable("r"), self.mapping.share > 1
        return Job(
            self.groups.current * self.channels[0] + out,
            span(out, self.target.groups_per_cluster, self.n_stop),
            None,
            Const(1) if several else binary("<", 0, r),
            binary("<=", stop, r + self.mapping.row_tile),
            (loop("unit", "w", u, last_unit, 1, self.unit_body()), Ppu(("accumulate",))),
        )

    def unit_body(self) -> Loop:
        """The row blocks of a unit, sample by sample, and the operations of each."""
        mapping, width = self.mapping, self.geometry.out_size[1]
        rows = loop("reduce", "y", Variable("r"), self.r_stop, mapping.rows, self.operations())
        columns = loop("reduce", "x", 0, width, mapping.width, rows)
        if mapping.samples == 1:
            return columns
        return loop("reduce", "s", 0, mapping.samples, 1, columns)

    def operations(self) -> Loop:
        """One operation for each channel of the unit on a row block."""
        w, name = Variable("w"), "c" if self.inputs_broadcast else "f"
        base = self.groups.current * self.channels[1]
        start = base + Variable("m") + (w % self.chunks) * self.mapping.unit_channels
        stop = minimum(start + self.mapping.unit_channels, base + self.m_stop)
        operation = RowOp(RowOperation.OSRC, Variable(name), w // self.chunks, self.block())
        return loop("reduce", name, start, stop, 1, operation)

    def block(self) -> Block:
        x, y = Variable("x"), Variable("y")
        sample = Variable("s") if self.mapping.samples > 1 else Const(0)
        rows = span(y, self.mapping.rows, self.r_stop)
        return Block(sample, y, rows, x, span(x, self.mapping.width, self.geometry.out_size[1]))

    def jobs(self) -> tuple[Node, ...]:
        """Job loops of a tile: convolution groups, blocks of channels, P units at a time."""
        units = loop("job", "u", 0, self.units, self.target.pes_per_group, self.job())
        name, step = "f" if self.inputs_broadcast else "c", self.target.groups_per_cluster
        return self.groups.jobs(loop("job", name, Variable("n"), self.n_stop, step, units))

    def out_range(self) -> Range:
        """Channels of a tile across the groups, absolute."""
        base, last = self.groups.first, self.groups.stop - 1
        return Range(base * self.channels[0] + Variable("n"), last * self.channels[0] + self.n_stop)

    def reduce_range(self) -> Range:
        """Channels of a tile on ch0, absolute."""
        base, last = self.groups.first, self.groups.stop - 1
        return Range(base * self.channels[1] + Variable("m"), last * self.channels[1] + self.m_stop)

    def map_rows(self) -> tuple[Range, Range]:
        """Rows of I and of dO that a row tile needs; whole maps where several samples are stacked."""
        g, r, stop, samples = self.geometry, Variable("r"), self.r_stop, self.mapping.samples
        if samples > 1:
            heights = samples * g.in_size[0], samples * g.out_size[0]
            return Range(Const(0), Const(heights[0])), Range(Const(0), Const(heights[1]))
        return input_rows(g, r, stop), Range(r, stop)

    def loads(self) -> tuple[Load, Load]:
        """Rows of I and dO of one (n, m, r) tile."""
        in_rows, out_rows = self.map_rows()
        c, f = self.out_range(), self.reduce_range()
        if self.inputs_broadcast:
            c, f = f, c
        return Load("I", c, in_rows), Load("dO", f, out_rows)

    def store(self) -> Store:
        """The finished dW tile; its second axis counts within the convolution group."""
        if self.inputs_broadcast:
            return Store("dW", self.out_range(), Range(Variable("m"), self.m_stop), self.mapping.share)
        return Store("dW", self.reduce_range(), Range(Variable("n"), self.n_stop), self.mapping.share)

    def body(self) -> tuple[Node, ...]:
        """dW tiles (n, m) outside, row tiles inside."""
        out, reduce = self.channels
        height, mapping = self.geometry.out_size[0], self.mapping
        rows = loop("tile", "r", 0, height, mapping.row_tile, *self.loads(), *self.jobs())
        over_m = loop("tile", "m", 0, reduce, mapping.reduce_tile, rows, self.store())
        return self.groups.tiles(loop("tile", "n", 0, out, mapping.out_tile, over_m))


def generate_store(layer: str, geometry: ConvGeometry, target: Target, mapping: Mapping) -> Program:
    """The OSRC (GTW) program of a layer: dW tiles outside, row tiles of the samples inside."""
    return Program(
        layer=layer,
        stage=Stage.GTW,
        operation=RowOperation.OSRC,
        geometry=geometry,
        row_step=1,
        groups_per_cluster=target.groups_per_cluster,
        pes_per_group=target.pes_per_group,
        tensors=tensors(geometry, RowOperation.OSRC, masked=False, samples=mapping.samples),
        body=_Generator(geometry, target, mapping).body(),
        broadcast=mapping.broadcast,
    )
