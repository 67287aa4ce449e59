"""The assembler: a machine program and its tensors become tables, a memory image, and what must come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir.interpreter import interpret
from compiler.ir.nodes import Job, Loop, Node, Ppu, Program
from compiler.ir.tensors import RESULT, tensor_shape
from compiler.program import RowOperation, StageProgram
from sparsesim.stepper.operands import operands_of
from tests.rtl.block_geometries import BlockGeometries
from tests.rtl.finish import Finisher, Options, masked_words, unmasked_words, wrapped
from tests.rtl.homes import Place, packed_lines, unpacked_lines
from tests.rtl.instructions import Instructions
from tests.rtl.layout import Layout
from tests.rtl.machine_build import Build
from tests.rtl.program_jobs import Index, Jobs
from tests.rtl.tables import DMA, JOB, REGISTERS, ROWOP, TILE, UNIT, fitting, pack
from tests.rtl.transfers import Boxes, DmaProgram, dma_program
from workloads.sparsity.masks import LayerMasks

Integers = NDArray[np.int64]
Tensors = Mapping[str, Integers]


@dataclass(frozen=True)
class ResultHome:
    """A result off chip: its first memory line, its lines, and which elements of the tensor it holds."""

    first: int
    lines: int
    elements: Index


@dataclass(frozen=True)
class Decoder:
    """The way back from memory to the result tensor. word_bits: of an element; masked: a mask comes first."""

    shape: tuple[int, ...]
    homes: tuple[ResultHome, ...]
    word_bits: int
    line_bits: int
    masked: bool

    def tensor(self, lines: Mapping[int, int]) -> Integers:
        """The result; 0 where no job computes one. KeyError for a line that is missing."""
        tensor = np.zeros(self.shape, np.int64)
        for home in self.homes:
            some = [lines[home.first + i] for i in range(home.lines)]
            words, count = unpacked_lines(some, self.word_bits, self.line_bits), len(home.elements[0])
            kept = unmasked_words(words, count, self.word_bits) if self.masked else words[:count]
            tensor[home.elements] = kept
        return tensor


@dataclass(frozen=True)
class Assembled:
    """What the machine in RTL is given, and what it must leave.

    tables: words by address, by the numbers of tests/rtl/tables.py. memory: line -> value before; other
    lines are undefined. expected: the same after the run. transfers: (load, store) bytes per tile.
    lines_used: of the fullest bank. pointers: row pointers of the layer. abs_sum: over all PPUs.
    """

    tables: dict[int, list[int]]
    memory: dict[int, int]
    expected: dict[int, int]
    transfers: list[tuple[int, int]]
    lines_used: int
    pointers: int
    abs_sum: int
    decoder: Decoder

    def decode_result(self, memory_lines: Mapping[int, int]) -> Integers:
        """The result tensor (O, dI or dW) in a memory; KeyError where a line of it is missing."""
        return self.decoder.tensor(memory_lines)


def layer_masks(tensors: Tensors) -> LayerMasks:
    """The masks of these tensors, as stepper and engine take them."""
    mask = tensors.get("mask")
    needed = None if mask is None else np.asarray(mask) != 0
    return LayerMasks(np.asarray(tensors["I"]) != 0, np.asarray(tensors["dO"]) != 0, needed)


def assemble(
    program: StageProgram,
    ir: Program | None,
    tensors: Tensors,
    build: Build,
    options: Options | None = None,
    results: Mapping[str, NDArray[np.integer]] | None = None,
) -> Assembled:
    """Tables and memory for one layer and stage on a build of the machine.

    tensors: I, dO, W (unused ones may be anything of their shape), optionally mask (MSRC) and sums (OSRC).
    results: as `interpret` returns them, but before ReLU, for a program without IR. Sums wrap as in the
    machine, before ReLU. DoesNotFitError where the layer is too large for the build, ValueError where the
    options make no sense for it.
    """
    _check_target(program, build)
    options = options or Options()
    options = replace(options, relu=options.relu or (ir is not None and _has_relu(ir.body)))
    jobs = Jobs(program, operands_of(program, layer_masks(tensors)))
    geometries = BlockGeometries(jobs, build)
    layout = Layout(jobs, geometries, tensors, build)
    sums = _sums(program, ir, tensors, results, build)
    results_of = _Results(layout, sums, tensors, options)
    dma = _dma(layout, results_of)
    before = dict(layout.memory.lines)
    tables = Instructions(layout, geometries).tables | geometries.tables
    tables |= {
        REGISTERS: [_registers(program, jobs, options, dma)],
        TILE: _tile_words(program, dma),
        DMA: dma.words,
    }
    _check_room(tables, len(layout.pointers), build)
    return Assembled(
        tables=tables,
        memory=before,
        expected=before | results_of.lines,
        transfers=dma.transfers,
        lines_used=layout.lines_used,
        pointers=len(layout.pointers),
        abs_sum=results_of.abs_sum,
        decoder=results_of.decoder(),
    )


def _check_target(program: StageProgram, build: Build) -> None:
    target = program.target
    for name in _FIXED:
        asked, built = getattr(target, name), getattr(build.target(), name)
        if asked != built:
            raise ValueError(f"the program is for {name} = {asked}, the build has {built}")
    if target.row_format == "offset":
        raise ValueError("rows in offset format have no RTL")


_FIXED = (
    "clusters", "groups_per_cluster", "pes_per_group", "macs_per_pe", "row_slots", "row_slot_entries",
    "reg1_words", "reg2_words", "pipeline_cycles", "ppu_words_per_cycle", "buffer_banks", "words_per_line",
    "read_latency_cycles", "operand_bits", "sum_bits",
)  # fmt: skip


def _check_room(tables: Mapping[int, list[int]], pointers: int, build: Build) -> None:
    """Every table, and the pointers, must have room in the build."""
    room = {
        JOB: build.job_words,
        ROWOP: build.rowop_words,
        UNIT: build.unit_words,
        TILE: build.tile_words,
        DMA: build.descriptor_words,
    }
    for select, words in room.items():
        fitting(len(tables[select]), words + 1, f"words of table {select}")
    fitting(pointers, build.pointer_words + 1, "row pointers")


def _actions(body: tuple[Node, ...]) -> Iterator[str]:
    for node in body:
        if isinstance(node, Ppu):
            yield from node.actions
        elif isinstance(node, Loop | Job):
            yield from _actions(node.body)


def _has_relu(body: tuple[Node, ...]) -> bool:
    return "relu" in _actions(body)


def _without_relu(body: tuple[Node, ...]) -> tuple[Node, ...]:
    """The same statements, with sums as the PPU gets them: they wrap before ReLU looks at the sign."""
    out: list[Node] = []
    for node in body:
        if isinstance(node, Ppu):
            out.append(replace(node, actions=tuple(action for action in node.actions if action != "relu")))
        elif isinstance(node, Loop | Job):
            out.append(replace(node, body=_without_relu(node.body)))
        else:
            out.append(node)
    return tuple(out)


def _sums(
    program: StageProgram,
    ir: Program | None,
    tensors: Tensors,
    results: Mapping[str, NDArray[np.integer]] | None,
    build: Build,
) -> Integers:
    """The result before it is finished, wrapped to the machine's sums."""
    if results is None:
        if ir is None:
            raise ValueError("a program without IR needs results")
        names = ("I", "dO", "W", "mask", "sums")
        wide = {name: np.asarray(tensors[name], np.int64) for name in names if name in tensors}
        results = interpret(replace(ir, body=_without_relu(ir.body)), wide)
    return wrapped(results[RESULT[program.operation]], build.machine.sum_bits)


