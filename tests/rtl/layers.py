"""Random layers, values and choices for a build of the machine, assembled."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.store import generate_store
from compiler.columns import ch1_columns, column_taps
from compiler.compile import compile_stage
from compiler.geometry import ConvGeometry
from compiler.ir.nodes import Program
from compiler.ir.tensors import tensor_shape
from compiler.lowering import lower
from compiler.mapping.choose import choose_mapping
from compiler.mapping.infeasible import MappingError
from compiler.mapping.problem import Densities, Problem
from compiler.program import INPUTS_BROADCAST, RowOperation, Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.dma import schedule
from sparsesim.engine.stage import run_stage
from tests.builders import layer_program
from tests.rtl.assemble import Assembled, assemble, layer_masks
from tests.rtl.dense_convolution import plain_results
from tests.rtl.finish import Options
from tests.rtl.machine_build import Build
from tests.rtl.ports import Machine
from tests.rtl.tables import DoesNotFitError
from workloads.sparsity.masks import LayerMasks

Integers = NDArray[np.int64]
Tensors = dict[str, Integers]

CYCLES = (100, 4000)
STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)
DENSITIES = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)
LOW, HIGH = -(1 << 15), (1 << 15) - 1


@dataclass(frozen=True)
class Case:
    """One layer and stage on a build. ir: None for a program made by hand. masks: for stepper and engine.

    on_chip_cycles: the tiles alone; cycles: behind the off-chip memory. Both by the engine.
    """

    build: Build
    program: StageProgram
    ir: Program | None
    tensors: Tensors
    masks: LayerMasks
    options: Options
    assembled: Assembled
    on_chip_cycles: int
    cycles: int

    @property
    def target(self) -> Target:
        return self.program.target

    @property
    def dram_bytes_per_cycle(self) -> Fraction:
        """As the memory model in RTL takes it: numerator and denominator at most 4096."""
        return Fraction(self.target.dram_bytes_per_cycle).limit_denominator(4096)


@dataclass(frozen=True)
class _Compiled:
    program: StageProgram
    ir: Program | None


def random_case(rng: np.random.Generator, build: Build, cycles: tuple[int, int] = CYCLES) -> Case:
    """A layer whose tiles take at least cycles[0], and that ends within cycles[1] behind the memory.

    One in ten may be shorter.
    """
    least = 0 if rng.random() < 0.1 else cycles[0]
    while True:
        case = _try(rng, build)
        if case is not None and least <= case.on_chip_cycles and case.cycles <= cycles[1]:
            return case


def _try(rng: np.random.Generator, build: Build) -> Case | None:
    target, geometry = random_target(rng, build), random_geometry(rng, build.machine)
    try:
        compiled = _random_program(rng, geometry, target)
        if compiled is None:
            return None
        tensors = _random_tensors(rng, compiled)
        options = random_options(rng, compiled.program, tensors)
        results = None if compiled.ir is not None else plain_results(compiled.program, tensors)
        assembled = assemble(compiled.program, compiled.ir, tensors, build, options, results)
    except (MappingError, DoesNotFitError):
        return None
    masks = layer_masks(tensors)
    tiles = run_stage(compiled.program, masks).tile_cycles
    end = schedule(tiles, assembled.transfers, compiled.program.target).cycles
    return Case(build, compiled.program, compiled.ir, tensors, masks, options, assembled, sum(tiles), end)


# What is fixed in a build, and what is not.


def random_build(rng: np.random.Generator) -> Build:
    """A small machine of any shape."""

    def draw(*values: int) -> int:
        return int(rng.choice(values))

    machine = Machine(
        macs_per_pe=draw(1, 1, 2, 4),
        row_slots=draw(1, 2, 2, 3),
        row_slot_entries=draw(24, 48, 64),
        reg1_words=draw(24, 48, 64),
        reg2_words=draw(40, 64),
        pipeline_cycles=draw(1, 2, 3),
        ppu_words_per_cycle=draw(1, 2, 3, 4, 8),
        line_bits=draw(64, 128, 256),
        mask_skipping=draw(0, 1, 1),
        input_skipping=draw(0, 1, 1),
        kernel_columns=5,
    )
    return Build(
        machine=machine,
        clusters=draw(1, 2, 3, 4),
        groups_per_cluster=draw(1, 2, 3, 4),
        pes_per_group=draw(1, 2, 3),
        buffer_banks=draw(2, 3, 4, 8),
        read_latency_cycles=draw(1, 2, 5),
        bank_lines=1024,
    )


def random_target(rng: np.random.Generator, build: Build) -> Target:
    """The build's machine with everything that can be chosen at run time drawn at random."""
    skip_zeros = bool(rng.random() < 0.8)
    rate = rng.choice([0.5, 3.0, 5.25, 8.0, *[build.line_bytes] * 3])
    return build.target(
        dispatch_cycles=int(rng.integers(1, 7)),
        tile_switch_cycles=int(rng.integers(1, 9)),
        row_handout_dynamic=bool(rng.random() < 0.5),
        job_handout_dynamic=bool(rng.random() < 0.5),
        skip_zeros=skip_zeros,
        row_format="bitmask" if skip_zeros else "dense",
        mask_skipping=bool(build.machine.mask_skipping and rng.random() < 0.8),
        input_skipping=bool(build.machine.input_skipping and rng.random() < 0.8),
        dram_bytes_per_cycle=float(min(rate, build.line_bytes)),
        dram_latency_cycles=int(rng.integers(1, 41)),
        buffer_bytes=int(rng.choice([600, 1000, 2000, 4000, 100_000])),
        stays=str(rng.choice(["auto", "weights", "inputs", "outputs"])),
        gtw_broadcast=str(rng.choice(["auto", "dO", "I"])),
    )


