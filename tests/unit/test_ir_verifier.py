"""Does the verifier accept right programs and name what is wrong with wrong ones?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import Binary, Const, Variable
from compiler.ir.interpreter import interpret
from compiler.ir.nodes import Block, Job, Load, Loop, Node, Ppu, Program, RowOp, Store, Tensor
from compiler.ir.parser import parse_program
from compiler.ir.printer import print_program
from compiler.ir.unroll import ONCE, enter, evaluate_all
from compiler.ir.verifier import verify
from compiler.program import RowOperation, Stage
from compiler.target import Target
from tests.builders_ir import Tiling, build_program, random_tensors
from workloads.errors import UserError

LAYER = ConvGeometry(6, 8, (9, 11), (3, 2), (2, 3), (1, 2), (2, 1), 2)
PLAIN = ConvGeometry(4, 6, (7, 8), (3, 3), (1, 1), (1, 1))
STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)
TARGET = Target(
    clusters=2,
    groups_per_cluster=3,
    pes_per_group=2,
    macs_per_pe=1,
    row_slots=2,
    row_slot_entries=16,
    reg1_words=16,
    reg2_words=16,
    pipeline_cycles=3,
    ppu_words_per_cycle=4,
    buffer_bytes=2**16,
    buffer_banks=4,
    words_per_line=4,
    read_latency_cycles=2,
    dispatch_cycles=4,
    tile_switch_cycles=8,
    operand_bits=16,
    sum_bits=32,
    row_format="bitmask",
    skip_zeros=True,
    mask_skipping=True,
    input_skipping=True,
    row_handout_dynamic=False,
    job_handout_dynamic=True,
    dram_bytes_per_cycle=8.0,
    dram_latency_cycles=50,
)


INPUTS_BROADCAST = Tiling(broadcast="I")


def change(node: Any, kind: type[Node], edit: Callable[[Any], Node], only: str = "") -> Any:
    """The program with every node of a kind edited (loops: those of the variable `only`)."""
    if hasattr(node, "body"):
        node = replace(node, body=tuple(change(inner, kind, edit, only) for inner in node.body))
    return edit(node) if isinstance(node, kind) and (not only or node.variable == only) else node


def complaint(program: Program, target: Target | None = None) -> str:
    with pytest.raises(UserError) as caught:
        verify(program, target)
    return str(caught.value)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("geometry", [LAYER, PLAIN], ids=["odd layer", "plain layer"])
def test_right_programs_pass(stage: Stage, geometry: ConvGeometry) -> None:
    verify(build_program(geometry, stage, masked=True), TARGET)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda p: replace(p, stage=Stage.GTW), "row operation SRC does not belong to stage gtw"),
        (lambda p: replace(p, row_step=2), "array: row_step 2 must be 1"),
        (lambda p: replace(p, pes_per_group=0), "array: pes_per_group 0 must be at least 1"),
        (
            lambda p: replace(p, geometry=replace(PLAIN, stride=(0, 1))),
            "conv: stride [0, 1] must be at least 1",
        ),
        (
            lambda p: replace(p, geometry=replace(PLAIN, groups=4)),
            "conv: groups 4 must divide in_channels 4 and out_channels 6",
        ),
        (
            lambda p: replace(p, geometry=replace(PLAIN, kernel=(3, 11))),
            "conv: kernel [3, 11] is larger than the padded input",
        ),
        (lambda p: replace(p, tensors=p.tensors[1:]), "tensor I: not declared, but SRC needs it"),
        (
            lambda p: replace(p, tensors=(*p.tensors, Tensor("dO", "operand", (6, 7, 8)))),
            "tensor dO: SRC has no such tensor; it has I, W, O, sums, mask",
        ),
        (
            lambda p: replace(p, tensors=(Tensor("I", "mask", (4, 7, 7)), *p.tensors[1:])),
            "conv/forward: tensor I: kind mask must be operand",
        ),
        (
            lambda p: replace(p, tensors=(Tensor("I", "mask", (4, 7, 7)), *p.tensors[1:])),
            "conv/forward: tensor I: shape [4, 7, 7] must be [4, 7, 8]",
        ),
        (lambda p: replace(p, tensors=(*p.tensors, p.tensors[0])), "tensor I: declared more than once"),
    ],
)
def test_wrong_headers(edit: Callable[[Program], Program], message: str) -> None:
    assert message in complaint(edit(build_program(PLAIN, Stage.FORWARD)))


@pytest.mark.parametrize(
    ("stage", "kind", "edit", "message"),
    [
        (
            Stage.FORWARD,
            RowOp,
            lambda n: replace(n, channel=Variable("q")),
            "channel: variable 'q' is not bound",
        ),
        (Stage.FORWARD, RowOp, lambda n: replace(n, operation=RowOperation.MSRC), "row operation MSRC in a"),
        (
            Stage.FORWARD,
            RowOp,
            lambda n: replace(n, block=Block(*[Const(1)] * 5)),
            "SRC works on the block of its job and has none of its own",
        ),
        (Stage.FORWARD, Job, lambda n: replace(n, block=None), "a job of SRC needs a block"),
        (
            Stage.FORWARD,
            Job,
            lambda n: replace(n, body=n.body[:1]),
            "the body must end in its one ppu statement",
        ),
        (Stage.FORWARD, Job, lambda n: replace(n, body=(n, *n.body)), "a job cannot stand inside a job"),
        (
            Stage.FORWARD,
            Ppu,
            lambda n: Ppu(("sum", "sum", "pack")),
            "action 'pack' must be one of sum, accumulate, mask, relu, abs_sum, compress",
        ),
        (Stage.FORWARD, Ppu, lambda n: Ppu(("sum", "sum", "pack")), "action 'sum' stands there twice"),
        (Stage.GTA, Ppu, lambda n: Ppu(("sum", "relu")), "action 'relu' belongs to the forward stage"),
        (Stage.FORWARD, Load, lambda n: replace(n, share=0), "share 0 must be at least 1"),
        (Stage.FORWARD, Load, lambda n: replace(n, tensor="dO"), "load dO: tensor 'dO' is not declared"),
        (
            Stage.FORWARD,
            Load,
            lambda n: Store(n.tensor, n.channels, n.rows),
            "loads must come first and stores last",
        ),
        (Stage.GTW, Job, lambda n: replace(n, block=Block(*[Const(1)] * 5)), "an OSRC job has no block"),
        (Stage.GTW, RowOp, lambda n: replace(n, block=None), "an OSRC operation needs a block of dO"),
        (
            Stage.GTW,
            Job,
            lambda n: replace(n, body=(n.body[0], *n.body)),
            "an OSRC job needs exactly one unit loop around its row operations",
        ),
        (
            Stage.FORWARD,
            RowOp,
            lambda n: replace(n, channel=Binary("^", n.channel, Const(1))),
            "channel: operator '^' is unknown",
        ),
    ],
)
def test_wrong_statements(stage: Stage, kind: type[Node], edit: Callable[[Any], Node], message: str) -> None:
    assert message in complaint(change(build_program(PLAIN, stage), kind, edit))


@pytest.mark.parametrize(
    ("variable", "edit", "message"),
    [
        ("c", lambda n: replace(n, kind="tile"), "for tile c: a tile loop cannot stand inside a job loop"),
        ("c", lambda n: replace(n, kind="unit"), "a job of SRC has no unit loops"),
        ("m", lambda n: replace(n, kind="reduce"), "for reduce m: a reduce loop cannot stand outside a job"),
        ("c", lambda n: replace(n, variable="m"), "for reduce m: variable 'm' is bound already"),
        ("f", lambda n: replace(n, variable="min"), "'min' is no name for a variable"),
        ("f", lambda n: replace(n, kind="outer"), "loop kind 'outer' must be one of tile, job, unit, reduce"),
        ("x", lambda n: replace(n, step=Const(0)), "for job x: step 0 must be at least 1"),
        ("x", lambda n: replace(n, step=Variable("r")), "for job x: step 0 of the loop is below 1"),
        (
            "x",
            lambda n: replace(n, stop=Binary("//", Const(8), Const(0))),
            "division by zero",
        ),
        ("x", lambda n: replace(n, stop=Const(10**12)), "a value reaches 2147483648"),
        (
            "x",
            lambda n: replace(n, stop=Const(2**30), step=Const(1)),
            "iterations are more than the 33554432",
        ),
        ("h", lambda n: replace(n, where=Variable("z")), "where: variable 'z' is not bound here"),
    ],
)
def test_wrong_loops(variable: str, edit: Callable[[Loop], Loop], message: str) -> None:
    assert message in complaint(change(build_program(PLAIN, Stage.FORWARD), Loop, edit, variable))


def test_the_path_leads_to_the_place_and_the_first_iteration() -> None:
    program = change(build_program(PLAIN, Stage.FORWARD), Job, lambda n: replace(n, out_count=Const(9)))
    text = complaint(program)
    assert (
        "conv/forward: for tile m / for tile r / for tile n / for job f / for job x / for job y / job: "
        "out_count 9 exceeds groups_per_cluster 3 (first at m = 0, r = 0, n = 0, f = 0, x = 0, y = 0)"
    ) in text
    assert "out channels [0, 9) leave [0, 6)" in text
    assert text.startswith("conv/forward: the program breaks 2 rules:\n")


@pytest.mark.parametrize(
    ("stage", "kind", "edit", "message"),
    [
        (Stage.FORWARD, Job, lambda n: replace(n, out_count=Const(0)), "out_count 0 must be at least 1"),
        (Stage.FORWARD, Job, lambda n: replace(n, final=Const(2)), "final 2 must be 0 or 1"),
        (
            Stage.FORWARD,
            Job,
            lambda n: replace(n, block=replace(n.block, phase=Const(1))),
            "block phase 1 leaves [0, 1)",
        ),
        (
            Stage.FORWARD,
            Job,
            lambda n: replace(n, block=replace(n.block, width=Const(5))),
            "block columns [5, 10) leave [0, 8)",
        ),
        (
            Stage.FORWARD,
            Job,
            lambda n: replace(n, block=replace(n.block, rows=Const(2))),
            "block rows [6, +2) leave the map of 7 rows",
        ),
        (
            Stage.FORWARD,
            Job,
            lambda n: replace(n, block=replace(n.block, rows=Const(0))),
            "block of 0 rows and 5 columns is empty",
        ),
        (Stage.FORWARD, RowOp, lambda n: replace(n, channel=n.channel + 2), "channel 4 leaves [0, 4)"),
        (
            Stage.FORWARD,
            RowOp,
            lambda n: replace(n, kernel_row=n.kernel_row + 1),
            "kernel_row 3 leaves [0, 3)",
        ),
        (
            Stage.FORWARD,
            Load,
            lambda n: replace(n, rows=replace(n.rows, stop=n.rows.stop + 1)),
            "load W: rows [3, 5) leave [0, 4)",
        ),
        (
            Stage.GTW,
            RowOp,
            lambda n: replace(n, block=replace(n.block, width=Const(5))),
            "block columns [5, 10) leave [0, 8)",
        ),
        (
            Stage.GTW,
            RowOp,
            lambda n: replace(n, kernel_row=(n.kernel_row + Variable("f")) % 3),
            "differs within unit 0",
        ),
    ],
)
def test_wrong_numbers(stage: Stage, kind: type[Node], edit: Callable[[Any], Node], message: str) -> None:
    assert message in complaint(change(build_program(PLAIN, stage), kind, edit))


def test_jobs_stay_in_their_convolution_group() -> None:
    program = build_program(replace(PLAIN, groups=2), Stage.FORWARD)
    across = change(program, Job, lambda n: replace(n, out_start=n.out_start % 3 + 1, out_count=Const(3)))
    assert "out channels [1, 4) span several convolution groups" in complaint(across)
    other = change(program, RowOp, lambda n: replace(n, channel=(n.channel + 2) % 4))
    assert "channel 2 is not of convolution group 0 of its job" in complaint(other)


def test_rows_in_the_padding_are_not_issued() -> None:
    program = change(
        build_program(PLAIN, Stage.FORWARD, Tiling(block_rows=1)), Loop, lambda n: replace(n, where=None)
    )
    assert "no operand row of kernel_row 0 lies inside; it is not issued (first at m = 0, r = 0" in complaint(
        program
    )


def test_units_beyond_the_pes_are_found() -> None:
    program = replace(build_program(PLAIN, Stage.GTW, Tiling(pes_per_group=3)), pes_per_group=2)
    assert "unit 2 of the job exceeds pes_per_group 2" in complaint(program)


@pytest.mark.parametrize(
    ("stage", "limits", "message"),
    [
        (Stage.FORWARD, {"groups_per_cluster": 4}, "array: groups_per_cluster 3 is not the machine's 4"),
        (Stage.FORWARD, {"reg1_words": 2}, "conv: a kernel row of 3 words exceeds reg1_words 2"),
        (Stage.FORWARD, {"reg2_words": 9}, "job: block of 10 sums exceeds reg2_words 9"),
        # 2 rows of the 6 columns that 5 outputs at the left border meet through 3 taps
        (Stage.FORWARD, {"row_slot_entries": 11}, "SRC: ch0 row of 12 positions exceeds row_slot_entries 11"),
        (Stage.GTA, {"row_slot_entries": 11}, "MSRC: ch0 row of 12 positions exceeds row_slot_entries 11"),
        (Stage.GTW, {"row_slot_entries": 9}, "OSRC: ch0 row of 10 positions exceeds row_slot_entries 9"),
        (Stage.GTW, {"reg1_words": 11}, "OSRC: ch1 vector of 12 words of I exceeds reg1_words 11"),
        (Stage.GTW, {"reg2_words": 5}, "OSRC: unit of 6 weight gradients exceeds reg2_words 5"),
    ],
)
def test_registers_of_the_machine(stage: Stage, limits: dict[str, int], message: str) -> None:
    program = build_program(PLAIN, stage)
    verify(program, TARGET)
    assert message in complaint(program, replace(TARGET, **limits))


def test_broadcast_operand_must_be_one_of_osrc() -> None:
    forward, gtw = build_program(PLAIN, Stage.FORWARD), build_program(PLAIN, Stage.GTW)
    assert "array: broadcast I belongs to OSRC, not to SRC" in complaint(replace(forward, broadcast="I"))
    assert "array: broadcast 'W' must be one of dO, I" in complaint(replace(gtw, broadcast="W"))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        # Both rows of the 6 columns of I that 5 columns of dO at the left border meet, and these 5.
        ({"row_slot_entries": 11}, "OSRC: ch0 row of 12 positions exceeds row_slot_entries 11"),
        ({"reg1_words": 9}, "OSRC: ch1 vector of 10 words of dO exceeds reg1_words 9"),
        ({"reg2_words": 5}, "OSRC: unit of 6 weight gradients exceeds reg2_words 5"),
    ],
)
def test_registers_where_inputs_are_broadcast(limits: dict[str, int], message: str) -> None:
    program = build_program(PLAIN, Stage.GTW, INPUTS_BROADCAST)
    verify(program, TARGET)
    assert message in complaint(program, replace(TARGET, **limits))


@pytest.mark.parametrize("name", ["row_slot_entries", "reg1_words", "reg2_words"])
@pytest.mark.parametrize(("stage", "broadcast"), [*((stage, "dO") for stage in STAGES), (Stage.GTW, "I")])
@pytest.mark.parametrize("geometry", [LAYER, ConvGeometry(2, 4, (11, 13), (3, 3), (4, 4), (0, 1))])
def test_register_demand_is_that_of_brute_force(
    geometry: ConvGeometry, stage: Stage, broadcast: str, name: str
) -> None:
    demand = _brute_force_demand(geometry, stage, broadcast)[name]
    program = build_program(geometry, stage, Tiling(broadcast=broadcast))
    large = replace(TARGET, row_slot_entries=999, reg1_words=999, reg2_words=999)
    verify(program, replace(large, **{name: demand}))
    assert f"exceeds {name} {demand - 1}" in complaint(program, replace(large, **{name: demand - 1}))


def _brute_force_demand(g: ConvGeometry, stage: Stage, broadcast: str) -> dict[str, int]:
    """Largest demands of the builder's blocks (2 rows of a phase, tiles of 4 rows, 5 columns)."""
    pairs = [
        [
            (o, k, o * s + k * d - p)
            for o in range(out)
            for k in range(kernel)
            if 0 <= o * s + k * d - p < size
        ]
        for out, kernel, s, d, p, size in zip(
            g.out_size, g.kernel, g.stride, g.dilation, g.padding, g.in_size, strict=True
        )
    ]
    at = 2 if stage is Stage.GTA else 0
    step, (height, width) = (g.stride[0], g.in_size) if stage is Stage.GTA else (1, g.out_size)
    row_sets = [
        {phase + step * (first + i) for i in range(2) if phase + step * (first + i) < height}
        for phase in range(step)
        for first in range(0, -(-height // step), 2)
    ]
    columns = [set(range(x, min(x + 5, width))) for x in range(0, width, 5)]
    rows = max(
        sum(p[at] in chosen and p[1] == k for p in pairs[0])
        for chosen in row_sets
        for k in range(g.kernel[0])
    )
    met = {"out": lambda p: p[0], "in": lambda p: p[2]}

    def most(which: str) -> int:
        return max(len({met[which](p) for p in pairs[1] if p[at] in chosen}) for chosen in columns)

    sums = max(len(r) for r in row_sets) * max(len(c) for c in columns)
    if stage is Stage.GTW:
        inputs_broadcast = broadcast == "I"
        channels = g.in_channels_per_group if inputs_broadcast else g.out_channels_per_group
        return {
            "row_slot_entries": rows * most("in" if inputs_broadcast else "out"),
            "reg1_words": rows * most("out" if inputs_broadcast else "in"),
            "reg2_words": min(2, channels) * g.kernel[1],
        }
    operand = "in" if stage is Stage.FORWARD else "out"
    return {"row_slot_entries": rows * most(operand), "reg1_words": g.kernel[1], "reg2_words": sums}


def _without(program: Program, variable: str, value: int) -> Program:
    """The program whose loop over `variable` leaves out one value."""
    keep = Binary("==", Binary("==", Variable(variable), Const(value)), Const(0))

    def edit(loop: Loop) -> Loop:
        return replace(loop, where=keep if loop.where is None else Binary("and", keep, loop.where))

    return change(program, Loop, edit, variable)


@pytest.mark.parametrize(
    ("stage", "variable", "value", "message"),
    [
        (Stage.FORWARD, "c", 1, "O: O[0, 0, 0] gets 6 row operations of 8 (and 335 more positions)"),
        (Stage.FORWARD, "h", 2, "O: O[0, 0, 0] gets 4 row operations of 8"),
        (Stage.FORWARD, "y", 2, "O: O[0, 2, 0] is not finished by any job (and 95 more positions)"),
        (Stage.FORWARD, "f", 4, "O: O[4, 0, 0] is not finished by any job"),
        (Stage.FORWARD, "x", 5, "O: O[0, 0, 5] is not finished by any job"),
        (Stage.GTA, "f", 5, "dI: dI[0, 0, 0] gets 10 row operations of 12"),
        (Stage.GTA, "y", 6, "dI: dI[0, 6, 0] is not finished by any job (and 31 more positions)"),
        (Stage.GTW, "x", 5, "dW: dW[0, 0, 0] gets 30 positions of dO of 48"),
        (Stage.GTW, "f", 3, "dW: dW[3, 0, 0] gets 0 positions of dO of 48 (and 2 more kernel rows)"),
        (Stage.GTW, "w", 0, "dW: dW[0, 0, 0] gets 0 positions of dO of 48"),
        (Stage.GTW, "y", 6, "dW: dW[0, 0, 0] gets 40 positions of dO of 48"),
        (Stage.GTW, "c", 3, "dW: dW[0, 3, 0] gets 0 positions of dO of 48"),
    ],
)
def test_missing_work_is_found(stage: Stage, variable: str, value: int, message: str) -> None:
    assert message in complaint(_without(build_program(PLAIN, stage), variable, value))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("x", 5, "dW: dW[0, 0, 0] gets 30 positions of dO of 48"),
        ("c", 3, "dW: dW[0, 3, 0] gets 0 positions of dO of 48 (and 2 more kernel rows)"),
        ("f", 3, "dW: dW[3, 0, 0] gets 0 positions of dO of 48"),
        ("y", 6, "dW: dW[0, 0, 0] gets 40 positions of dO of 48"),
    ],
)
def test_missing_work_is_found_where_inputs_are_broadcast(variable: str, value: int, message: str) -> None:
    program = build_program(PLAIN, Stage.GTW, INPUTS_BROADCAST)
    assert message in complaint(_without(program, variable, value))


