"""Small machines, masks and one-tile programs for tests of the stepper and the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.store import generate_store
from compiler.geometry import ConvGeometry
from compiler.lowering import lower
from compiler.mapping.choose import choose_mapping
from compiler.mapping.infeasible import MappingError
from compiler.mapping.problem import Densities, Problem
from compiler.program import ROW_OPERATION_OF_STAGE, RowOperation, Stage, StageProgram, Tile
from compiler.target import Target

ONE_PE = Target(
    clusters=1,
    groups_per_cluster=1,
    pes_per_group=1,
    macs_per_pe=1,
    row_slots=2,
    row_slot_entries=64,
    reg1_words=64,
    reg2_words=64,
    pipeline_cycles=3,
    ppu_words_per_cycle=4,
    buffer_bytes=65536,
    buffer_banks=8,
    words_per_line=8,
    read_latency_cycles=2,
    dispatch_cycles=4,
    tile_switch_cycles=16,
    operand_bits=16,
    sum_bits=32,
    row_format="bitmask",
    skip_zeros=True,
    mask_skipping=True,
    input_skipping=True,
    row_handout_dynamic=False,
    job_handout_dynamic=True,
    dram_bytes_per_cycle=32.0,
    dram_latency_cycles=80,
)

Bits = NDArray[np.bool_]
Row = tuple[int, ...]


@dataclass(frozen=True)
class SampleMasks:
    """Masks of one sample, as LayerMasks has them."""

    input: Bits
    grad_output: Bits
    grad_input_mask: Bits | None = None


def full_masks(geometry: ConvGeometry) -> SampleMasks:
    """No zeros anywhere."""
    inputs = np.ones((geometry.in_channels, *geometry.in_size), bool)
    return SampleMasks(inputs, np.ones((geometry.out_channels, *geometry.out_size), bool), inputs)


def random_masks(geometry: ConvGeometry, rng: np.random.Generator, density: float = 0.5) -> SampleMasks:
    """Independent zeros; the ReLU mask is that of I."""
    inputs = rng.random((geometry.in_channels, *geometry.in_size)) < density
    grads = rng.random((geometry.out_channels, *geometry.out_size)) < density
    return SampleMasks(inputs, grads, inputs)


def layer_program(
    geometry: ConvGeometry,
    stage: Stage,
    target: Target,
    *,
    rows: int = 1,
    columns: int = 64,
    chunk: int | None = None,
    tiles: int = 1,
    broadcast: str = "dO",
) -> StageProgram:
    """All jobs of a small layer: out blocks of `groups_per_cluster` channels times row blocks.

    rows, columns: largest R and T of a row block. chunk: reduction channels of a job (OSRC: broadcast
    channels of a unit), None for all of them; SRC and MSRC then use partial sums. tiles: how many the jobs
    are cut into.
    broadcast: the operand on ch0 of OSRC.
    """
    operation = ROW_OPERATION_OF_STAGE[stage]
    blocks = list(_row_blocks(geometry, operation, rows, columns))
    kernel_rows = [_kernel_rows(geometry, operation, block) for block in blocks]
    builder = _osrc_jobs if operation is RowOperation.OSRC else _reduction_jobs
    across_f = operation is RowOperation.SRC or broadcast == "I"
    jobs, units = builder(geometry, across_f, target, len(blocks), chunk)
    cuts = np.linspace(0, len(jobs), tiles + 1).astype(int)
    return StageProgram(
        layer="layer",
        stage=stage,
        operation=operation,
        geometry=geometry,
        target=target,
        jobs=_table(jobs, 10),
        row_blocks=_table(blocks, 5),
        kernel_rows=np.array([kh for some in kernel_rows for kh in some], np.int32),
        kernel_row_start=np.cumsum([0, *map(len, kernel_rows)], dtype=np.int32),
        units=_table(units, 3),
        tiles=tuple(Tile(int(a), int(b), (), ()) for a, b in pairwise(cuts)),
        broadcast=broadcast,
    )


def inputs_broadcast_program(
    geometry: ConvGeometry, target: Target, rng: np.random.Generator
) -> StageProgram | None:
    """A GTW program that broadcasts I, with any mapping of that form; None if none fits."""
    several = int(rng.choice([1, 2, 4]))
    problem = Problem(geometry, RowOperation.OSRC, target, Densities(), 4, False, several)
    try:
        candidates = choose_mapping(problem).candidates
    except MappingError:
        return None
    mappings = [mapping for mapping, _ in candidates if mapping.broadcast == "I"]
    if not mappings:
        return None
    mapping = mappings[int(rng.integers(len(mappings)))]
    return lower(generate_store("layer", geometry, target, mapping), target)


def _table(rows: list[Row], columns: int) -> NDArray[np.int32]:
    return np.array(rows, np.int32).reshape(len(rows), columns)


def _pieces(size: int, step: int, offset: int = 0) -> list[tuple[int, int]]:
    return [(offset + start, min(step, size - start)) for start in range(0, size, step)]


def _row_blocks(g: ConvGeometry, operation: RowOperation, rows: int, columns: int) -> Iterator[Row]:
    """(phase, first, rows, column, width)"""
    height, width = g.in_size if operation is RowOperation.MSRC else g.out_size
    step = g.stride[0] if operation is RowOperation.MSRC else 1
    for phase in range(step):
        for first, count in _pieces(len(range(phase, height, step)), rows):
            for column, block_width in _pieces(width, columns):
                yield phase, first, count, column, block_width


def _kernel_rows(g: ConvGeometry, operation: RowOperation, block: Row) -> list[int]:
    """Those through which some row of the block meets an operand row."""
    phase, first, count = block[:3]
    if operation is RowOperation.OSRC:
        return []
    met = g.input_index(0)
    if operation is RowOperation.SRC:
        return [kh for kh in range(g.kernel[0]) if (met[first : first + count, kh] >= 0).any()]
    block_rows = [phase + g.stride[0] * (first + i) for i in range(count)]
    return [kh for kh in range(g.kernel[0]) if np.isin(met[:, kh], block_rows).any()]


def _out_and_reduced(g: ConvGeometry, across_f: bool) -> tuple[int, int]:
    """Channels across the groups and through the PEs, per convolution group."""
    per_group = g.out_channels_per_group, g.in_channels_per_group
    return per_group if across_f else per_group[::-1]


def _reduction_jobs(
    g: ConvGeometry, across_f: bool, target: Target, n_blocks: int, chunk: int | None
) -> tuple[list[Row], list[Row]]:
    outs, reduced = _out_and_reduced(g, across_f)
    chunk = chunk or reduced
    jobs: list[Row] = []
    for k in range(g.groups):
        for n, (start, count) in enumerate(_pieces(reduced, chunk, k * reduced)):
            final = int(start + count == (k + 1) * reduced)
            for out, active in _pieces(outs, target.groups_per_cluster, k * outs):
                jobs += [
                    (out, active, b, b + 1, start, count, 0, 0, int(n > 0), final) for b in range(n_blocks)
                ]
    return jobs, []


def _osrc_jobs(
    g: ConvGeometry, across_f: bool, target: Target, n_blocks: int, chunk: int | None
) -> tuple[list[Row], list[Row]]:
    outs, broadcast = _out_and_reduced(g, across_f)
    jobs: list[Row] = []
    units: list[Row] = []
    for k in range(g.groups):
        first = len(units)
        for kh in range(g.kernel[0]):
            units += [(kh, a, count) for a, count in _pieces(broadcast, chunk or broadcast, k * broadcast)]
        for out, active in _pieces(outs, target.groups_per_cluster, k * outs):
            for unit, some in _pieces(len(units) - first, target.pes_per_group, first):
                jobs.append((out, active, 0, n_blocks, 0, 0, unit, unit + some, 0, 1))
    return jobs, units


def brute_force_products(geometry: ConvGeometry, stage: Stage, masks: SampleMasks) -> int:
    """Non-zero products of a layer and stage, one by one over output positions, taps and channel pairs."""
    total = 0
    for f, c in _channel_pairs(geometry):
        for y, x, iy, ix in _position_pairs(geometry):
            total += _useful(stage, masks, (f, y, x), (c, iy, ix))
    return total


def _channel_pairs(g: ConvGeometry) -> Iterator[tuple[int, int]]:
    for f in range(g.out_channels):
        group = f // g.out_channels_per_group
        for c in range(g.in_channels_per_group):
            yield f, group * g.in_channels_per_group + c


def _position_pairs(g: ConvGeometry) -> Iterable[Row]:
    rows, columns = g.input_index(0), g.input_index(1)
    return [
        (y, x, rows[y, kh], columns[x, kw])
        for y, kh in np.argwhere(rows >= 0)
        for x, kw in np.argwhere(columns >= 0)
    ]


def _useful(stage: Stage, masks: SampleMasks, out: Row, into: Row) -> bool:
    if stage is Stage.FORWARD:
        return bool(masks.input[into])
    if stage is Stage.GTA:
        needed = masks.grad_input_mask is None or masks.grad_input_mask[into]
        return bool(masks.grad_output[out] and needed)
    return bool(masks.grad_output[out] and masks.input[into])


def random_machine(rng: np.random.Generator) -> Target:
    """A small machine with every policy and size drawn at random."""

    def draw(*values: int) -> int:
        return int(rng.choice(values))

    skip_zeros = bool(rng.random() < 0.8)
    return replace(
        ONE_PE,
        clusters=draw(1, 2, 3),
        groups_per_cluster=draw(1, 2, 3),
        pes_per_group=draw(1, 2, 3),
        macs_per_pe=draw(1, 2, 3),
        row_slots=draw(1, 2, 3),
        pipeline_cycles=draw(1, 2, 3),
        ppu_words_per_cycle=draw(1, 2, 4),
        buffer_banks=draw(1, 2, 4),
        words_per_line=draw(1, 2, 8),
        read_latency_cycles=draw(0, 1, 2, 5),
        dispatch_cycles=draw(1, 2, 4),
        tile_switch_cycles=draw(0, 5),
        row_format=("bitmask" if rng.random() < 0.5 else "offset") if skip_zeros else "dense",
        skip_zeros=skip_zeros,
        mask_skipping=bool(rng.random() < 0.7),
        input_skipping=bool(rng.random() < 0.7),
        row_handout_dynamic=bool(rng.random() < 0.5),
        job_handout_dynamic=bool(rng.random() < 0.5),
    )


def random_layer(rng: np.random.Generator) -> ConvGeometry:
    """A layer of a few channels and rows, with any stride, padding, dilation and groups that fit."""

    def pair(low: int, high: int) -> tuple[int, int]:
        first, second = rng.integers(low, high, 2, endpoint=True)
        return int(first), int(second)

    groups = int(rng.choice([1, 1, 2]))
    kernel, dilation, padding = pair(1, 3), pair(1, 2), pair(0, 2)
    behind = pair(0, 2) if rng.random() < 0.3 else padding
    axes = zip(kernel, dilation, padding, behind, strict=True)
    smallest = [max(1, d * (k - 1) + 1 - before - after) for k, d, before, after in axes]
    grown = pair(0, 5)
    return ConvGeometry(
        in_channels=groups * int(rng.integers(1, 4)),
        out_channels=groups * int(rng.integers(1, 4)),
        in_size=(smallest[0] + grown[0], smallest[1] + grown[1]),
        kernel=kernel,
        stride=pair(1, 3),
        padding=padding,
        dilation=dilation,
        groups=groups,
        end_padding=behind,
    )
