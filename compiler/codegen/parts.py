"""Pieces of programs that the three row operations share."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Const, Expression, Variable, as_expression, binary, maximum, minimum
from compiler.ir.nodes import Loop, Node, Range, Tensor
from compiler.mapping.mapping import Mapping
from compiler.program import RowOperation


def loop(
    kind: str,
    name: str,
    start: Expression | int,
    stop: Expression | int,
    step: Expression | int,
    *body: Node,
    where: Expression | None = None,
) -> Loop:
    """A loop node; numbers become constants."""
    bounds = (as_expression(start), as_expression(stop), as_expression(step))
    return Loop(kind, name, *bounds, body=body, where=where)


def both(left: Expression, right: Expression) -> Expression:
    """1 where both conditions hold."""
    return binary("and", left, right)


def until(start: Expression | int, size: int, stop: Expression | int) -> Expression:
    """min(start + size, stop): the end of a tile."""
    return minimum(start + as_expression(size), stop)


def span(start: Expression, size: int, stop: Expression | int) -> Expression:
    """min(size, stop - start): how much of a tile is left."""
    return minimum(size, as_expression(stop) - start)


def input_rows(geometry: ConvGeometry, start: Expression, stop: Expression) -> Range:
    """Rows of I that the rows [start, stop) of O or dO meet, halo included.

    Where padding is as high as the kernel, all of them can lie in it: then an empty range inside I.
    """
    height, stride, padding = geometry.in_size[0], geometry.stride[0], geometry.padding[0]
    reach = (geometry.kernel[0] - 1) * geometry.dilation[0] - padding
    first = maximum(0, start * stride - padding)
    last = minimum(height, (stop - 1) * stride + reach + 1)
    if reach >= 0:
        return Range(first, last)
    first = minimum(height, first)
    return Range(first, maximum(first, last))


@dataclass(frozen=True)
class ConvGroups:
    """Channel offsets of the convolution groups: `first` is the loop variable of a tile's first group."""

    geometry: ConvGeometry
    mapping: Mapping

    @property
    def grouped(self) -> bool:
        return self.geometry.groups > 1

    @property
    def first(self) -> Expression:
        return Variable("v") if self.grouped else Const(0)

    @property
    def stop(self) -> Expression:
        return until(self.first, self.mapping.conv_groups, self.geometry.groups) if self.grouped else Const(1)

    @property
    def current(self) -> Expression:
        return Variable("g") if self.grouped else Const(0)

    def tiles(self, *body: Node) -> tuple[Node, ...]:
        """The tile loop over convolution groups, if there is more than one."""
        if not self.grouped:
            return body
        step = self.mapping.conv_groups
        return (loop("tile", "v", 0, self.geometry.groups, step, *body),)

    def jobs(self, *body: Node) -> tuple[Node, ...]:
        """The job loop over the convolution groups of a tile."""
        if not self.grouped:
            return body
        return (loop("job", "g", self.first, self.stop, 1, *body),)


def tensors(
    geometry: ConvGeometry, operation: RowOperation, masked: bool, samples: int = 1
) -> tuple[Tensor, ...]:
    """Tensors of a program; the maps of several samples (OSRC) are stacked by rows."""
    g = geometry
    in_map = (samples * g.in_size[0], g.in_size[1])
    out_map = (samples * g.out_size[0], g.out_size[1])
    maps = {
        "I": Tensor("I", "operand", (g.in_channels, *in_map)),
        "W": Tensor("W", "operand", (g.out_channels, g.in_channels_per_group, *g.kernel)),
        "O": Tensor("O", "operand", (g.out_channels, *g.out_size)),
        "dO": Tensor("dO", "operand", (g.out_channels, *out_map)),
        "dI": Tensor("dI", "operand", (g.in_channels, *g.in_size)),
        "mask": Tensor("mask", "mask", (g.in_channels, *g.in_size)),
        "dW": Tensor("dW", "sums", (g.out_channels, g.in_channels_per_group, *g.kernel)),
    }
    names = {
        RowOperation.SRC: ("I", "W", "O"),
        RowOperation.MSRC: ("dO", "W", "mask", "dI") if masked else ("dO", "W", "dI"),
        RowOperation.OSRC: ("I", "dO", "dW"),
    }
    return tuple(maps[name] for name in names[operation])