class _Results:
    """The lines of all results, and the initial sums put into the memory."""

    def __init__(self, layout: Layout, sums: Integers, tensors: Tensors, options: Options) -> None:
        self._layout, self._jobs, self._sums = layout, layout.jobs, sums
        self._masked = layout.jobs.operands.has_masks
        self.lines: dict[int, int] = {}
        self.written: dict[tuple[object, int], list[Place]] = {}
        self._homes: dict[tuple[object, int], ResultHome] = {}
        self.abs_sum = 0
        if self._jobs.is_osrc:
            self._weight_gradients(tensors)
        else:
            self._maps(tensors, Finisher(self._jobs, sums, options, layout.build))

    def _weight_gradients(self, tensors: Tensors) -> None:
        earlier = np.asarray(tensors.get("sums", np.zeros_like(self._sums)))
        for job in self._jobs.jobs:
            key = self._jobs.key(job)
            for channel in job.out:
                home = self._layout.sums.home(key, channel)
                if job.read_sums and (key, channel) not in self.written:
                    self._put_earlier(home, self._layout.sums_lines(earlier, job, channel))
                elements = self._jobs.elements(job, channel)
                self._put((key, channel), home, self._layout.sums_lines(self._sums, job, channel), elements)

    def _put_earlier(self, home: Place, lines: list[int]) -> None:
        first = self._layout.memory.number(home)
        self._layout.memory.lines.update({first + i: line for i, line in enumerate(lines)})

    def _maps(self, tensors: Tensors, finisher: Finisher) -> None:
        machine = self._layout.build.machine
        for job, channel, words in finisher.results():
            key, elements = self._jobs.key(job), self._jobs.elements(job, channel)
            stored = words.tolist()
            if self._masked:
                stored = masked_words(words, tensors["mask"][elements] != 0, machine.operand_bits)
            lines = packed_lines(stored, machine.operand_bits, machine.line_bits)
            self._put((key, channel), self._layout.results.home(key, channel), lines, elements)
        self.abs_sum = finisher.abs_sum

    def _put(self, which: tuple[object, int], home: Place, lines: list[int], elements: Index) -> None:
        first = self._layout.memory.number(home)
        self.lines.update({first + i: line for i, line in enumerate(lines)})
        self.written[which] = [(home[0], home[1] + i) for i in range(len(lines))]
        self._homes[which] = ResultHome(first, len(lines), elements)

    def decoder(self) -> Decoder:
        """How the result is read back."""
        program, machine = self._jobs.program, self._layout.build.machine
        shape = tensor_shape(RESULT[program.operation], program.geometry)
        bits = machine.sum_bits if self._jobs.is_osrc else machine.operand_bits
        self._check_once(shape)
        return Decoder(shape, tuple(self._homes.values()), bits, machine.line_bits, self._masked)

    def _check_once(self, shape: tuple[int, ...]) -> None:
        """Sums of one element in two homes would be added up nowhere."""
        times = np.zeros(shape, np.int64)
        for home in self._homes.values():
            np.add.at(times, home.elements, 1)
        if times.max(initial=0) > 1:
            raise ValueError("an element of the result has two homes")


