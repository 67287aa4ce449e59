"""Is the text of the IR exact, readable, and safe against text that is not IR?"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler.geometry import ConvGeometry
from compiler.ir.expressions import OPERATORS, Binary, Const, Expression, Variable, evaluate
from compiler.ir.nodes import Ppu, Program
from compiler.ir.parser import MAX_DEPTH, parse_expression, parse_program, parse_programs
from compiler.ir.printer import print_expression, print_program
from compiler.program import Stage
from tests.builders_ir import Tiling, build_program
from workloads.errors import UserError

STAGES = (Stage.FORWARD, Stage.GTA, Stage.GTW)
LAYER = ConvGeometry(6, 8, (9, 11), (3, 2), (2, 3), (1, 2), (2, 1), 2)


def expressions(max_leaves: int = 25) -> st.SearchStrategy[Expression]:
    leaves = st.integers(-(10**6), 10**6).map(Const) | st.sampled_from("abxy").map(Variable)
    operators = st.sampled_from(sorted(OPERATORS))
    return st.recursive(
        leaves, lambda deeper: st.builds(Binary, operators, deeper, deeper), max_leaves=max_leaves
    )


@given(expressions())
def test_expressions_come_back_as_the_same_tree(expression: Expression) -> None:
    assert parse_expression(print_expression(expression)) == expression


@given(expressions(max_leaves=12), st.integers(-50, 50), st.integers(-50, 50))
def test_text_means_what_python_says_it_means(expression: Expression, a: int, b: int) -> None:
    environment = {"a": a, "b": b, "x": 3, "y": 7}
    text = print_expression(expression)
    assume(" and " not in text)  # Python's `and` gives an operand, the IR's gives 1 or 0
    try:
        expected = evaluate(expression, environment)
    except ZeroDivisionError:
        assume(False)
    assert eval(text, {"__builtins__": {}, "min": min, "max": max}, environment) == expected


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("broadcast", ["dO", "I"])
def test_programs_come_back_equal(stage: Stage, groups: int, broadcast: str) -> None:
    geometry, name = replace(LAYER, groups=groups), 'odd "name" \\ é #1'
    program = build_program(geometry, stage, Tiling(broadcast=broadcast), masked=True, layer=name)
    assert parse_program(print_program(program)) == program


def test_the_broadcast_operand_is_said_and_may_be_left_out() -> None:
    program = build_program(LAYER, Stage.GTW, Tiling(broadcast="I"))
    text = print_program(program)
    assert "row_step 1 broadcast I\n" in text
    assert parse_program(text.replace(" broadcast I", "")) == replace(program, broadcast="dO")
    illegal = replace(build_program(LAYER, Stage.GTA), broadcast="I")  # for the verifier to refuse
    assert parse_program(print_program(illegal)) == illegal
    with pytest.raises(UserError, match=r"3:67: expected an operand \(dO, I\), found 'W'"):
        parse_program(text.replace("broadcast I", "broadcast W"))


@settings(max_examples=40, deadline=None)
@given(expressions(), expressions(), st.sampled_from(STAGES), st.integers(1, 99))
def test_any_expression_survives_in_any_statement(
    first: Expression, second: Expression, stage: Stage, share: int
) -> None:
    program = build_program(LAYER, stage)
    program = _map_program(program, lambda node: _with_expressions(node, first, second, share))
    assert parse_program(print_program(program)) == program


def _map_program(program: Program, change) -> Program:
    def visit(node):
        node = change(node)
        return replace(node, body=tuple(map(visit, node.body))) if hasattr(node, "body") else node

    return replace(program, body=tuple(map(visit, program.body)))


def _with_expressions(node, first: Expression, second: Expression, share: int):
    names = {"start": first, "stop": second, "step": first, "where": second, "final": first}
    names |= {"out_count": second, "kernel_row": first, "channel": second, "share": share}
    return replace(node, **{name: value for name, value in names.items() if hasattr(node, name)})


def test_several_programs_in_one_text() -> None:
    programs = tuple(build_program(LAYER, stage) for stage in STAGES)
    assert parse_programs("".join(map(print_program, programs))) == programs


@pytest.mark.parametrize("stage", STAGES)
def test_padding_behind_is_said_where_it_differs(stage: Stage) -> None:
    geometry = replace(LAYER, end_padding=(0, 3))
    program = build_program(geometry, stage)
    text = print_program(program)
    assert "padding [1, 2] end_padding [0, 3] dilation" in text
    assert parse_program(text) == program
    assert "end_padding" not in print_program(build_program(replace(LAYER, end_padding=LAYER.padding), stage))


def test_the_text_reads_like_this() -> None:
    tiling = Tiling(8, 3, 2, 28, 64, 8, 16)
    text = print_program(
        build_program(ConvGeometry(16, 64, (8, 8), (3, 3), (1, 1), (1, 1)), Stage.FORWARD, tiling)
    )
    lines = [line.strip() for line in text.splitlines()]
    for line in (
        'program "conv" forward SRC {',
        "array groups_per_cluster 8 pes_per_group 3 row_step 1",
        "tensor W operand [64, 16, 3, 3]",
        "for tile m = 0 .. 64 step 64 {",
        "load W channels [m, min(m + 64, 64)) rows [n, min(n + 16, 16)) share 4",
        "for job f = m .. min(m + 64, 64) step 8 {",
        "job out [f, +min(f + 8, min(m + 64, 64)) - f)",
        "read_sums 0 < n final min(n + 16, 16) == 16 {",
        "SRC channel c kernel_row h",
        "ppu sum compress",
    ):
        assert line in lines


def test_comments_and_layout_do_not_matter() -> None:
    program = build_program(LAYER, Stage.GTA)
    lines = print_program(program).splitlines()
    text = "# before\n" + "\r\n".join(f"\t{line} # why \" ' {{" for line in lines) + "\n# after"
    assert parse_program(text) == program
    assert parse_program(" ".join(lines)) == program


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("step 4 {", "step {", "8:28: expected a number, a variable, 'min', 'max' or '(', found '{'"),
        ("for tile m", "for tiles m", "8:7: expected a loop kind (tile, job, unit, reduce), found 'tiles'"),
        ("kernel [3, 2]", "kernel [3]", "2:62: expected ',', found ']'"),
        (
            "ppu sum compress",
            "ppu sum pack",
            "expected a PPU action (sum, accumulate, mask, relu, abs_sum, compress)",
        ),
        (
            "tensor W operand",
            "tensor W weights",
            "expected a tensor kind (operand, mask, sums), found 'weights'",
        ),
        ("= 0 ..", "= 0 : ..", "expected a statement, found ':'"),
        (
            "[6, 9, 11]",
            "[6, 9, 1234567890123456789]",
            "expected a number of at most 18 digits, found 19 digits",
        ),
        ("0 < n", "0 < n < m", "expected no second comparison without parentheses, found '<'"),
        ('"conv"', '"conv', "expected a closing '\"' on the same line, found '\"'"),
        ('"conv"', r'"\q"', "expected a string with the escapes of JSON"),
        ("for tile m", "for tile min", "expected the loop variable's name, found 'min'"),
    ],
)
def test_errors_point_at_the_place(old: str, new: str, message: str) -> None:
    text = print_program(build_program(replace(LAYER, groups=1), Stage.FORWARD))
    assert old in text
    with pytest.raises(UserError) as caught:
        parse_program(text.replace(old, new, 1), "layer.ir")
    line = text[: text.index(old)].count("\n") + 1
    assert str(caught.value).startswith(f"layer.ir:{line}:")
    assert message in str(caught.value)


def test_a_truncated_text_says_so() -> None:
    text = print_program(build_program(LAYER, Stage.GTW))
    with pytest.raises(UserError, match=r"expected a statement .* found the end of the text"):
        parse_program(text.rstrip().removesuffix("}"))
    with pytest.raises(UserError, match="expected the end of the text, found 'program'"):
        parse_program(text + text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "1" + ")" * 100_000,
        "min(" * 5_000 + "1",
        " + ".join(["a"] * 5_000),
        "a - (" * 3_000,
        "-" * 3_000,
        "1" * 10_000,
    ],
    ids=["parentheses", "min", "chain", "right", "signs", "digits"],
)
def test_hostile_expressions_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected"):
        parse_expression(text)


def test_deep_bodies_are_refused_and_legal_depth_is_not() -> None:
    head, _, _ = print_program(build_program(LAYER, Stage.GTA)).partition("  for ")
    nested = "".join(f"for tile v{i} = 0 .. 1 {{ " for i in range(MAX_DEPTH - 1))
    assert parse_program(head + nested + "}" * MAX_DEPTH).body
    with pytest.raises(UserError, match="nested bodies"):
        parse_program(head + nested * 100)
    deepest = parse_expression(
        "(" * (MAX_DEPTH - 1) + "1" + " * a + 1)" * (MAX_DEPTH // 2 - 1) + ")" * (MAX_DEPTH // 2)
    )
    assert parse_expression(print_expression(deepest)) == deepest


@pytest.mark.parametrize("stage", STAGES)
def test_damaged_text_gives_a_program_or_an_error(stage: Stage) -> None:
    text = print_program(build_program(LAYER, stage))
    chance = random.Random(5)
    scraps = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "+",
        "-",
        "..",
        '"',
        "\\",
        "#",
        "\x00",
        "é",
        "for",
        "9" * 20,
        "min",
        "\n",
    ]
    for _ in range(300):
        damaged = text
        for _ in range(chance.randint(1, 4)):
            at, size = chance.randrange(len(damaged)), chance.randint(0, 12)
            damaged = damaged[:at] + chance.choice(["", *scraps]) + damaged[at + size :]
        try:
            assert isinstance(parse_program(damaged), Program)
        except UserError as error:
            assert "expected" in str(error)


def test_an_empty_list_of_actions_is_kept() -> None:
    program = _map_program(build_program(LAYER, Stage.GTA), lambda n: Ppu(()) if isinstance(n, Ppu) else n)
    assert parse_program(print_program(program)) == program
