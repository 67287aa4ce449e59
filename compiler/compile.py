"""Layer and stage in, machine program out: mapping, code generation and lowering in one call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from compiler.codegen.reduce import generate_reduce
from compiler.codegen.store import generate_store
from compiler.ir.nodes import Program
from compiler.lowering import lower
from compiler.mapping.choose import Choice, choose_mapping
from compiler.mapping.estimate import Densities, Problem
from compiler.program import ROW_OPERATION_OF_STAGE, Stage, StageProgram
from compiler.target import Target
from compiler.training import ConvWork


@dataclass(frozen=True)
class Compiled:
    """One layer and stage: why it is mapped so, its IR, and what the machine executes."""

    choice: Choice
    ir: Program
    program: StageProgram


def _round(density: float) -> float:
    """Mappings are chosen for densities in steps of a tenth, so that like layers share one."""
    return max(0.1, round(density, 1))


@lru_cache(maxsize=8192)
def compile_stage(
    work: ConvWork, stage: Stage, target: Target, batch: int, input_density: float = 1.0,
    grad_output_density: float = 1.0, mask_density: float = 1.0, samples: int = 1,
) -> Compiled:  # fmt: skip
    """Compile Forward, GTA or GTW of a convolution or fully connected layer for a machine.

    Densities in (0, 1] guide the mapper only. samples: GTW may accumulate over up to this many samples at a time. Raises MappingError where the layer does not fit the machine.
    """
    operation = ROW_OPERATION_OF_STAGE[stage]
    masked = stage is Stage.GTA and work.gta_masked and target.mask_skipping
    reuse = 1 if work.is_fc else batch
    problem = Problem(work.geometry, operation, target, _densities(stage, target, masked, input_density,
                      grad_output_density, mask_density), reuse, masked, 1 if work.is_fc else samples)  # fmt: skip
    choice = choose_mapping(problem, f"{work.layer} {stage.value}")
    ir = _generate(work, stage, target, choice, masked)
    return Compiled(choice, ir, lower(ir, target))


def _densities(
    stage: Stage, target: Target, masked: bool, input_density: float, grad_density: float, mask_density: float
) -> Densities:
    if not target.skip_zeros:
        return Densities()
    if stage is Stage.FORWARD:
        return Densities(_round(input_density), 1.0)
    if stage is Stage.GTA:
        return Densities(_round(grad_density), _round(mask_density) if masked else 1.0)
    return Densities(_round(grad_density), _round(input_density) if target.input_skipping else 1.0)


def _generate(work: ConvWork, stage: Stage, target: Target, choice: Choice, masked: bool) -> Program:
    if stage is Stage.GTW:
        return generate_store(work.layer, work.geometry, target, choice.mapping)
    relu = stage is Stage.FORWARD and work.relu_fused
    return generate_reduce(work.layer, stage, work.geometry, target, choice.mapping, masked, relu)
