"""Does the verifier refuse programs whose jobs read sums that another job of the same tile writes?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.codegen.reduce import generate_reduce, row_phases
from compiler.codegen.store import generate_store
from compiler.geometry import ConvGeometry
from compiler.ir.expressions import evaluate
from compiler.ir.jobs import find_jobs, tabulate
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Ppu, Program, RowOp, Store
from compiler.ir.parser import parse_program
from compiler.ir.verifier import verify
from compiler.ir.violations import Violations
from compiler.lowering import lower
from compiler.mapping.choose import choose_mapping
from compiler.mapping.infeasible import MappingError
from compiler.mapping.mapping import Mapping
from compiler.mapping.problem import Densities, Problem
from compiler.program import ROW_OPERATION_OF_STAGE, RowOperation, Stage
from compiler.target import Target
from tests.builders import random_layer, random_machine
from tests.builders_ir import Tiling, build_program
from workloads.errors import UserError

STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)
SEEDS = range(40)

# 2 x 2 channels, 1x1 kernel: one operation is a chunk of the reduction.
FORWARD = """\
program "conv" forward SRC {
  conv in_channels 2 out_channels 2 in_size [3, 4] kernel [1, 1]
    stride [1, 1] padding [0, 0] dilation [1, 1] groups 1
  array groups_per_cluster 2 pes_per_group 1 row_step 1
  tensor I operand [2, 3, 4]
  tensor W operand [2, 2, 1, 1]
  tensor O operand [2, 3, 4]
  BODY
}
"""

# Every second row of dI is of the one phase that a kernel row reaches; one job per chunk f.
GTA = """\
program "conv" gta MSRC {
  conv in_channels 1 out_channels 2 in_size [5, 4] kernel [1, 1]
    stride [2, 1] padding [0, 0] dilation [1, 1] groups 1
  array groups_per_cluster 1 pes_per_group 1 row_step 2
  tensor dO operand [2, 3, 4]
  tensor W operand [2, 1, 1, 1]
  tensor dI operand [1, 5, 4]
  BODY
}
"""

# dO has 3 rows; a job takes one of them for both f (broadcast dO), or both c (broadcast I).
GTW = """\
program "conv" gtw OSRC {
  conv in_channels 2 out_channels 2 in_size [3, 4] kernel [1, 1]
    stride [1, 1] padding [0, 0] dilation [1, 1] groups 1
  array groups_per_cluster 2 pes_per_group 2 row_step 1 broadcast BROADCAST
  tensor I operand [2, 3, 4]
  tensor dO operand [2, 3, 4]
  tensor dW sums [2, 2, 1, 1]
  for tile t = 0 .. 1 {
    for KIND r = 0 .. 3 {
      job out [0, +2) read_sums READ final r == 2 {
        for unit w = 0 .. 2 {
          OSRC channel w kernel_row 0 block phase 0 rows [r, +1) columns [0, +4)
        }
        ppu accumulate
      }
    }
    STORE
  }
}
"""

LOST = "another cluster may run it at the same time, and one of the two contributions is lost"


def reduce_job(
    rows: str, columns: str, channel: str, flags: str, out: str = "[0, +2)", op: str = "SRC"
) -> str:
    """A job of one row operation."""
    block = f"block phase 0 rows {rows} columns {columns}"
    return f"job out {out} {block} {flags} {{ {op} channel {channel} kernel_row 0 ppu accumulate }}"


def complaint(text: str) -> str:
    with pytest.raises(UserError) as caught:
        verify(parse_program(text))
    return str(caught.value)


def forward(body: str) -> str:
    return FORWARD.replace("BODY", body)


CHUNK = reduce_job("[0, +3)", "[x, +2)", "n", "read_sums 0 < n final n == 1")


def test_chunks_of_a_reduction_in_one_tile_are_refused() -> None:
    text = forward(f"for job n = 0 .. 2 {{ for job x = 0 .. 4 step 2 {{ {CHUNK} }} }}")
    assert complaint(text) == (
        "conv/forward: for job n / for job x / job: job 2 reads sums of O[0:2, 0:3, 0:2] that job 0 (n = 0, "
        f"x = 0) of the same tile writes; {LOST}; put the jobs into different tiles (first at n = 1, x = 0)"
    )


def test_chunks_in_tiles_of_their_own_are_right() -> None:
    verify(parse_program(forward(f"for tile n = 0 .. 2 {{ for job x = 0 .. 4 step 2 {{ {CHUNK} }} }}")))


def test_the_only_job_of_a_tile_may_read_sums() -> None:
    verify(parse_program(forward(f"for tile n = 0 .. 2 {{ for tile x = 0 .. 4 step 2 {{ {CHUNK} }} }}")))


def test_blocks_that_overlap_in_part_are_refused_with_the_part() -> None:
    """Rows 1 and 2 are cut in another way in the second chunk of channel 0; that of channel 1 is right."""
    first = "read_sums 0 final 0"
    second = "read_sums 1 final 1"
    body = "\n".join([
        reduce_job("[0, +1)", "[0, +4)", "0", first),
        reduce_job("[1, +2)", "[3, +1)", "0", first),
        reduce_job("[1, +2)", "[0, +3)", "0", first),
        reduce_job("[0, +2)", "[2, +2)", "1", second, "[0, +1)"),
        reduce_job("[0, +2)", "[0, +2)", "1", second, "[0, +1)"),
        reduce_job("[2, +1)", "[0, +4)", "1", second, "[0, +1)"),
        "for tile t = 0 .. 1 {", reduce_job("[0, +3)", "[0, +4)", "1", second, "[1, +1)"), "}",
    ])  # fmt: skip
    assert complaint(forward(body)) == (
        "conv/forward: job: job 3 reads sums of O[0:1, 1:2, 2:3] that job 2 of the same tile writes; "
        f"{LOST}; put the jobs into different tiles"
    )


def test_jobs_before_and_behind_a_tile_loop_are_in_different_tiles() -> None:
    first = reduce_job("[0, +3)", "[0, +4)", "0", "read_sums 0 final 0", "[0, +1)")
    other = reduce_job("[0, +3)", "[0, +4)", "n", "read_sums 0 < n final n == 1", "[1, +1)")
    last = reduce_job("[0, +3)", "[0, +4)", "1", "read_sums 1 final 1", "[0, +1)")
    inner = f"for tile n = 0 .. 2 {{ {other} }}"
    verify(parse_program(forward(f"for tile t = 0 .. 1 {{ {first} {inner} {last} }}")))
    verify(
        parse_program(forward(f"for tile t = 0 .. 1 {{ for tile s = 0 .. 1 {{ {first} }} {last} {inner} }}"))
    )
    refused = complaint(forward(f"for tile t = 0 .. 1 {{ {first} {last} {inner} }}"))
    assert "for tile t / job: job 1 reads sums of O[0:1, 0:3, 0:4] that job 0 (t = 0) of the same" in refused


def test_rows_of_a_phase_are_named_with_their_step() -> None:
    chunk = reduce_job("[0, +3)", "[0, +4)", "f", "read_sums 0 < f final f == 1", "[0, +1)", "MSRC")
    right = GTA.replace("BODY", f"for tile f = 0 .. 2 {{ {chunk} }}")
    verify(parse_program(right))
    assert "job: job 1 reads sums of dI[0:1, 0:5:2, 0:4] that job 0 (f = 0) of the same tile" in complaint(
        right.replace("for tile f", "for job f")
    )


@pytest.mark.parametrize(("broadcast", "share"), [("dO", 1), ("I", 1), ("dO", 4), ("I", 4)])
def test_weight_gradients_of_row_tiles_in_one_tile_are_refused(broadcast: str, share: int) -> None:
    """share: samples that add to the same sums, which therefore exist before the first job reads them."""
    store = f"store dW channels [0, 2) rows [0, 2) share {share}"
    text = GTW.replace("BROADCAST", broadcast).replace("READ", "1" if share > 1 else "0 < r")
    text = text.replace("STORE", store)
    verify(parse_program(text.replace("KIND", "tile")))
    assert complaint(text.replace("KIND", "job")) == (
        "conv/gtw: for tile t / for job r / job: job 1 reads sums of dW[0, 0, 0] that job 0 (t = 0, r = 0) "
        f"of the same tile writes; {LOST}; put the jobs into different tiles (first at t = 0, r = 1)"
    )


def test_an_overlap_without_reading_is_told_once() -> None:
    """In a tile where another job reads sums as it should."""
    start = reduce_job("[0, +3)", "[0, +4)", "0", "read_sums 0 final 0", "[0, +1)")
    right = reduce_job("[0, +3)", "[0, +4)", "1", "read_sums 1 final 1", "[0, +1)")
    wrong = reduce_job("[0, +3)", "[0, +4)", "n", "read_sums 0 final n == 1", "[1, +1)")
    text = complaint(forward(f"{start} for tile t = 0 .. 1 {{ {right} for job n = 0 .. 2 {{ {wrong} }} }}"))
    assert text.endswith("job: read_sums is 0, but the block has partial sums (first at t = 0, n = 1)")
    assert "\n" not in text


# Against brute force.


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_programs_with_fewer_tile_loops_are_refused_where_brute_force_finds_a_shared_sum(
    data: st.DataObject,
) -> None:
    """A right program whose inner tile loops are made job loops is wrong for nothing but its order."""
    stage = data.draw(st.sampled_from(STAGES))
    geometry = ConvGeometry(
        in_channels=2 * data.draw(st.integers(1, 3)),
        out_channels=2 * data.draw(st.integers(1, 3)),
        in_size=(data.draw(st.integers(3, 6)), data.draw(st.integers(3, 6))),
        kernel=(data.draw(st.integers(1, 3)), 2),
        stride=(data.draw(st.integers(1, 2)), 1),
        padding=(1, 0),
        groups=data.draw(st.integers(1, 2)),
    )
    sizes = {
        name: data.draw(st.integers(1, 4))
        for name in ("block_rows", "block_width", "tile_out", "tile_rows", "tile_reduce", "unit_channels")
    }
    tiling = Tiling(broadcast=data.draw(st.sampled_from(["dO", "I"])), **sizes)
    program = _fewer_tiles(build_program(geometry, stage, tiling), data.draw(st.integers(0, 4)))
    if not _shares_a_sum(program):
        verify(program)
        return
    with pytest.raises(UserError, match="of the same tile writes"):
        verify(program)


def _fewer_tiles(node: Any, keep: int) -> Any:
    """Only the outermost `keep` tile loops stay tile loops. Transfers, which job loops cannot hold, go."""
    body = tuple(
        _fewer_tiles(inner, keep - isinstance(inner, Loop)) if isinstance(inner, Loop) else inner
        for inner in node.body
        if not isinstance(inner, Load | Store)
    )
    return replace(node, body=body, **({"kind": "job"} if _is_tile(node) and keep < 0 else {}))


def _is_tile(node: Node) -> bool:
    return isinstance(node, Loop) and node.kind == "tile"


def _shares_a_sum(program: Program) -> bool:
    """Whether two jobs of a tile write the same element of the result, all elements one by one."""
    writers: dict[tuple[int, ...], int] = {}
    for tile, job, elements in _jobs(program):
        for element in elements:
            if writers.setdefault((tile, *element), job) != job:
                return True
    return False


def _jobs(program: Program) -> Iterator[tuple[int, int, set[tuple[int, ...]]]]:
    """(tile, job, elements of the result) in program order."""
    tile, job = 0, 0
    for node, environment in _turns(program.body, {}):
        if isinstance(node, Loop):
            tile += 1
        else:
            job += 1
            yield tile, job, set(_elements(program, node, environment))


def _turns(body: tuple[Node, ...], environment: dict[str, int]) -> Iterator[tuple[Any, dict[str, int]]]:
    """Every turn of a tile loop, every job and every row operation, with the variables around it."""
    for node in body:
        if isinstance(node, Loop):
            bounds = (evaluate(bound, environment) for bound in (node.start, node.stop, node.step))
            for value in range(*bounds):
                inner = {**environment, node.variable: value}
                if node.where is None or evaluate(node.where, inner):
                    yield from [(node, inner)] if node.kind == "tile" else []
                    yield from _turns(node.body, inner)
        elif not isinstance(node, Load | Store | Ppu):
            yield node, environment


def _elements(program: Program, job: Job, environment: dict[str, int]) -> Iterator[tuple[int, ...]]:
    start, count = evaluate(job.out_start, environment), evaluate(job.out_count, environment)
    places = _gradients(job, environment) if job.block is None else _block(program, job.block, environment)
    for place in places:
        yield from ((channel, *place) for channel in range(start, start + count))


def _block(program: Program, block: Block, environment: dict[str, int]) -> list[tuple[int, ...]]:
    fields = (block.phase, block.first, block.rows, block.column, block.width)
    phase, first, rows, column, width = (evaluate(field, environment) for field in fields)
    lines = [phase + program.row_step * (first + i) for i in range(rows)]
    return [(line, column + i) for line in lines for i in range(width)]


def _gradients(job: Job, environment: dict[str, int]) -> list[tuple[int, ...]]:
    operations = ((node, inner) for node, inner in _turns(job.body, environment) if isinstance(node, RowOp))
    return [(evaluate(op.channel, inner), evaluate(op.kernel_row, inner)) for op, inner in operations]


# What the compiler makes.


def _candidates(seed: int, stage: Stage) -> tuple[ConvGeometry, Target, list[Mapping]]:
    """Mappings of a random layer for a machine with little room: those that cut the reduction first."""
    rng = np.random.default_rng(seed)
    geometry = random_layer(rng)
    geometry = replace(geometry, in_channels=4 * geometry.in_channels, out_channels=4 * geometry.out_channels)
    target = replace(random_machine(rng), buffer_bytes=int(rng.choice([500, 1000, 3000])))
    operation, samples = ROW_OPERATION_OF_STAGE[stage], 4 if stage is Stage.GTW else 1
    if not row_phases(geometry, operation):
        return geometry, target, []
    problem = Problem(geometry, operation, target, Densities(), 4, False, samples)
    try:
        mappings = [mapping for mapping, _ in choose_mapping(problem).candidates]
    except MappingError:
        return geometry, target, []
    return geometry, target, sorted(mappings, key=lambda m: (m.reduce_tile, m.row_tile))[:3]


def _programs(seed: int, stage: Stage) -> Iterator[tuple[Program, Target]]:
    geometry, target, mappings = _candidates(seed, stage)
    for mapping in mappings:
        if ROW_OPERATION_OF_STAGE[stage] is RowOperation.OSRC:
            yield generate_store("layer", geometry, target, mapping), target
        else:
            yield generate_reduce("layer", stage, geometry, target, mapping), target


@pytest.mark.parametrize("stage", STAGES)
def test_no_mapping_of_the_compiler_shares_sums_within_a_tile(stage: Stage) -> None:
    """Nor does the verifier see other tiles than lowering makes."""
    with_sums = 0
    for seed in SEEDS:
        for program, target in _programs(seed, stage):
            verify(program, target)
            lowered = lower(program, target)
            jobs = [tile.job_end - tile.job_start for tile in lowered.tiles]
            table = tabulate(find_jobs(program, Violations(program), lambda *_: None))
            assert np.array_equal(table.tile, np.repeat(np.arange(len(jobs)), jobs))
            with_sums += bool(table.read_sums.any() and max(jobs) > 1)
    assert with_sums >= 10
