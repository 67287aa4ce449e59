"""`run --check`: what a compiled program computes against a reference convolution, on the same masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.geometry import ConvGeometry
from compiler.program import RowOperation, StageProgram
from sparsesim.engine.blocks import block_tables, ch1_rows, column_tables, stacked_rows
from sparsesim.engine.kernels.values import reduce_job, store_job
from workloads.sparsity.masks import LayerMasks

Values = NDArray[np.float64]


class WrongResult(Exception):
    """A compiled program does not compute its convolution: a defect of the compiler."""


def _values(mask: NDArray[np.bool_], rng: np.random.Generator) -> Values:
    """Whole numbers from 1 to 7 of either sign where the mask is 1: sums of them are exact in float64."""
    signs = rng.integers(0, 2, mask.shape) * 2 - 1
    return np.where(mask, rng.integers(1, 8, mask.shape) * signs, 0).astype(np.float64)


def _weights(geometry: ConvGeometry, rng: np.random.Generator) -> Values:
    shape = (geometry.out_channels, geometry.in_channels_per_group, *geometry.kernel)
    return rng.integers(-7, 8, shape).astype(np.float64)


def _taps(geometry: ConvGeometry, kh: int, kw: int) -> tuple[NDArray[np.int64], ...]:
    """(output rows, input rows, output columns, input columns) that meet through tap (kh, kw)."""
    rows, columns = geometry.input_index(0)[:, kh], geometry.input_index(1)[:, kw]
    y, x = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
    return y, rows[y], x, columns[x]


def _grouped(values: Values, groups: int) -> Values:
    """[C, H, W] -> [groups, C / groups, H, W]"""
    return values.reshape(groups, -1, *values.shape[1:])


def reference(program: StageProgram, first: Values, second: Values) -> Values:
    """The convolution of the stage, tap by tap as matrix products.

    first, second: SRC I, W; MSRC dO, W; OSRC I, dO (maps of several samples stacked by rows). Returns O, dI
    or dW.
    """
    g, operation = program.geometry, program.operation
    k = g.groups
    if operation is RowOperation.OSRC:
        return sum(_weight_gradient(g, i, d) for i, d in _samples(program, first, second))  # type: ignore[return-value]
    w = second.reshape(k, g.out_channels_per_group, g.in_channels_per_group, *g.kernel)
    x = _grouped(first, k)
    is_src = operation is RowOperation.SRC
    size = g.out_size if is_src else g.in_size
    out = np.zeros((k, (g.out_channels if is_src else g.in_channels) // k, *size))
    for kh in range(g.kernel[0]):
        for kw in range(g.kernel[1]):
            y, iy, xs, ix = _taps(g, kh, kw)
            if is_src:
                part = np.einsum("gfc,gcyx->gfyx", w[..., kh, kw], x[:, :, iy][..., ix], optimize=True)
                out[:, :, y[:, None], xs] += part
            else:
                part = np.einsum("gfc,gfyx->gcyx", w[..., kh, kw], x[:, :, y][..., xs], optimize=True)
                out[:, :, iy[:, None], ix] += part
    return out.reshape(-1, *size)


def _samples(program: StageProgram, inputs: Values, grads: Values) -> list[tuple[Values, Values]]:
    split = program.samples
    return list(zip(np.split(inputs, split, axis=1), np.split(grads, split, axis=1), strict=True))


def _weight_gradient(g: ConvGeometry, inputs: Values, grads: Values) -> Values:
    i, d = _grouped(inputs, g.groups), _grouped(grads, g.groups)
    out = np.zeros((g.groups, g.out_channels_per_group, g.in_channels_per_group, *g.kernel))
    for kh in range(g.kernel[0]):
        for kw in range(g.kernel[1]):
            y, iy, x, ix = _taps(g, kh, kw)
            left, right = d[:, :, y][..., x], i[:, :, iy][..., ix]
            out[..., kh, kw] = np.einsum("gfyx,gcyx->gfc", left, right, optimize=True)
    return out.reshape(g.out_channels, g.in_channels_per_group, *g.kernel)


def execute(program: StageProgram, first: Values, second: Values) -> Values:
    """What the jobs of the program compute, from the tables the engine times. Arguments as `reference`."""
    if program.operation is RowOperation.OSRC:
        return _execute_store(program, first, second)
    return _execute_reduce(program, first, second)


def _execute_store(program: StageProgram, inputs: Values, grads: Values) -> Values:
    """dW; where I is broadcast it is accumulated by input channel."""
    blocks, g = block_tables(program), program.geometry
    columns, count, taps = column_tables(program, blocks.tiles)
    inputs_broadcast = program.ch0_pattern is RowOperation.SRC
    ch0, ch1 = (inputs, grads) if inputs_broadcast else (grads, inputs)
    rows = stacked_rows(blocks.pair_rows, blocks.pair_sample, ch0.shape[1] // program.samples)
    tables = (blocks.pair_start, rows, ch1_rows(program, blocks), blocks.tile_of_block, columns, count, taps)
    per_group = len(ch1) // g.groups
    out = np.zeros((len(ch0), per_group, *g.kernel))
    for job in program.jobs:
        store_job(job, program.units, tables, ch0, ch1, per_group, out)
    return _swapped_channels(out, g.groups) if inputs_broadcast else out


def _execute_reduce(program: StageProgram, first: Values, second: Values) -> Values:
    """O or dI."""
    blocks, g = block_tables(program), program.geometry
    columns, count, taps = column_tables(program, blocks.tiles)
    is_src = program.operation is RowOperation.SRC
    size = g.out_size if is_src else g.in_size
    out = np.zeros((g.out_channels if is_src else g.in_channels, *size))
    per_group = (g.in_channels_per_group, g.out_channels_per_group)
    reduce, outs = per_group if is_src else per_group[::-1]
    tables = (
        blocks.pair_start, blocks.pair_kernel_row, blocks.pair_rows, blocks.out_rows, blocks.tile_of_block,
        columns, count, taps,
    )  # fmt: skip
    weights = second if is_src else _swapped_channels(second, g.groups)
    for job in program.jobs:
        reduce_job(job, tables, first, weights, reduce, outs, out)
    return out


def _swapped_channels(weights: Values, groups: int) -> Values:
    """[F, C / groups, Kh, Kw] -> [C, F / groups, Kh, Kw], and back again."""
    channels, per_group, *kernel = weights.shape
    grouped = weights.reshape(groups, channels // groups, per_group, *kernel)
    return np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(groups * per_group, -1, *kernel)


def check_stage(program: StageProgram, masks: LayerMasks) -> None:
    """Execute a program on random whole numbers under the masks.

    Raises WrongResult where it differs from the reference.
    """
    rng = np.random.default_rng(0)
    inputs, grads = _values(masks.input, rng), _values(masks.grad_output, rng)
    weights = _weights(program.geometry, rng)
    arguments = {
        RowOperation.SRC: (inputs, weights),
        RowOperation.MSRC: (grads, weights),
        RowOperation.OSRC: (inputs, grads),
    }[program.operation]
    found, expected = execute(program, *arguments), reference(program, *arguments)
    wrong = int(np.count_nonzero(found != expected))
    if wrong:
        where = f"{program.layer} {program.stage.value}"
        raise WrongResult(f"{where}: {wrong} of {expected.size} values differ from the reference convolution")