def random_options(rng: np.random.Generator, program: StageProgram, tensors: Tensors) -> Options:
    """Mostly a shift that fills 16 bits; GTA is pruned where it is known which PPU makes which result."""
    target = program.target
    known = target.clusters == 1 or not target.job_handout_dynamic
    prune = program.operation is RowOperation.MSRC and known and bool(rng.random() < 0.7)
    return Options(
        relu=program.operation is RowOperation.SRC and bool(rng.random() < 0.2),
        prune=prune,
        shift=_shift(rng, program, tensors),
        threshold=int(2 ** rng.uniform(0, 16)) if prune else 0,
        seed=int(rng.integers(0, 1 << 32)),
    )


def _shift(rng: np.random.Generator, program: StageProgram, tensors: Tensors) -> int:
    if rng.random() < 0.2:
        return int(rng.choice([0, 1, 31]))
    map_name = "I" if program.operation is RowOperation.SRC else "dO"
    bits = sum(int(np.abs(tensors[name]).max()).bit_length() for name in (map_name, "W"))
    return min(max(bits - int(rng.integers(8, 18)), 0), 31)


# Layers.


def random_geometry(rng: np.random.Generator, machine: Machine) -> ConvGeometry:
    """A few channels and rows; now and then a wide row."""

    def pair(low: int, high: int) -> tuple[int, int]:
        first, second = rng.integers(low, high, 2, endpoint=True)
        return int(first), int(second)

    groups = int(rng.choice([1, 1, 1, 1, 1, 2, 3]))
    most = min(5, machine.kernel_columns)
    kernel = pair(1, 3) if rng.random() < 0.7 else pair(1, most)
    stride = pair(1, min(3, 1 << machine.residue_bits))
    dilation, padding = pair(1, 2), pair(0, 2)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    rows, columns = pair(0, 8)
    if rng.random() < 0.1:
        rows, columns = int(rng.integers(0, 3)), int(rng.integers(20, 60))
    return ConvGeometry(
        in_channels=groups * int(rng.integers(1, 9 // groups, endpoint=True)),
        out_channels=groups * int(rng.integers(1, 9 // groups, endpoint=True)),
        in_size=(least[0] + rows, min(60, least[1] + columns)),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _random_program(rng: np.random.Generator, geometry: ConvGeometry, target: Target) -> _Compiled | None:
    stage = STAGES[rng.integers(len(STAGES))]
    if rng.random() < 0.25:
        return _by_hand(rng, geometry, stage, target)
    if stage is Stage.GTW and rng.random() < 0.4:
        return _any_broadcast_of_inputs(rng, geometry, target)
    relu, masked = bool(rng.integers(2)), bool(rng.random() < 0.9)
    work = ConvWork("layer", 1, geometry, False, True, masked, masked, "none", relu)
    compiled = compile_stage(work, stage, target, 4, samples=int(rng.choice([1, 4])))
    return _Compiled(compiled.program, compiled.ir)


def _by_hand(
    rng: np.random.Generator, geometry: ConvGeometry, stage: Stage, target: Target
) -> _Compiled | None:
    """Row blocks, chunks and tiles of any size, also such as the mapper would not choose."""
    program = layer_program(
        geometry,
        stage,
        target,
        rows=int(rng.integers(1, 4)),
        columns=int(rng.integers(1, 13)),
        chunk=[None, 1, 2][rng.integers(3)],
        tiles=int(rng.integers(1, 4)),
        broadcast="I" if stage is Stage.GTW and rng.random() < 0.5 else "dO",
    )
    has_jobs = all(tile.job_end > tile.job_start for tile in program.tiles)
    return _Compiled(program, None) if has_jobs and _ordered(program) and _fits(program) else None


def _ordered(program: StageProgram) -> bool:
    """Whether every sum is read after it was written: clusters keep no order within a tile."""
    if program.target.clusters == 1:
        return True
    for tile in program.tiles:
        jobs = program.jobs[tile.job_start : tile.job_end]
        results = jobs[:, [0, 6]] if program.operation is RowOperation.OSRC else jobs[:, [0, 2]]
        if jobs[:, 8].any() and len(np.unique(results, axis=0)) < len(jobs):
            return False
    return True


def _any_broadcast_of_inputs(
    rng: np.random.Generator, geometry: ConvGeometry, target: Target
) -> _Compiled | None:
    """GTW that broadcasts I, also where the mapper would not."""
    several = int(rng.choice([1, 2, 4]))
    problem = Problem(geometry, RowOperation.OSRC, target, Densities(), 4, False, several)
    rated = choose_mapping(problem).candidates
    mappings = [mapping for mapping, _ in rated if mapping.broadcast == INPUTS_BROADCAST]
    if not mappings:
        return None
    mapping = mappings[int(rng.integers(len(mappings)))]
    ir = generate_store("layer", geometry, target, mapping)
    return _Compiled(lower(ir, target), ir)


def _fits(program: StageProgram) -> bool:
    """Whether every row block and unit of a program made by hand has room in a PE."""
    g, target = program.geometry, program.target
    is_osrc = program.operation is RowOperation.OSRC
    channels = int(program.units[:, 2].max(initial=1))
    if channels * g.kernel[1] > target.reg2_words or target.row_slots * g.kernel[1] > 2 * target.reg1_words:
        return False
    for _, _, rows, column, width in program.row_blocks.tolist():
        ch0 = len(column_taps(g, program.ch0_pattern, column, width)[0])
        ch1 = len(ch1_columns(g, program.ch0_pattern, column, width)) if is_osrc else 0
        sums = 0 if is_osrc else rows * width
        if rows * ch0 > target.row_slot_entries or rows * ch1 > target.reg1_words:
            return False
        if sums > target.reg2_words:
            return False
    return True


# Values.


def _random_tensors(rng: np.random.Generator, compiled: _Compiled) -> Tensors:
    program, ir = compiled.program, compiled.ir
    names = ["I", "dO", "W"]
    may_mask = ir is None or any(tensor.name == "mask" for tensor in ir.tensors)
    is_msrc = program.operation is RowOperation.MSRC
    if is_msrc and may_mask and program.target.mask_skipping and rng.random() < 0.9:
        names.append("mask")
    tensors = {name: _values(rng, name, program) for name in names}
    reads_sums = program.operation is RowOperation.OSRC and program.jobs[:, 8].any()
    if reads_sums and rng.random() < 0.7:
        shape = tensor_shape("dW", program.geometry)
        tensors["sums"] = rng.integers(-(1 << 31), 1 << 31, shape) >> int(rng.choice([0, 16]))
    return tensors


def _values(rng: np.random.Generator, name: str, program: StageProgram) -> Integers:
    """Small, of any size, or only the extremes; W has no zeros to speak of."""
    shape = tensor_shape(name, program.geometry, program.samples)
    kind = rng.random()
    if kind < 0.4:
        values = rng.integers(-9, 10, shape)
    elif kind < 0.9:
        values = rng.integers(LOW, HIGH + 1, shape)
    else:
        values = rng.choice([LOW, HIGH], shape)
    if name == "W":
        return np.asarray(values, np.int64)
    by_channel = (shape[0], 1, 1) if rng.random() < 0.5 else None
    kept = rng.random(shape) < rng.choice(DENSITIES, by_channel)
    if name == "mask":
        return kept.astype(np.int64)
    return np.where(kept, np.where(values == 0, 1, values), 0)
