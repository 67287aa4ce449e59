"""Tables of studies: are the numbers right, and is all there, whatever is in the study?"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from reports.study.effects import main_effects
from reports.study.figure import save_study_figures
from reports.study.labels import axis_unit, excluded_text, heading, limit_text, short_names, shown_figure
from reports.study.levels import levels
from reports.study.points import allowed, knee, workloads
from reports.terminal.study_table import print_study
from reports.terminal.table import console_for
from sparsesim.study.objectives import Constraint, Objective
from tests.builders_study import (
    AREA,
    CYCLES,
    ENERGY,
    GRID,
    HOSTILE,
    SMALL,
    SPEEDUP,
    VARIED,
    brute_front,
    failed,
    study,
)


def printed(
    frame: pd.DataFrame,
    objectives: Sequence[Objective] = (CYCLES, ENERGY),
    constraints: Sequence[Constraint] = (),
    varied: Sequence[str] = VARIED,
    width: int = 120,
) -> str:
    text = io.StringIO()
    print_study(frame, varied, objectives, constraints, console_for(text, width))
    return text.getvalue()


def rows_listed(text: str) -> list[int]:
    """The row numbers of the first table."""
    table = text.split("What matters", maxsplit=1)[0].split("\nrow")[1]
    return [int(found) for found in re.findall(r"^ *(\d+)  ", table, re.MULTILINE)]


# Numbers


def test_levels_of_a_few_numbers_are_the_numbers_and_of_many_are_ranges_of_all_points() -> None:
    few = levels(study(), "array.groups")
    assert few.labels == ("14", "28", "56", "112")
    assert not few.ranges
    many = levels(study(grid={"array.groups": range(1, 101)}), "array.groups")
    assert many.ranges
    assert many.labels[0].startswith("1 .. ")
    assert many.labels[-1].endswith(" .. 100")
    counts = np.bincount(many.of_point)
    assert counts.sum() == 100
    assert counts.max() - counts.min() <= 1


def test_an_effect_is_the_ratio_of_geometric_means_at_the_worst_and_the_best_value() -> None:
    frame = study()
    found = {effect.setting: effect for effect in main_effects(frame, VARIED, CYCLES)}
    means = np.exp(np.log(frame["with_dram_cycles"]).groupby(frame["array.groups"]).mean())
    assert found["array.groups"].ratio == pytest.approx(means.max() / means.min())
    assert (found["array.groups"].best, found["array.groups"].worst) == ("112", "14")
    assert found["memory.kind"].ratio == pytest.approx(1)
    assert next(iter(found)) == "array.groups"


def test_an_effect_of_a_maximised_objective_is_best_where_it_is_highest() -> None:
    effect = main_effects(study(), ["array.groups"], SPEEDUP)[0]
    assert (effect.best, effect.worst) == ("112", "14")
    assert effect.ratio > 1


def test_a_workload_that_is_larger_and_lacks_points_does_not_change_effects() -> None:
    one, two = study(), study(("resnet18", "vgg16"))
    two = two[~((two["network"] == "vgg16") & (two["array.groups"] == 112))]
    alike = two[two["array.groups"] != 112], one[one["array.groups"] != 112]
    ratios = [main_effects(frame.reset_index(drop=True), VARIED, CYCLES)[0].ratio for frame in alike]
    assert ratios[0] == pytest.approx(ratios[1])
    assert "network" not in [
        effect.setting for effect in main_effects(two.reset_index(drop=True), ["network", *VARIED], CYCLES)
    ]


def test_a_knee_is_the_point_that_bulges_and_a_straight_or_hollow_front_has_none() -> None:
    bulging = np.array([[1.0, 9.0], [2.0, 2.0], [9.0, 1.0]])
    straight = np.array([[1.0, 9.0], [5.0, 5.0], [9.0, 1.0]])
    hollow = np.array([[1.0, 9.0], [8.0, 8.0], [9.0, 1.0]])
    both = (CYCLES, ENERGY)
    assert [knee(front, both) for front in (bulging, straight, hollow, bulging[:2])] == [1, None, None, None]
    mirrored = bulging * [-1, 1] + [10, 0]
    assert knee(mirrored, (SPEEDUP, ENERGY)) == 1


def test_constraints_exclude_what_is_beyond_the_bound_and_what_has_no_figure() -> None:
    frame = failed(study(), [1], "")
    mask = allowed(frame, [SMALL])
    expected = frame["area_mm2"] <= 1.2
    assert list(mask) == list(expected)
    assert not mask[0]
    assert list(allowed(frame, [replace(SMALL, relation=">=")])) == list(frame["area_mm2"] >= 1.2)
    assert not allowed(frame, [Constraint("on_chip_cycles", ">=", 0)]).any()


def test_workloads_with_the_same_shown_name_stay_apart() -> None:
    frame = study(("a" * 50 + "x" + "b" * 50, "a" * 50 + "y" + "b" * 50))
    found = workloads(frame)
    assert len(found) == 2
    assert [int(mask.sum()) for mask in found.values()] == [len(frame) // 2] * 2


# Words and units


@pytest.mark.parametrize(
    ("figure", "value", "label", "size"),
    [
        ("with_dram_cycles", 3e6, "cycles with DRAM (millions)", 1e6),
        ("pruned.on_chip_energy_pj", 2e9, "pruned energy on chip (mJ)", 1e9),
        ("area_mm2", 2.0, "area (mm\N{SUPERSCRIPT TWO})", 1.0),
        ("with_dram_time_ms", 0.5, "time with DRAM (us)", 1e-3),
        ("on_chip_speedup", 2.5, "speedup on chip", 1.0),
        ("with_dram_energy_delay_pj_ms", 3e6, "energy delay with DRAM (uJ ms)", 1e6),
        ("dram_traffic_bytes", 5e7, "dram traffic (MB)", 1e6),
    ],
)
def test_axes_say_figure_accounting_and_unit(figure: str, value: float, label: str, size: float) -> None:
    unit = axis_unit(figure, np.array([value, np.nan]))
    assert (unit.label, unit.size) == (label, size)


def test_cells_carry_their_unit_or_the_heading_does() -> None:
    assert heading("area_mm2") == "area\nmm2"
    assert heading("with_dram_time_ms") == "time, ms\nwith DRAM"
    shown = [
        shown_figure("area_mm2", 1.6),
        shown_figure("with_dram_energy_pj", 5.5e9),
        shown_figure("with_dram_cycles", 4.58e6),
        shown_figure("pe_utilization", 0.5),
        shown_figure("with_dram_speedup", 2.5),
        shown_figure("dram_traffic_bytes", 5e7),
        shown_figure("area_mm2", float("nan")),
    ]
    assert shown == ["1.60", "5.50 mJ", "4.58M", "50%", "2.50x", "50 MB", "-"]


def test_a_limit_and_what_it_excludes_are_said_with_units() -> None:
    assert limit_text(SMALL) == "area \N{LESS-THAN OR EQUAL TO} 1.2 mm\N{SUPERSCRIPT TWO}"
    assert excluded_text([SMALL]) == "area > 1.2 mm\N{SUPERSCRIPT TWO}"
    assert excluded_text([SMALL, SMALL]) == "breaks a constraint"


def test_settings_are_shown_by_their_field_where_that_says_which() -> None:
    names = short_names(["array.groups", "a.size", "b.size", "energy.dram.read"])
    assert list(names.values()) == ["groups", "a.size", "b.size", "energy.dram.read"]


# The tables


def test_counts_and_the_commonest_errors_come_first() -> None:
    frame = failed(failed(study(), [1, 2, 3], "no room [red] in the buffer"), [4], "out of memory")
    text = printed(frame)
    assert text.startswith(
        "12 points done, 4 points failed.\n3 x no room [red] in the buffer\n1 x out of memory\n"
    )


def test_only_the_five_commonest_errors_are_listed_and_the_others_counted() -> None:
    frame = study()
    for row in range(1, 9):
        frame = failed(frame, [row], f"error {row}")
    assert "3 x one of 3 other errors" in printed(frame)


def test_the_front_of_two_objectives_is_listed_best_first() -> None:
    frame = study()
    listed = rows_listed(printed(frame))
    assert set(listed) == brute_front(frame, [CYCLES, ENERGY])
    cycles = frame.set_index("row")["with_dram_cycles"][listed]
    assert list(cycles) == sorted(cycles)


def test_points_that_break_a_constraint_are_not_listed_and_their_number_is_said() -> None:
    frame = study()
    meeting = frame[frame["area_mm2"] <= 1.2]
    text = printed(frame, constraints=[SMALL])
    assert f"{len(meeting)} points of 16 meet area_mm2 <= 1.2" in text
    assert set(rows_listed(text)) == brute_front(meeting, [CYCLES, ENERGY])


def test_with_one_objective_the_best_points_are_listed() -> None:
    frame = study()
    best = frame.sort_values("with_dram_speedup", ascending=False, kind="stable")["row"].tolist()[:5]
    assert rows_listed(printed(frame, [SPEEDUP])) == best


def test_every_workload_has_a_table_of_its_own_points() -> None:
    frame = study(("alexnet", "vgg16"))
    text = printed(frame, [CYCLES], varied=["network", *VARIED])
    alexnet, vgg16 = text.split("vgg16, cifar10")
    assert "alexnet, cifar10" in alexnet
    assert set(rows_listed(alexnet)) <= set(frame["row"][frame["network"] == "alexnet"])
    assert set(rows_listed(vgg16)) <= set(frame["row"][frame["network"] == "vgg16"])


def test_a_long_front_is_thinned_to_twenty_with_its_ends() -> None:
    frame = study(grid={"array.groups": range(1, 101)})
    text = printed(frame, [CYCLES, AREA], varied=["array.groups"])
    listed = rows_listed(text)
    assert "Pareto front, 100 points" in text
    assert len(listed) <= 20
    assert {1, 100} <= set(listed)
    assert re.search(r"^ *100  best cycles ", text, re.MULTILINE)
    assert re.search(r"^ *1  best area ", text, re.MULTILINE)
    assert text.count(" knee ") == 1


@pytest.mark.parametrize("width", [80, 120, 200])
def test_nothing_is_wider_than_the_terminal_or_cut_off(width: int) -> None:
    frame = failed(study(("alexnet", "vgg16")), [1, 2], "a long sentence about what went wrong " * 9)
    for number in range(12):
        frame[f"policy.some_setting_{number}"] = number
    varied = [name for name in frame if "." in str(name)]
    text = printed(frame, [CYCLES, ENERGY, SPEEDUP], [SMALL], varied, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in short_names(varied).values():
        assert name in text


def test_hostile_names_are_printed_as_they_are_and_command_no_terminal() -> None:
    frame = failed(study((HOSTILE,), {**GRID, "memory.kind": ["ok", HOSTILE]}), [1], HOSTILE)
    text = io.StringIO()
    print_study(frame, VARIED, [CYCLES, ENERGY], [], Console(file=text, width=100))
    assert "\x1b" not in text.getvalue()
    assert "[red]$x^{$ ?[31m?" in text.getvalue()


@pytest.mark.parametrize("frame", [pd.DataFrame(), study()[:0]])
def test_an_empty_study_says_so_and_has_no_figures(frame: pd.DataFrame, tmp_path: Path) -> None:
    assert printed(frame) == "No point is done yet.\n"
    assert save_study_figures(frame, VARIED, [CYCLES], [], tmp_path) == []


def test_a_study_of_failures_lists_them_and_has_no_figures(tmp_path: Path) -> None:
    frame = failed(study(), range(1, 17), "broken")
    assert printed(frame) == "0 points done, 16 points failed.\n16 x broken\n"
    assert save_study_figures(frame, VARIED, [CYCLES], [], tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_constraints_that_nothing_meets_are_said_to_be_so() -> None:
    text = printed(study(), constraints=[Constraint("area_mm2", "<=", 0.1)])
    assert "0 points of 16 meet area_mm2 <= 0.1" in text
    assert "no point meets the constraints" in text