def test_sums_are_followed_by_output_channel_where_inputs_are_broadcast() -> None:
    program = build_program(PLAIN, Stage.GTW, INPUTS_BROADCAST)
    overwriting = change(program, Job, lambda n: replace(n, read_sums=Const(0)))
    assert "overwrites partial sums of dW of output channel 0 (first at" in complaint(overwriting)


def test_doubled_and_exchanged_work_is_found() -> None:
    program = build_program(PLAIN, Stage.FORWARD)
    twice = change(program, Loop, lambda n: replace(n, body=n.body * 2), "h")
    assert "O: O[0, 0, 0] gets 16 row operations of 8" in complaint(twice)
    exchanged = change(program, RowOp, lambda n: replace(n, channel=n.channel // 2 * 2))
    assert "O: O[0, 0, 0] gets some row operations twice and others never" in complaint(exchanged)
    shifted = change(build_program(PLAIN, Stage.GTW), RowOp, _every_block_at_the_left)
    assert "gets some positions of dO twice and others never" in complaint(shifted)


def _every_block_at_the_left(node: RowOp) -> RowOp:
    assert node.block is not None
    return replace(node, block=replace(node.block, column=Const(0)))


@pytest.mark.parametrize(
    ("stage", "fields", "message"),
    [
        (Stage.FORWARD, {"read_sums": 0}, "read_sums is 0, but the block has partial sums"),
        (
            Stage.FORWARD,
            {"read_sums": 1},
            "read_sums is 1, but the block is not touched (first at m = 0, r = 0, n = 0",
        ),
        (Stage.FORWARD, {"final": 1}, "read_sums is 1, but the block is finished"),
        (Stage.FORWARD, {"final": 0}, "O: O[0, 0, 0] is not finished by any job (and 335 more positions)"),
        (
            Stage.GTW,
            {"read_sums": 0},
            "overwrites partial sums of dW of input channel 0 (first at m = 0, n = 0, r = 4",
        ),
        (Stage.GTW, {"read_sums": 1}, "reads partial sums that nobody wrote, of dW of input channel 0"),
        (Stage.GTW, {"final": 1}, "adds to the finished dW of input channel 0"),
    ],
)
def test_partial_sums_are_read_where_they_exist(stage: Stage, fields: dict[str, int], message: str) -> None:
    constants = {name: Const(value) for name, value in fields.items()}
    program = change(build_program(PLAIN, stage), Job, lambda n: replace(n, **constants))
    assert message in complaint(program)


def test_one_mistake_is_told_once() -> None:
    program = build_program(replace(PLAIN, in_channels=12), Stage.GTW)
    text = complaint(_without(change(program, Job, lambda n: replace(n, read_sums=Const(0))), "x", 5))
    assert text.count("\n") == 2
    assert "dW[0, 0, 0] gets 30 positions of dO of 48" in text
    assert "job: overwrites partial sums of dW of input channel 0 (first at" in text


def test_sums_of_earlier_samples_may_be_read_first() -> None:
    verify(build_program(PLAIN, Stage.GTW, Tiling(samples=4)))


def test_two_units_never_share_accumulators() -> None:
    program = build_program(PLAIN, Stage.GTW)
    halves = change(program, Loop, lambda n: replace(n, stop=Const(1)), "u")
    halves = change(halves, Loop, lambda n: replace(n, start=Const(0), stop=Const(2)), "w")
    both = change(halves, RowOp, lambda n: replace(n, kernel_row=Const(1), channel=n.channel % 2))
    assert "two units of a job hold the same elements of dW of input channel 0" in complaint(both)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_passes_computes_every_result(data: st.DataObject) -> None:
    """Any number of the text changed: the verifier refuses the program, or it still computes the same."""
    stage, broadcast = data.draw(st.sampled_from(STAGES)), data.draw(st.sampled_from(["dO", "I"]))
    original = build_program(LAYER, stage, Tiling(tile_out=3, broadcast=broadcast))
    lines = print_program(original).splitlines()
    body = next(i for i, line in enumerate(lines) if line.startswith("  for"))
    places = [(i, j) for i in range(body, len(lines)) for j, char in enumerate(lines[i]) if char.isdigit()]
    line, column = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(not any(word in lines[line] for word in ("load", "store")))
    lines[line] = lines[line][:column] + digit + lines[line][column + 1 :]
    try:
        changed = parse_program("\n".join(lines))
        verify(changed)
    except UserError:
        return
    values = {name: array for name, array in random_tensors(LAYER, seed=7).items() if name != "mask"}
    for name, expected in interpret(original, values).items():
        assert np.array_equal(interpret(changed, values)[name], expected)


def test_unrolled_loops_are_the_loops() -> None:
    outer = Loop("tile", "a", Const(-3), Const(4), Const(2), ())
    where = Binary("<=", Const(0), Variable("a") * Variable("b") % 3 - 1)
    inner = Loop("tile", "b", Variable("a"), Const(5), Const(3), (), where)
    iterations = enter(inner, enter(outer, ONCE))
    expected = [(a, b) for a in range(-3, 4, 2) for b in range(a, 5, 3) if a * b % 3 - 1 >= 0]
    assert list(zip(*(iterations.values[name].tolist() for name in "ab"), strict=True)) == expected
    total = evaluate_all(Variable("a") * 10 - Variable("b") // 2, iterations)
    assert total.tolist() == [a * 10 - b // 2 for a, b in expected]


@pytest.mark.parametrize("stage", STAGES)
def test_a_large_layer_is_checked_whole(stage: Stage) -> None:
    tiling = Tiling(8, 3, 2, 28, 64, 28, 64, 21)
    program = build_program(ConvGeometry(128, 128, (56, 56), (3, 3), (1, 1), (1, 1)), stage, tiling)
    verify(program)
    reduction = "c" if stage is Stage.FORWARD else "f"
    assert " gets " in complaint(_without(program, reduction, 127))
