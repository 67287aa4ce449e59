"""Complete IR programs for small layers, in the form the code generator gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Binary, Const, Expression, Variable, binary, maximum, minimum
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Ppu, Program, Range, RowOp, Store, Tensor
from compiler.program import ROW_OPERATION_OF_STAGE, RowOperation, Stage


@dataclass(frozen=True)
class Tiling:
    """How a layer is cut. Channels, rows (of one phase for MSRC) and columns per tile, job and block."""

    groups_per_cluster: int = 3
    pes_per_group: int = 2
    block_rows: int = 2
    block_width: int = 5
    tile_out: int = 4
    tile_rows: int = 4
    tile_reduce: int = 3
    unit_channels: int = 2
    skip_padding: bool = False  # OSRC: blocks whose rows of I all lie in the padding are not visited
    samples: int = 1  # that share one dW (OSRC) and its partial sums
    broadcast: str = "dO"  # the operand on ch0 of OSRC


def build_program(
    geometry: ConvGeometry,
    stage: Stage,
    tiling: Tiling | None = None,
    *,
    relu: bool = False,
    masked: bool = False,
    layer: str = "conv",
) -> Program:
    """The program of one layer and stage; relu: O after ReLU; masked: dI under a ReLU mask."""
    cut = tiling or Tiling()
    builders = {Stage.FORWARD: _src_body, Stage.GTA: _msrc_body, Stage.GTW: _osrc_body}
    actions = ("sum", "relu", "compress") if relu else ("sum", "compress")
    body = _over_convolution_groups(geometry, stage, cut, builders[stage], actions)
    return Program(
        layer=layer,
        stage=stage,
        operation=ROW_OPERATION_OF_STAGE[stage],
        geometry=geometry,
        row_step=geometry.stride[0] if stage is Stage.GTA else 1,
        groups_per_cluster=cut.groups_per_cluster,
        pes_per_group=cut.pes_per_group,
        tensors=_tensors(geometry, stage, masked),
        body=body,
        broadcast=cut.broadcast if stage is Stage.GTW else "dO",
    )


def random_tensors(
    geometry: ConvGeometry, seed: int, mask_density: float = 0.5, low: int = -4, high: int = 5
) -> dict[str, NDArray[np.float64]]:
    """Small whole numbers for I, W and dO, a third of I and dO zero, and a mask."""
    random = np.random.default_rng(np.random.SeedSequence(seed))
    shapes = _shapes(geometry)
    values = {name: random.integers(low, high, shapes[name]).astype(np.float64) for name in ("I", "W", "dO")}
    for name in ("I", "dO"):
        values[name] *= random.random(shapes[name]) < 0.67
    values["mask"] = (random.random(shapes["I"]) < mask_density).astype(np.float64)
    return values


def _shapes(g: ConvGeometry) -> dict[str, tuple[int, ...]]:
    weights = (g.out_channels, g.in_channels_per_group, *g.kernel)
    return {"I": (g.in_channels, *g.in_size), "W": weights, "dO": (g.out_channels, *g.out_size)}


def _tensors(g: ConvGeometry, stage: Stage, masked: bool) -> tuple[Tensor, ...]:
    shape = _shapes(g)
    if stage is Stage.FORWARD:
        names = {"I": "I", "W": "W", "O": "dO", "sums": "dO"}
    elif stage is Stage.GTA:
        names = {"dO": "dO", "W": "W", "dI": "I", "sums": "I"} | ({"mask": "I"} if masked else {})
    else:
        names = {"I": "I", "dO": "dO", "dW": "W", "sums": "W"}
    kinds = {"sums": "sums", "mask": "mask", "dW": "sums"}
    return tuple(Tensor(name, kinds.get(name, "operand"), shape[like]) for name, like in names.items())


def _over_convolution_groups(g, stage, cut, build, actions) -> tuple[Node, ...]:
    """One pass per convolution group, with the channel offsets of the group."""
    if g.groups == 1:
        return build(g, cut, Const(0), Const(0), actions)
    group = Variable("k")
    body = build(g, cut, group * g.in_channels_per_group, group * g.out_channels_per_group, actions)
    return (_loop("tile", group, 0, g.groups, 1, *body),)


def _loop(kind, variable, start, stop, step, *body, where=None) -> Loop:
    start, stop, step = (binary("+", value, 0) for value in (start, stop, step))
    return Loop(kind, variable.name, start, stop, step, tuple(body), where)


def _end(start: Expression, step: int, stop: Expression | int) -> Expression:
    return minimum(start + step, stop)


def _any_row_inside(
    g: ConvGeometry, first: Expression, stop: Expression, kernel_row: Expression
) -> Expression:
    """1 if an output row in [first, stop) meets a row of the input through the kernel row."""
    reach = Const(g.padding[0]) - kernel_row * g.dilation[0]
    low = maximum(first, (reach + (g.stride[0] - 1)) // g.stride[0])
    high = minimum(stop - 1, (reach + (g.in_size[0] - 1)) // g.stride[0])
    return binary("<=", low, high)


def _src_body(g, cut, base_in, base_out, actions) -> tuple[Node, ...]:
    m, r, n, f, x, y, c, h = (Variable(name) for name in "mrnfxych")
    rows, columns = g.out_size
    m_stop, n_stop = base_out + g.out_channels_per_group, base_in + g.in_channels_per_group
    m_end, r_end, n_end = (
        _end(m, cut.tile_out, m_stop),
        _end(r, cut.tile_rows, rows),
        _end(n, cut.tile_reduce, n_stop),
    )
    y_end, x_end = _end(y, cut.block_rows, r_end), _end(x, cut.block_width, columns)
    row_op = RowOp(RowOperation.SRC, c, h)
    kernel = _loop("reduce", h, 0, g.kernel[0], 1, row_op, where=_any_row_inside(g, y, y_end, h))
    job = Job(
        f,
        _end(f, cut.groups_per_cluster, m_end) - f,
        Block(Const(0), y, y_end - y, x, x_end - x),
        Binary("<", base_in, n),
        Binary("==", n_end, n_stop),
        (_loop("reduce", c, n, n_end, 1, kernel), Ppu(actions)),
    )
    jobs = _loop("job", x, 0, columns, cut.block_width, _loop("job", y, r, r_end, cut.block_rows, job))
    relative = Range(n - base_in, n_end - base_in)
    tile = (
        Load("W", Range(m, m_end), relative, share=4),
        Load("I", Range(n, n_end), Range(Const(0), Const(g.in_size[0]))),
        _loop("job", f, m, m_end, cut.groups_per_cluster, jobs),
        Store("O", Range(m, m_end), Range(r, r_end)),
    )
    return (
        _tile_loops(
            (m, base_out, m_stop, cut.tile_out),
            (r, 0, rows, cut.tile_rows),
            (n, base_in, n_stop, cut.tile_reduce),
            tile,
        ),
    )


def _tile_loops(outer, middle, inner, body) -> Loop:
    (v1, *bounds1), (v2, *bounds2), (v3, *bounds3) = outer, middle, inner
    return _loop("tile", v1, *bounds1, _loop("tile", v2, *bounds2, _loop("tile", v3, *bounds3, *body)))


def _msrc_body(g, cut, base_in, base_out, actions) -> tuple[Node, ...]:
    m, r, n = (Variable(name) for name in "mrn")
    stride = g.stride[0]
    phase_rows = -(-g.in_size[0] // stride)
    m_stop, n_stop = base_in + g.in_channels_per_group, base_out + g.out_channels_per_group
    m_end, n_end = _end(m, cut.tile_out, m_stop), _end(n, cut.tile_reduce, n_stop)
    first_row, end_row = r * stride, minimum((r + cut.tile_rows) * stride, g.in_size[0])
    sums = (Binary("<", base_out, n), Binary("==", n_end, n_stop))
    phases = [q for q in range(min(stride, g.in_size[0])) if _kernel_rows_of_phase(g, q)]
    tile = (
        Load("W", Range(n, n_end), Range(m - base_in, m_end - base_in), share=4),
        Load("dO", Range(n, n_end), Range(Const(0), Const(g.out_size[0]))),
        *(_msrc_jobs(g, cut, phase, (m_end, n_end), (*sums, actions)) for phase in phases),
        Store("dI", Range(m, m_end), Range(first_row, end_row)),
    )
    return (
        _tile_loops(
            (m, base_in, m_stop, cut.tile_out),
            (r, 0, phase_rows, cut.tile_rows),
            (n, base_out, n_stop, cut.tile_reduce),
            tile,
        ),
    )


def _kernel_rows_of_phase(g: ConvGeometry, phase: int) -> list[int]:
    return [h for h in range(g.kernel[0]) if (phase + g.padding[0] - h * g.dilation[0]) % g.stride[0] == 0]


def _msrc_jobs(g, cut, phase, ends, sums_and_actions) -> Loop:
    m, r, n, c, x, y, f, h = (Variable(name) for name in "mrncxyfh")
    (m_end, n_end), (read_sums, final, actions) = ends, sums_and_actions
    stride, columns = g.stride[0], g.in_size[1]
    rows = -(-(g.in_size[0] - phase) // stride)
    r_end = _end(r, cut.tile_rows, rows)
    y_end, x_end = _end(y, cut.block_rows, r_end), _end(x, cut.block_width, columns)
    shift = Const(phase + g.padding[0]) - h * g.dilation[0]
    lowest, highest = Const(0) - shift // stride, Const(g.out_size[0] - 1) - shift // stride
    inside = binary("<=", maximum(y, lowest), minimum(y_end - 1, highest))
    where = binary("and", binary("==", shift % stride, 0), inside)
    kernel = _loop("reduce", h, 0, g.kernel[0], 1, RowOp(RowOperation.MSRC, f, h), where=where)
    job = Job(
        c,
        _end(c, cut.groups_per_cluster, m_end) - c,
        Block(Const(phase), y, y_end - y, x, x_end - x),
        read_sums,
        final,
        (_loop("reduce", f, n, n_end, 1, kernel), Ppu(actions)),
    )
    jobs = _loop("job", x, 0, columns, cut.block_width, _loop("job", y, r, r_end, cut.block_rows, job))
    return _loop("job", c, m, m_end, cut.groups_per_cluster, jobs)


def _osrc_body(g, cut, base_in, base_out, actions) -> tuple[Node, ...]:
    m, n, r, u = (Variable(name) for name in "mnru")
    out, rows = Variable("f" if cut.broadcast == "I" else "c"), g.out_size[0]
    ends = base_in + g.in_channels_per_group, base_out + g.out_channels_per_group
    (out_base, out_stop), (ch0_base, ch0_stop) = (base_in, ends[0]), (base_out, ends[1])
    if cut.broadcast == "I":
        (out_base, out_stop), (ch0_base, ch0_stop) = (base_out, ends[1]), (base_in, ends[0])
    m_end, r_end, n_end = (
        _end(m, cut.tile_out, out_stop),
        _end(r, cut.tile_rows, rows),
        _end(n, cut.tile_reduce, ch0_stop),
    )
    chunks = (n_end - n + (cut.unit_channels - 1)) // cut.unit_channels
    units = chunks * g.kernel[0]
    job = Job(
        out,
        _end(out, cut.groups_per_cluster, m_end) - out,
        None,
        Binary("<", Const(0), r) if cut.samples == 1 else Const(1),
        Binary("==", r_end, Const(rows)),
        (_osrc_units(g, cut, chunks, r_end, n_end), Ppu(actions)),
    )
    jobs = _loop("job", u, 0, units, cut.pes_per_group, job)
    inputs, gradients = Range(m, m_end), Range(n, n_end)
    if cut.broadcast == "I":
        inputs, gradients = gradients, inputs
    tile = (
        Load("I", inputs, Range(Const(0), Const(g.in_size[0]))),
        Load("dO", gradients, Range(r, r_end)),
        _loop("job", out, m, m_end, cut.groups_per_cluster, jobs),
        Store("dW", gradients, Range(inputs.start - base_in, inputs.stop - base_in), share=cut.samples),
    )
    return (
        _tile_loops(
            (m, out_base, out_stop, cut.tile_out),
            (n, ch0_base, ch0_stop, cut.tile_reduce),
            (r, 0, rows, cut.tile_rows),
            tile,
        ),
    )


def _osrc_units(g, cut, chunks, r_end, n_end) -> Loop:
    n, r, u, w, x, y = (Variable(name) for name in "nruwxy")
    a = Variable("c" if cut.broadcast == "I" else "f")
    columns = g.out_size[1]
    kernel_row, first = w // chunks, n + (w % chunks) * cut.unit_channels
    y_end, x_end = _end(y, cut.block_rows, r_end), _end(x, cut.block_width, columns)
    row_op = RowOp(RowOperation.OSRC, a, kernel_row, Block(Const(0), y, y_end - y, x, x_end - x))
    channels = _loop("reduce", a, first, _end(first, cut.unit_channels, n_end), 1, row_op)
    inside = _any_row_inside(g, y, y_end, kernel_row) if cut.skip_padding else None
    blocks = _loop("reduce", y, r, r_end, cut.block_rows, channels, where=inside)
    columns_loop = _loop("reduce", x, 0, columns, cut.block_width, blocks)
    return _loop("unit", w, u, minimum(u + cut.pes_per_group, chunks * g.kernel[0]), 1, columns_loop)
