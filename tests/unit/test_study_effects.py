"""Effects of settings: are they those of the settings alone, whatever designs were tried?"""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.figures.style import house_style
from reports.page.study_table import Asked, effects_table
from reports.study.effects import Effect, are_all_combinations, main_effects
from reports.study.figure import study_drawings
from reports.terminal.study_table import print_study
from reports.terminal.table import console_for
from sparsesim.study.objectives import Objective
from tests.builders_study import CYCLES, ENERGY, SPEEDUP, VARIED, failed, study
from tests.unit.test_study_page import page, tables

NAMES = ["array.groups", "buffer.kilobytes", "buffer.banks"]
VALUES = {"array.groups": [7, 14, 28, 56], "buffer.kilobytes": [64, 128, 256], "buffer.banks": [2, 4, 8]}


def frame_of(settings: Sequence[Sequence[Any]], cycles: Sequence[float], network: Any = "alexnet") -> Any:
    table = pd.DataFrame(list(settings), columns=NAMES[: len(settings[0])])
    table["row"] = range(1, len(table) + 1)
    return table.assign(
        status="done",
        network=network,
        dataset="cifar10",
        error="",
        with_dram_cycles=list(cycles),
        area_mm2=1.0,
    )


def additive(settings: Sequence[Sequence[float]]) -> list[float]:
    """More groups are faster, more kilobytes slower by 1 % a step, banks do nothing."""
    return [1e6 / groups * 1.01 ** np.log2(kilobytes / 64) for groups, kilobytes, *_ in settings]


def grid() -> list[tuple[int, ...]]:
    return list(itertools.product(*VALUES.values()))


def by_name(
    frame: pd.DataFrame, names: Sequence[str] = NAMES, objective: Objective = CYCLES
) -> dict[str, Effect]:
    return {effect.setting: effect for effect in main_effects(frame, names, objective)}


# All combinations


@pytest.mark.parametrize("objective", [CYCLES, Objective(CYCLES.figure, "maximize")])
def test_on_all_combinations_effects_are_ratios_of_geometric_means(objective: Objective) -> None:
    random = np.random.default_rng(1)
    halves = [frame_of(grid(), random.lognormal(size, 1, 36), name) for size, name in ((9, "a"), (3, "b"))]
    frame = pd.concat(halves, ignore_index=True).assign(row=range(1, 73))
    assert are_all_combinations(frame, NAMES, [CYCLES])
    logarithms = np.log(frame["with_dram_cycles"])
    logarithms -= logarithms.groupby(frame["network"]).transform("mean")
    for name, effect in by_name(frame, objective=objective).items():
        means = np.exp(logarithms.groupby(frame[name]).mean())
        best, worst = means.idxmin(), means.idxmax()
        if objective.goal == "maximize":
            best, worst = worst, best
        assert effect.ratio == pytest.approx(means.max() / means.min())
        assert (effect.best, effect.worst) == (str(best), str(worst))
        assert (effect.at_best, effect.at_worst) == pytest.approx((means[best], means[worst]))


