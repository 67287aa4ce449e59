"""OSRC programs: dW = I * dO. Input channels lie across the groups, weight gradients stay in Reg-2."""

from __future__ import annotations

from compiler.codegen.parts import ConvGroups, loop, span, tensors, until
from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Const, Expression, Variable, binary, maximum, minimum
from compiler.ir.nodes import Block, Job, Load, Node, Ppu, Program, Range, RowOp, Store
from compiler.mapping.mapping import Mapping
from compiler.program import RowOperation, Stage
from compiler.target import Target


def _job(geometry: ConvGeometry, target: Target, mapping: Mapping, chunks: Expression) -> Job:
    """A cluster's job: G input channels, P units of (kernel row, output channels), every row block of the tile."""
    groups = ConvGroups(geometry, mapping)
    c, u, w, x, y = (Variable(name) for name in "cuwxy")
    f_base, c_base = geometry.out_channels_per_group, geometry.in_channels_per_group
    row_stop = until(Variable("r"), mapping.row_tile, geometry.out_size[0])
    width = span(x, mapping.width, geometry.out_size[1])
    block = Block(Variable("s") if mapping.samples > 1 else Const(0), y, span(y, mapping.rows, row_stop), x, width)
    start = groups.current * f_base + Variable("m") + (w % chunks) * mapping.unit_channels
    stop = minimum(start + mapping.unit_channels, groups.current * f_base + _m_stop(geometry, mapping))
    operation = RowOp(RowOperation.OSRC, Variable("f"), w // chunks, block)
    operations = loop("reduce", "f", start, stop, 1, operation)
    rows = loop("reduce", "y", Variable("r"), row_stop, mapping.rows, operations)
    columns = loop("reduce", "x", 0, geometry.out_size[1], mapping.width, rows)
    if mapping.samples > 1:
        columns = loop("reduce", "s", 0, mapping.samples, 1, columns)
    units = chunks * geometry.kernel[0]
    unit_loop = loop("unit", "w", u, until(u, target.pes_per_group, units), 1, columns)
    c_stop = until(Variable("n"), mapping.out_tile, c_base)
    earlier = Const(1) if mapping.share > 1 else binary("<", 0, Variable("r"))
    last = binary("<=", geometry.out_size[0], Variable("r") + mapping.row_tile)
    count = span(c, target.groups_per_cluster, c_stop)
    actions = Ppu(("accumulate",))
    return Job(groups.current * c_base + c, count, None, earlier, last, (unit_loop, actions))


def _m_stop(geometry: ConvGeometry, mapping: Mapping) -> Expression:
    return until(Variable("m"), mapping.reduce_tile, geometry.out_channels_per_group)


def _loads(geometry: ConvGeometry, mapping: Mapping) -> tuple[Load, Load]:
    """Rows of I and dO of one (m, n, r) tile."""
    groups = ConvGroups(geometry, mapping)
    f_base, c_base = geometry.out_channels_per_group, geometry.in_channels_per_group
    last = groups.stop - 1
    r = Variable("r")
    stop = until(r, mapping.row_tile, geometry.out_size[0])
    reach = (geometry.kernel[0] - 1) * geometry.dilation[0] - geometry.padding[0]
    in_rows = Range(
        maximum(0, r * geometry.stride[0] - geometry.padding[0]),
        minimum(geometry.in_size[0], (stop - 1) * geometry.stride[0] + reach + 1),
    )
    c_stop = until(Variable("n"), mapping.out_tile, c_base)
    channels = Range(groups.first * c_base + Variable("n"), last * c_base + c_stop)
    out_rows = Range(r, stop)
    if mapping.samples > 1:  # whole maps, stacked
        in_rows = Range(Const(0), Const(mapping.samples * geometry.in_size[0]))
        out_rows = Range(Const(0), Const(mapping.samples * geometry.out_size[0]))
    out_channels = Range(groups.first * f_base + Variable("m"), last * f_base + _m_stop(geometry, mapping))
    return Load("I", channels, in_rows), Load("dO", out_channels, out_rows)


def generate_store(
    layer: str, geometry: ConvGeometry, target: Target, mapping: Mapping
) -> Program:
    """The OSRC (GTW) program of a layer: dW tiles (n, m) outside, row tiles of the samples inside."""
    groups = ConvGroups(geometry, mapping)
    f_base, c_base = geometry.out_channels_per_group, geometry.in_channels_per_group
    m, n = Variable("m"), Variable("n")
    tile_f = _m_stop(geometry, mapping) - m
    chunks = (tile_f + (mapping.unit_channels - 1)) // mapping.unit_channels
    units = chunks * geometry.kernel[0]
    job = _job(geometry, target, mapping, chunks)
    unit_jobs = loop("job", "u", 0, units, target.pes_per_group, job)
    c_stop = until(n, mapping.out_tile, c_base)
    jobs: Node = loop("job", "c", n, c_stop, target.groups_per_cluster, unit_jobs)
    rows = loop(
        "tile", "r", 0, geometry.out_size[0], mapping.row_tile, *_loads(geometry, mapping), *groups.jobs(jobs)
    )
    second = Range(n, c_stop)
    first = Range(groups.first * f_base + m, (groups.stop - 1) * f_base + _m_stop(geometry, mapping))
    store = Store("dW", first, second, mapping.share)
    over_m = loop("tile", "m", 0, f_base, mapping.reduce_tile, rows, store)
    body = groups.tiles(loop("tile", "n", 0, c_base, mapping.out_tile, over_m))
    shapes = tensors(geometry, RowOperation.OSRC, masked=False, samples=mapping.samples)
    array = (target.groups_per_cluster, target.pes_per_group)
    return Program(layer, Stage.GTW, RowOperation.OSRC, geometry, 1, *array, shapes, body)
