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
from reports.terminal.table import console_for
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
    assert line_of(said, "array.groups") == ["array.groups", "56", "112", "56", "PE", "groups"]
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


def test_totals_have_their_ratio_to_the_reference(real: Comparison) -> None:
    said = printed(real)
    ratio = real.sides[1].measures.cycles.on_chip / real.sides[0].measures.cycles.on_chip
    assert line_of(said, "recorded", "A")[3] == "1.00x"
    assert line_of(said, "recorded", "B")[3] == f"{ratio:#.3g}x"


def test_every_cause_and_component_has_a_line(real: Comparison) -> None:
    said = printed(real)
    for kind in ("busy", "imbalance", "dram", "mac", "leakage", "together", "Forward", "GTW"):
        assert line_of(said, kind)
    assert "Largest differences in cycles with DRAM, B - A" in said


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(real: Comparison, width: int) -> None:
    lines = printed(real, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in "".join(lines) or width < 80


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