def _dma(layout: Layout, results: _Results) -> DmaProgram:
    """Descriptors; what no tile stores is not expected in the memory."""
    tiles = Boxes(layout, results.written).tile_lines()
    stored = {layout.memory.number(place) for tile in tiles for place in tile.store}
    results.lines = {line: value for line, value in results.lines.items() if line in stored}
    return dma_program(tiles, len(layout.pointers), layout.build)


def _registers(program: StageProgram, jobs: Jobs, options: Options, dma: DmaProgram) -> int:
    target, operation = program.target, program.operation
    has_masks = jobs.operands.has_masks
    return pack(
        REGISTERS,
        is_msrc=operation is RowOperation.MSRC,
        is_osrc=jobs.is_osrc,
        use_mask=target.input_skipping if jobs.is_osrc else has_masks,
        has_masks=has_masks,
        dense=not target.skip_zeros,
        row_handout_dynamic=target.row_handout_dynamic,
        job_handout_dynamic=target.job_handout_dynamic,
        relu=options.relu,
        prune=options.prune,
        shift=options.shift,
        threshold=options.threshold,
        seed=options.seed,
        kernel_columns=program.geometry.kernel[1],
        dispatch_cycles=target.dispatch_cycles,
        tile_switch_cycles=target.tile_switch_cycles,
        tiles=len(program.tiles),
        descriptors=len(dma.words),
    )


def _tile_words(program: StageProgram, dma: DmaProgram) -> list[int]:
    return [
        pack(TILE, job_start=tile.job_start, job_end=tile.job_end, descriptors_needed=needed)
        for tile, needed in zip(program.tiles, dma.needed, strict=True)
    ]
