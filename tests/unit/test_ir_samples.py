"""Is the IR the compiler makes of a layer right, also over several samples, and the same as its tables?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from compiler.codegen.reduce import generate_reduce
from compiler.codegen.store import generate_store
from compiler.compile import Compiled, StageDensities, compile_stage
from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Const, Variable
from compiler.ir.interpreter import interpret
from compiler.ir.nodes import Loop, Node, Program, RowOp, Tensor
from compiler.ir.parser import parse_program
from compiler.ir.printer import print_program
from compiler.ir.verifier import verify
from compiler.lowering import lower
from compiler.mapping.infeasible import MappingError
from compiler.mapping.mapping import Mapping
from compiler.program import Stage
from compiler.target import Target
from compiler.training import ConvWork
from sparsesim.engine.check import execute
from tests.builders import ONE_PE, random_layer, random_machine
from tests.builders_ir import Tiling, build_program, random_tensors
from tests.references import Values, reference
from workloads.errors import UserError

RESULT = {Stage.FORWARD: "O", Stage.GTA: "dI", Stage.GTW: "dW"}
OPERANDS = {Stage.FORWARD: ("I", "W"), Stage.GTA: ("dO", "W"), Stage.GTW: ("I", "dO")}
SEEDS = range(60)


@dataclass(frozen=True)
class Case:
    """A compiled stage of a random layer for a random machine, and its samples."""

    work: ConvWork
    target: Target
    compiled: Compiled
    samples: tuple[Values, ...]

    @property
    def stacked(self) -> Values:
        """What the program reads: maps of its samples stacked by rows."""
        maps = {name: np.concatenate([v[name] for v in self.samples], axis=1) for name in ("I", "dO", "mask")}
        return maps | {"W": self.samples[0]["W"]}


def large_layer(rng: np.random.Generator) -> ConvGeometry:
    """Kernels up to 11, strides up to 4."""
    kernel = int(rng.integers(1, 12)), int(rng.integers(1, 12))
    groups = int(rng.choice([1, 1, 3]))
    return ConvGeometry(
        in_channels=groups * int(rng.integers(1, 3)),
        out_channels=groups * int(rng.integers(1, 4)),
        in_size=(int(rng.integers(11, 16)), int(rng.integers(11, 16))),
        kernel=kernel,
        stride=(int(rng.integers(1, 5)), int(rng.integers(1, 5))),
        padding=(int(rng.integers(0, kernel[0])), int(rng.integers(0, kernel[1]))),
        groups=groups,
    )


@cache
def compiled_case(seed: int, stage: Stage) -> Case | None:
    """None where the layer does not fit the machine."""
    rng = np.random.default_rng(seed)
    geometry, sizes = random_layer(rng), [1000, 3000, 100_000]
    if seed % 4 == 0:
        geometry, sizes = large_layer(rng), [20_000, 100_000]
    target = replace(random_machine(rng), buffer_bytes=int(rng.choice(sizes)))
    work = ConvWork("layer", 1, geometry, False, True, True, bool(seed % 2), "none", bool(seed % 3))
    densities = StageDensities(*rng.choice([0.1, 0.5, 1.0], 3).tolist())
    try:
        compiled = compile_stage(work, stage, target, 4, densities, samples=1 if seed % 5 == 0 else 4)
    except MappingError:
        return None
    values = tuple(random_tensors(geometry, seed + n) for n in range(compiled.ir.samples))
    return Case(work, target, compiled, values)


def fitting_case(seed: int, stage: Stage) -> Case:
    case = compiled_case(seed, stage)
    if case is None:
        pytest.skip("does not fit this small machine")
    return case


@pytest.mark.parametrize("stage", RESULT)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_ir_of_a_compiled_stage_is_right_and_computes_what_autograd_does(seed: int, stage: Stage) -> None:
    case = fitting_case(seed, stage)
    program = case.compiled.ir
    verify(program, case.target)
    values = case.stacked
    expected = sum(reference(case.work.geometry, sample)[RESULT[stage]] for sample in case.samples)
    if any(tensor.name == "mask" for tensor in program.tensors):
        expected = expected * values["mask"]
    elif stage is Stage.GTA:
        del values["mask"]
    if stage is Stage.FORWARD and case.work.relu_fused:
        expected = np.maximum(expected, 0)
    assert np.array_equal(interpret(program, values)[RESULT[stage]], expected)


@pytest.mark.parametrize("stage", RESULT)
@pytest.mark.parametrize("seed", SEEDS)
def test_lowered_tables_compute_what_the_ir_does(seed: int, stage: Stage) -> None:
    case = fitting_case(seed, stage)
    operands = {name: case.stacked[name] for name in OPERANDS[stage]}
    executed = execute(case.compiled.program, *operands.values())
    if stage is Stage.FORWARD and case.work.relu_fused:
        executed = np.maximum(executed, 0)  # the tables leave the PPU's work to the engine
    assert np.array_equal(interpret(case.compiled.ir, operands)[RESULT[stage]], executed)
    assert case.compiled.program.samples == case.compiled.ir.samples == len(case.samples)


def test_the_cases_above_cover_every_form() -> None:
    cases = {stage: [compiled_case(seed, stage) for seed in SEEDS] for stage in RESULT}
    found = {stage: [case.compiled.ir for case in some if case] for stage, some in cases.items()}
    assert min(len(programs) for programs in found.values()) >= 50
    forms = Counter((ir.samples > 1, ir.broadcast) for ir in found[Stage.GTW])
    assert len(forms) == 4
    assert {ir.samples for ir in found[Stage.GTW]} == {1, 2, 4}


@pytest.mark.parametrize("seed", range(8))
def test_the_text_of_a_program_over_samples_gives_it_back(seed: int) -> None:
    program = fitting_case(seed, Stage.GTW).compiled.ir
    parsed = parse_program(print_program(program))
    assert (parsed, parsed.samples) == (program, program.samples)


@pytest.mark.parametrize("stage", [Stage.FORWARD, Stage.GTW])
@pytest.mark.parametrize("kernel", [1, 2])
def test_tiles_that_lie_in_the_padding_load_nothing(kernel: int, stage: Stage) -> None:
    """Padding as high as the kernel, and tiles of one output row: some meet no row of I."""
    geometry = ConvGeometry(4, 4, (5, 5), (kernel, 1), padding=(4, 0))
    mapping = Mapping(1, 5, out_tile=4, reduce_tile=4, row_tile=1, stays="weights", unit_channels=1,
                      conv_groups=1, share=1)  # fmt: skip
    if stage is Stage.FORWARD:
        program = generate_reduce("layer", stage, geometry, ONE_PE, mapping)
    else:
        program = generate_store("layer", geometry, ONE_PE, mapping)
    verify(program, ONE_PE)
    loads = (load for tile in lower(program, ONE_PE).tiles for load in tile.loads)
    rows = [load.rows for load in loads if load.tensor == "I"]
    assert any(first == last for first, last in rows)
    assert all(0 <= first <= last <= geometry.in_size[0] for first, last in rows)


# Wrong programs over three samples


GEOMETRY = ConvGeometry(2, 3, (4, 5), (3, 3), padding=(2, 1))


def over_samples(broadcast: str, stop: int = 3, **fields: int) -> Program:
    """A GTW program of three samples whose sample loop runs to `stop`; fields: of its blocks."""
    program = build_program(GEOMETRY, Stage.GTW, Tiling(tile_rows=6, broadcast=broadcast, samples=1))
    heights = {"I": 3 * GEOMETRY.in_size[0], "dO": 3 * GEOMETRY.out_size[0]}
    tensors = tuple(_taller(tensor, heights.get(tensor.name)) for tensor in program.tensors)
    phase = {"phase": Variable("s")} | {name: Const(value) for name, value in fields.items()}

    def edit(operation: RowOp) -> RowOp:
        assert operation.block is not None
        return replace(operation, block=replace(operation.block, **phase))

    body = _edited(program, RowOp, edit).body
    return _edited(replace(program, tensors=tensors, body=body), Loop, lambda loop: _with_samples(loop, stop))


def _taller(tensor: Tensor, rows: int | None) -> Tensor:
    return tensor if rows is None else replace(tensor, shape=(tensor.shape[0], rows, tensor.shape[2]))


def _with_samples(loop: Loop, stop: int) -> Loop:
    """A unit loop whose body runs once for each sample."""
    if loop.kind != "unit":
        return loop
    return replace(loop, body=(Loop("reduce", "s", Const(0), Const(stop), Const(1), loop.body),))


def _edited(node: Any, kind: type[Node], edit: Callable[[Any], Node]) -> Any:
    if hasattr(node, "body"):
        node = replace(node, body=tuple(_edited(inner, kind, edit) for inner in node.body))
    return edit(node) if isinstance(node, kind) else node


def complaint(program: Program) -> str:
    with pytest.raises(UserError) as caught:
        verify(program)
    return str(caught.value)


BROADCASTS = pytest.mark.parametrize("broadcast", ["dO", "I"])


@BROADCASTS
def test_every_sample_once_is_right(broadcast: str) -> None:
    program = over_samples(broadcast)
    verify(program)
    assert program.samples == 3
    samples = [random_tensors(GEOMETRY, seed) for seed in range(3)]
    stacked = {name: np.concatenate([values[name] for values in samples], axis=1) for name in ("I", "dO")}
    expected = sum(reference(GEOMETRY, values)["dW"] for values in samples)
    assert np.array_equal(interpret(program, stacked)["dW"], expected)


@BROADCASTS
def test_a_sample_that_is_left_out_is_noticed(broadcast: str) -> None:
    # 4 rows of I meet a kernel row, each in all 5 columns of dO: 20 positions of a sample.
    assert "gets 40 positions of dO of 60" in complaint(over_samples(broadcast, stop=2))


@BROADCASTS
def test_a_sample_that_does_not_exist_is_noticed(broadcast: str) -> None:
    assert "block phase, the sample, 3 leaves [0, 3)" in complaint(over_samples(broadcast, stop=4))


@BROADCASTS
def test_a_sample_in_place_of_another_is_noticed(broadcast: str) -> None:
    """The count of positions is right, the positions are not."""
    assert "gets some positions of dO twice and others never" in complaint(over_samples(broadcast, phase=1))


def test_rows_of_a_block_stay_in_their_sample() -> None:
    assert "block rows [5, +2) leave the map of 6 rows" in complaint(over_samples("dO", first=5, rows=2))


def test_i_and_do_must_have_the_same_number_of_samples() -> None:
    program = over_samples("dO")
    fewer = tuple(_taller(t, 8 if t.name == "I" else None) for t in program.tensors)
    assert "tensor I: shape [2, 8, 5] must be [2, 12, 5]" in complaint(replace(program, tensors=fewer))
    broken = tuple(_taller(t, 17 if t.name == "dO" else None) for t in program.tensors)
    assert "tensor dO: shape [3, 17, 5] must be [3, 12, 5]" in complaint(replace(program, tensors=broken))


def test_maps_of_too_few_samples_are_named() -> None:
    values = random_tensors(GEOMETRY, 0)
    with pytest.raises(UserError, match=r"tensor 'I' has shape \(2, 4, 5\), not \(2, 12, 5\)"):
        interpret(over_samples("dO"), values)
