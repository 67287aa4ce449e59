"""A comparison in the terminal: does it say what differs and where from, in any width?"""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from reports.comparison.compare import Comparison
from reports.comparison.numbers import change, factor, signed
from reports.terminal.comparison import print_comparison
from reports.terminal.differing import shortened
from reports.terminal.table import console_for
from sparsesim.machine import load_machine
from tests.builders_comparisons import compared, simulated, slowed
from tests.builders_pages import hostile_result
from tests.builders_results import made_result, step_records


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("real")
    return compared(folder, simulated(folder))


def printed(comparison: Comparison, width: int = 80) -> str:
    stream = io.StringIO()
    print_comparison(comparison, console_for(stream, width))
    return stream.getvalue()


def line_of(text: str, *begin: str) -> list[str]:
    """The cells of the first line that begins with these."""
    return next(line.split() for line in text.splitlines() if line.split()[: len(begin)] == [*begin])


def test_it_says_what_differs_and_by_how_much(real: Comparison) -> None:
    said = printed(real)
    assert line_of(said, "array.groups") == ["array.groups", "PE", "groups", "56", "112", "56"]
    assert line_of(said, "memory.kind") == ["memory.kind", "lpddr4", "lpddr4", "hbm2"]
    assert "The same inputs." in said
    cycles = [side.measures.cycles.on_chip for side in real.sides]
    percent = re.search(r"B over A: cycles on chip (\S+)%", said)
    assert percent is not None
    assert float(percent[1]) == pytest.approx(100 * (cycles[1] / cycles[0] - 1), rel=0.05)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (3.0, 3.0, "0%"),
        (1000.0, 1100.0, "+10.0%"),
        (1000.0, 999.9, "-0.010%"),
        (1.0, 1 + 1e-12, "0%"),
        (2.0, 5.0, "2.50x"),
        (1.0, 2000.0, "2.00e+03x"),
        (5.0, 0.0, "-100.0%"),
        (0.0, 5.0, "-"),
        (0.0, 0.0, "-"),
    ],
)
def test_changes_have_a_sign_and_two_digits_at_least(before: float, after: float, said: str) -> None:
    assert change(before, after) == said


def test_factors_have_three_digits_and_differences_a_sign() -> None:
    assert [factor(value) for value in (0.04671, 1.0, 123.4, math.nan)] == ["0.0467x", "1.00x", "123x", "-"]
    assert [signed(v, "cycles") for v in (12345.0, -12345.0, 0.0)] == ["+12.3k", "-12.3k", "0"]
    assert signed(-4.56e6, "energy_pj") == "-4.56 uJ"


def test_every_cause_and_component_has_a_line(real: Comparison) -> None:
    said = printed(real)
    for kind in ("busy", "imbalance", "dram", "mac", "leakage", "together", "Forward", "GTW"):
        assert line_of(said, kind)
    assert "Largest differences in cycles with DRAM, B - A" in said


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(real: Comparison, width: int) -> None:
    lines = printed(real, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in "".join(lines)
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [60, 80])
def test_many_sides_are_put_below_each_other(width: int, tmp_path: Path) -> None:
    """Every value of every side is there, under its letter, whole."""
    kilobytes = [64 + 8 * at for at in range(9)]
    machines = [load_machine("sparsetrain", [f"kilobytes={size}"]) for size in kilobytes]
    names = [f"machine-of-a-long-name-{size}" for size in kilobytes]
    runs = {
        str(at): made_result(machine=machine.model_copy(update={"name": name}))
        for at, (machine, name) in enumerate(zip(machines, names, strict=True))
    }
    lines = printed(compared(tmp_path, runs), width).splitlines()
    assert max(map(len, lines)) <= width and "…" not in "".join(lines)
    headings = [line.split()[2:] for line in lines if line.split()[:2] == ["setting", "unit"]]
    assert [letter for heading in headings for letter in heading] == list("ABCDEFGHI")
    sizes = [line.split()[2:] for line in lines if line.startswith("buffer.kilobytes")]
    assert [size for row in sizes for size in row] == list(map(str, kilobytes))
    totals = [line.split()[:2] for line in lines if line.startswith(("pruned", "natural", "dense"))]
    assert {tuple(row) for row in totals} == {
        (run, letter) for run in ("dense", "natural", "pruned") for letter in "ABCDEFGHI"
    }


@pytest.mark.parametrize("begin", ["", "long " * 30])
def test_what_differs_is_seen_wherever_in_a_long_text_it_is(begin: str, tmp_path: Path) -> None:
    one = made_result()
    sources = [f"{begin}{middle}{' more' * 30}" for middle in ("first", "second")]
    runs = {
        str(at): replace(one, profile=replace(one.profile, source=source))
        for at, source in enumerate(sources)
    }
    said = printed(compared(tmp_path, runs))
    assert "first" in said and "second" in said


def test_shortened_values_are_alike_only_where_the_values_are() -> None:
    far = "x" * 100
    values = ["a" + far + "1", "b" + far + "1", "b" + far + "2", "b" + far + "2"]
    found = shortened(values)
    assert [found.index(text) for text in found] == [0, 1, 2, 2]
    assert shortened(["short", "shorter"]) == ["short", "shorter"]
    assert shortened([far + "1", far + "2"]) == ["...xxxxxxxx1", "...xxxxxxxx2"]
    assert shortened(["", far]) == ["", "x" * 40 + "..."]


def test_runs_stand_apart_in_the_totals(real: Comparison) -> None:
    lines = printed(real).splitlines()
    for at, line in enumerate(lines):
        if line.split()[:2] == ["recorded", "A"]:
            assert lines[at - 1] == "" and lines[at + 1].split()[:2] == ["recorded", "B"]


@pytest.mark.parametrize("width", [80, 120])
def test_numbers_are_never_cut_whatever_the_names(width: int, tmp_path: Path) -> None:
    one = hostile_result()
    other = slowed(one, {one.layer_names()[-2]: 3.0})
    said = printed(compared(tmp_path, {"a": one, "b\x1b[31m" + "x" * 80: replace(other, seed=3)}), width)
    assert "…" not in said and "\x1b" not in said
    assert max(map(cell_len, said.splitlines())) <= width


def test_what_is_left_is_counted(tmp_path: Path) -> None:
    one = made_result(step_records(layers=40))
    said = printed(compared(tmp_path, {"a": one, "b": slowed(one, {f"conv{n}": 1.1 for n in range(40)})}))
    assert any(line.split()[1:2] == ["more"] for line in said.splitlines())


def test_equal_runs_have_no_largest_differences(tmp_path: Path) -> None:
    said = printed(compared(tmp_path, {"a": made_result(), "b": made_result()}))
    assert "the same cycles and the same energy" in said and "Largest" not in said
