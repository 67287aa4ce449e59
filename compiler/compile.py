"""Layer and stage in, machine program out: mapping, code generation and lowering in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.codegen.reduce import generate_reduce, row_phases
from compiler.codegen.store import generate_store
from compiler.geometry import ConvGeometry
from compiler.ir.nodes import Program
from compiler.lowering import lower
from compiler.mapping.choose import Choice, choose_mapping
from compiler.mapping.infeasible import MappingError
from compiler.mapping.mapping import Mapping
from compiler.mapping.problem import Densities, Problem
from compiler.program import ROW_OPERATION_OF_STAGE, RowOperation, Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork
from workloads.bounded_cache import BoundedCache

# Bytes of Python objects (CPython 3.11, 64 bit), with the tuples and numbers in them.
_TILE_BYTES, _TRANSFER_BYTES, _PROGRAM_BYTES = 250, 200, 4000


@dataclass(frozen=True)
class StageForm:
    """What the program of a layer and stage is made of."""

    geometry: ConvGeometry
    stage: Stage
    target: Target
    mapping: Mapping
    masked: bool
    relu: bool


@dataclass(frozen=True)
class Compiled:
    """One layer and stage: why it is mapped so, and what the machine executes."""

    choice: Choice
    program: StageProgram
    form: StageForm

    @property
    def ir(self) -> Program:
        """The program before it was lowered; written down again each time, only people read it."""
        return _stage_ir(self.program.layer, self.form)


@dataclass(frozen=True)
class StageDensities:
    """Expected densities of I, of dO and of the positions where dI is needed; they guide the mapper only.

    input_channel_share, grad_output_channel_share: how much of the variance of I and dO is common to a
    channel of a sample, 0..1 (`channel` of workloads.sparsity.clustering); 0 where channels do not differ.
    """

    input: float = 1.0
    grad_output: float = 1.0
    grad_input_mask: float = 1.0
    input_channel_share: float = 0.0
    grad_output_channel_share: float = 0.0


def _rounded(density: float) -> float:
    """Mappings are chosen for densities in steps of a tenth, so that like layers share one."""
    return max(0.1, round(density, 1))


def compile_stage(
    work: ConvWork,
    stage: Stage,
    target: Target,
    batch: int,
    densities: StageDensities | None = None,
    samples: int = 1,
) -> Compiled:
    """Compile Forward, GTA or GTW of a convolution or fully connected layer for a machine.

    batch: samples that weights may be reused over. samples: GTW may accumulate over up to this many samples
    at a time, in powers of two that divide it. Raises MappingError where the layer does not fit the machine.
    """
    operation = ROW_OPERATION_OF_STAGE[stage]
    if not row_phases(work.geometry, operation):
        raise MappingError(
            f"{work.layer} {stage.value}: no kernel row reaches any row of dI; there is nothing to compute"
        )
    masked = stage is Stage.GTA and work.gta_masked and target.mask_skipping
    expected = _densities(stage, target, masked, densities or StageDensities())
    reuse, several = (1, 1) if work.is_fc else (batch, samples)
    problem = Problem(work.geometry, operation, target, expected, reuse, masked, several)
    try:
        choice = choose_mapping(problem)
    except MappingError as error:
        raise MappingError(f"{work.layer} {stage.value}: {error}") from None
    relu = stage is Stage.FORWARD and work.relu_fused
    form = StageForm(work.geometry, stage, target, choice.mapping, masked, relu)
    return Compiled(choice, replace(_lowered(form), layer=work.layer, target=target), form)


def _densities(stage: Stage, target: Target, masked: bool, expected: StageDensities) -> Densities:
    if not target.skip_zeros:
        return Densities()
    if stage is Stage.FORWARD:
        return Densities(_rounded(expected.input), 1.0)
    ch0 = _rounded(expected.grad_output)
    if stage is Stage.GTA:
        return Densities(ch0, _rounded(expected.grad_input_mask) if masked else 1.0)
    shares = expected.grad_output_channel_share, expected.input_channel_share
    return Densities(ch0, _rounded(expected.input), *(round(4 * share) / 4 for share in shares))


def _stage_ir(layer: str, form: StageForm) -> Program:
    if ROW_OPERATION_OF_STAGE[form.stage] is RowOperation.OSRC:
        return generate_store(layer, form.geometry, form.target, form.mapping)
    return generate_reduce(
        layer, form.stage, form.geometry, form.target, form.mapping, form.masked, form.relu
    )


def _lowered(form: StageForm) -> StageProgram:
    """Tables of a layer without a name. Of a target they depend on the sizes of a cluster only.

    So layers of one shape share them, and machines that differ elsewhere.
    """
    array = form.target.groups_per_cluster, form.target.pes_per_group
    key = form.geometry, form.stage, *array, form.mapping, form.masked, form.relu
    return PROGRAMS.get(key, lambda: lower(_stage_ir("", form), form.target))


def _program_bytes(program: StageProgram) -> int:
    """Bytes that a program holds; equal transfers of a program are one object."""
    tables = (
        program.jobs, program.row_blocks, program.kernel_rows, program.kernel_row_start, program.units,
    )  # fmt: skip
    transfers = {id(t) for tile in program.tiles for t in (*tile.loads, *tile.stores)}
    objects = _TILE_BYTES * len(program.tiles) + _TRANSFER_BYTES * len(transfers) + _PROGRAM_BYTES
    return sum(table.nbytes for table in tables) + objects


# The programs of ResNet-50 on ImageNet take 8 MiB: the runs of a point share them, and so do like machines.
PROGRAMS: BoundedCache[StageProgram] = BoundedCache(32 << 20, _program_bytes)
"""Lowered programs that were used last, of this process."""