def test_on_all_combinations_of_many_numbers_effects_are_those_of_means_over_ranges() -> None:
    random = np.random.default_rng(2)
    settings = list(itertools.product(range(1, 41), [64, 128, 256]))
    frame = frame_of(settings, random.lognormal(9, 1, len(settings)))
    effects = by_name(frame, NAMES[:2])
    logarithms = np.log(frame["with_dram_cycles"])
    for name, ranges in (("array.groups", (frame["array.groups"] - 1) // 5), ("buffer.kilobytes", None)):
        means = logarithms.groupby(frame[name] if ranges is None else ranges).mean()
        assert effects[name].ratio == pytest.approx(np.exp(means.max() - means.min()))


@pytest.mark.parametrize(
    ("change", "complete"),
    [
        (lambda frame: frame, True),
        (lambda frame: frame[frame["row"] != 5], False),
        (lambda frame: frame[frame["array.groups"] != 14], True),
        (lambda frame: pd.concat([frame, frame[:1]]), False),
        (
            lambda frame: frame.assign(with_dram_cycles=frame["with_dram_cycles"].where(frame["row"] != 2)),
            False,
        ),
        (lambda frame: frame.assign(network=["b" if row == 9 else "a" for row in frame["row"]]), False),
    ],
    ids=["grid", "hole", "smaller grid", "one twice", "one without a figure", "one elsewhere"],
)
def test_all_combinations_are_told_from_others(change: Any, complete: bool) -> None:
    frame = change(frame_of(grid(), additive(grid()))).reset_index(drop=True)
    assert are_all_combinations(frame, NAMES, [CYCLES]) is complete


# Designs that somebody chose


def chosen_badly() -> list[tuple[int, ...]]:
    """Much buffer mostly beside many groups, as where a search looks for the fastest."""
    return [one for one in grid() if (one[0] >= 28) == (one[1] >= 128) or one == (28, 64, 8)]


def test_the_effect_of_a_setting_is_not_that_of_what_was_chosen_beside_it() -> None:
    frame = frame_of(chosen_badly(), additive(chosen_badly()))
    raw = np.log(frame["with_dram_cycles"]).groupby(frame["buffer.kilobytes"]).mean()
    assert raw.idxmax() == 64
    assert np.exp(raw.max() - raw.min()) > 2
    effects = by_name(frame)
    kilobytes, banks = effects["buffer.kilobytes"], effects["buffer.banks"]
    assert (kilobytes.best, kilobytes.worst) == ("64", "256")
    assert kilobytes.ratio == pytest.approx(1.01**2)
    assert effects["array.groups"].ratio == pytest.approx(8)
    assert (banks.ratio, banks.best, banks.worst) == (pytest.approx(1), "-", "-")


def test_a_search_within_wide_ranges_does_not_give_its_choice_to_other_settings() -> None:
    random = np.random.default_rng(3)
    groups = np.arange(7, 407)
    kilobytes = np.where(groups + 60 * random.standard_normal(400) > 200, 256, 64)
    settings = np.column_stack([groups, kilobytes]).tolist()
    frame = frame_of(settings, [1e6 / one[0] for one in settings])
    raw = np.log(frame["with_dram_cycles"]).groupby(frame["buffer.kilobytes"]).mean()
    assert np.exp(raw.max() - raw.min()) > 2
    assert by_name(frame, NAMES[:2])["buffer.kilobytes"].ratio == pytest.approx(1)


def test_effects_of_a_few_points_of_a_grid_are_near_those_of_all() -> None:
    random = np.random.default_rng(4)
    cycles = np.array(additive(grid())) * random.lognormal(0, 0.02, 36)
    some = np.sort(random.choice(36, 18, replace=False))
    every = by_name(frame_of(grid(), cycles))
    few = by_name(frame_of([grid()[place] for place in some], cycles[some]))
    for name, effect in every.items():
        assert few[name].ratio == pytest.approx(effect.ratio, rel=0.06)


def test_the_order_of_the_points_does_not_matter() -> None:
    frame = frame_of(chosen_badly(), additive(chosen_badly()))
    effects = main_effects(frame, NAMES, CYCLES)
    for seed in range(5):
        assert main_effects(frame.sample(frac=1, random_state=seed), NAMES, CYCLES) == effects


def test_one_setting_at_a_time_gives_the_effect_of_each_exactly() -> None:
    settings = [(14, 64, 2), (28, 64, 2), (14, 256, 2), (14, 64, 8)]
    ratios = {name: effect.ratio for name, effect in by_name(frame_of(settings, [8, 4, 6, 10])).items()}
    assert ratios == pytest.approx({NAMES[0]: 2, NAMES[1]: 4 / 3, NAMES[2]: 1.25})
    groups = by_name(frame_of(settings, [8, 4, 6, 10]))["array.groups"]
    # Over the mean of four points, three of which have 14 groups.
    assert (groups.at_best, groups.at_worst) == pytest.approx((2**-0.75, 2**0.25))


def test_a_larger_workload_tried_with_other_designs_changes_no_effect() -> None:
    few = [one for one in grid() if one[0] <= 14 or one[1] == 64]
    halves = [frame_of(grid(), additive(grid())), frame_of(few, np.array(additive(few)) * 100, "vgg16")]
    frame = pd.concat(halves, ignore_index=True)
    raw = np.log(frame["with_dram_cycles"]).groupby(frame["array.groups"]).mean()
    assert np.exp(raw.max() - raw.min()) > 9
    assert by_name(frame)["array.groups"].ratio == pytest.approx(8)


# What points cannot tell


def together() -> pd.DataFrame:
    """Groups and kilobytes grow together, banks alone."""
    settings = [(*both, banks) for both in ((14, 64), (28, 128), (56, 256)) for banks in (2, 4)]
    return frame_of(settings, [6, 7, 4, 5, 2, 3])


def test_settings_that_only_change_together_have_no_effects_of_their_own() -> None:
    effects = by_name(together())
    assert [effects[name].is_known for name in NAMES] == [False, False, True]
    assert next(iter(effects)) == "buffer.banks"
    assert (effects["array.groups"].best, effects["array.groups"].worst) == ("-", "-")


def test_what_cannot_be_told_is_a_dash_in_every_table_and_figure() -> None:
    made = page(together(), [CYCLES], varied=NAMES)
    lines = [[cell.text for cell in row.cells] for row in tables(made)["table-effects"].rows][:3]
    assert lines == [
        ["cycles with DRAM", "banks", lines[0][2], "2", "4"],
        ["cycles with DRAM", "groups", "-", "-", "-"],
        ["cycles with DRAM", "kilobytes", "-", "-", "-"],
    ]
    (drawing,) = (one for section in made.sections for one in section.drawings if one.stem == "sensitivity")
    assert "groups cannot be told" in drawing.alt
    assert drawing.data["effect"][1:3] == [None, None]
    assert [text.get_text() for text in drawing.figure.axes[0].texts][3:] == ["", "", "-"] * 2


def test_where_nothing_can_be_told_the_table_says_so_without_a_figure() -> None:
    frame = frame_of([(14, 64), (28, 128), (56, 256)], [3, 2, 1])
    made = page(frame, [CYCLES], varied=NAMES[:2])
    assert [one.stem for section in made.sections for one in section.drawings] == ["pareto", "effects"]
    assert {row.cells[2].text for row in tables(made)["table-effects"].rows} == {"-"}
    assert re.search(r"groups +- +- +-\nkilobytes +- +- +-\n", printed(frame, NAMES[:2]))


def test_two_islands_of_designs_have_no_effects_across_them() -> None:
    islands = [*itertools.product((14, 28), (64, 128)), *itertools.product((56, 112), (256, 512))]
    frame = frame_of(islands, additive(islands))
    assert not any(effect.is_known for effect in main_effects(frame, NAMES[:2], CYCLES))
    more = [*islands, (14, 32)]
    assert by_name(frame_of(more, additive(more)), NAMES[:2])["array.groups"].apart == ("56", "112")


def test_a_value_that_nothing_compares_with_the_others_is_left_out_and_named() -> None:
    settings = [*chosen_badly(), (112, 512, 2)]
    effects = by_name(frame_of(settings, additive(settings)))
    assert effects["array.groups"].ratio == pytest.approx(8)
    assert (effects["array.groups"].apart, effects["buffer.kilobytes"].apart) == (("112",), ("512",))
    text = printed(frame_of(settings, additive(settings)), NAMES)
    assert "Left out, because nothing compares them with the other values: groups 112, kilobytes 512." in text


def test_points_that_lack_a_setting_are_no_value_of_it() -> None:
    frame = frame_of(grid(), additive(grid()))
    frame.loc[:5, "buffer.kilobytes"] = np.nan
    effect = by_name(frame)["buffer.kilobytes"]
    assert effect.ratio == pytest.approx(1.01**2)
    assert effect.apart == ()


def test_a_setting_with_a_text_per_point_is_not_told_and_costs_nothing() -> None:
    frame = study(grid={"array.groups": range(1, 1001), "array.pes_per_group": [1, 2, 3]})
    frame["machine"] = [f"machine {row}" for row in frame["row"]]
    began = time.perf_counter()
    effects = by_name(frame, ["machine", "array.groups", "array.pes_per_group"])
    assert time.perf_counter() - began < 3
    assert not effects["machine"].is_known
    assert effects["array.pes_per_group"].is_known


# What is said of them


def printed(frame: pd.DataFrame, varied: Sequence[str]) -> str:
    text = io.StringIO()
    print_study(frame, varied, [CYCLES, ENERGY], [], console_for(text, 2000))
    return text.getvalue()


def said(frame: pd.DataFrame) -> tuple[str, str, str, str]:
    """What terminal, page and the two figures of settings say effects are."""
    asked = Asked(frame, frame, VARIED, [CYCLES, ENERGY], [], [])
    table = effects_table(asked)
    assert table is not None
    with house_style():
        leads = {one.stem: one.lead for one in study_drawings(frame, VARIED, [CYCLES, ENERGY], [])}
    return (
        printed(frame, VARIED).split("What matters")[1],
        f"{table.caption} {[column.heading for column in table.columns]} {table.note}",
        leads["sensitivity"],
        leads["effects"],
    )


def test_it_is_said_everywhere_which_kind_of_designs_effects_rest_on() -> None:
    *tables_and_bars, dots = said(study())
    assert all("they are all combinations of the values" in one for one in tables_and_bars)
    assert not any("estimate" in one for one in (*tables_and_bars, dots))
    *tables_and_bars, dots = said(failed(study(), [3], "x").query("status == 'done'").reset_index(drop=True))
    for one in tables_and_bars:
        assert "estimate" in one
        assert "with the other settings held fixed, as far as these points allow" in one
        assert "they are not all combinations of the values" in one
    assert "may be the work of other settings" in dots


def test_terminal_page_and_figure_have_the_settings_in_one_order() -> None:
    frame = failed(study(), [2, 7, 9], "x").query("status == 'done'").reset_index(drop=True)
    order = [name.rpartition(".")[2] for name in by_name(frame, VARIED, SPEEDUP)]
    text = io.StringIO()
    print_study(frame, VARIED, [SPEEDUP], [], console_for(text, 120))
    listed = [line.split()[0] for line in text.getvalue().split("worst at\n")[1].splitlines()[:3]]
    made = page(frame, [SPEEDUP])
    on_page = [row.cells[1].text for row in tables(made)["table-effects"].rows[:3]]
    (drawing,) = (one for section in made.sections for one in section.drawings if one.stem == "sensitivity")
    drawn = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert order == listed == on_page == drawn
