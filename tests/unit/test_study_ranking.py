"""The best point: is it the same one wherever it is named, and one that no other beats?"""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest

from reports.figures.style import house_style
from reports.study.data import effects_data
from reports.study.marked import marked_points
from reports.study.overview import study_overview
from reports.study.ranking import best_first, best_of
from reports.terminal.study_table import print_study
from reports.terminal.table import console_for
from tests.builders_study import CYCLES, ENERGY, SMALL, SPEEDUP, VARIED, brute_front, study
from tests.unit.test_study_drawings import with_gains
from tests.unit.test_study_page import page, rows_of, tables


def tied(networks: Any = ("resnet18",), **grid: Any) -> Any:
    """All points take the same cycles; row 6 needs the least energy of all, and row 11 as little."""
    frame = study(networks, grid) if grid else study(networks)
    frame[CYCLES.figure] = 666.0
    frame[SPEEDUP.figure] = 2.0
    frame.loc[frame["row"].isin([6, 11]), ENERGY.figure] = 1e8
    return frame


def test_equal_points_are_ordered_by_the_other_objectives_and_then_by_row() -> None:
    frame = tied()
    order = frame["row"].to_numpy()[best_first(frame, CYCLES, [CYCLES, ENERGY])].tolist()
    assert order == frame.sort_values([ENERGY.figure, "row"])["row"].tolist()
    assert best_first(frame, SPEEDUP, [SPEEDUP, CYCLES, ENERGY]).tolist() == [row - 1 for row in order]
    by_area = frame.sort_values(["area_mm2", "row"])["row"].tolist()
    assert frame["row"].to_numpy()[best_first(frame, CYCLES, [CYCLES])].tolist() == by_area


def test_more_is_better_where_a_figure_is_maximised() -> None:
    frame = study()
    order = frame["row"].to_numpy()[best_first(frame, SPEEDUP, [SPEEDUP, ENERGY])].tolist()
    expected = frame.sort_values([SPEEDUP.figure, ENERGY.figure, "row"], ascending=[False, True, True])
    assert order == expected["row"].tolist()


def test_a_point_without_the_figure_is_last_and_never_the_best() -> None:
    frame = tied()
    frame.loc[frame["row"] == 6, CYCLES.figure] = np.nan
    assert frame["row"].iloc[best_first(frame, CYCLES, [CYCLES, ENERGY])[-1]] == 6
    assert best_of(frame, (frame["row"] == 6).to_numpy(), CYCLES, [CYCLES, ENERGY]) is None
    assert best_of(frame, (frame["row"] > 0).to_numpy(), CYCLES, [CYCLES, ENERGY]) == 10


@pytest.mark.parametrize("goal", [CYCLES, SPEEDUP], ids=["minimize", "maximize"])
def test_card_table_figure_and_terminal_name_the_same_point_and_nothing_beats_it(goal: Any) -> None:
    frame = tied()
    objectives = [goal, ENERGY]
    made = page(frame, objectives)
    assert made.cards[1].small.startswith("row 6: ")
    assert rows_of(tables(made)["table-best"])[0] == 6
    assert tables(made)["table-best"].rows[0].cells[1].text.startswith("best ")
    (pareto,) = (one for section in made.sections for one in section.drawings if one.stem == "pareto")
    assert re.findall(r"\(row (\d+)\)", pareto.alt) == ["6", "6"]
    text = io.StringIO()
    print_study(frame, VARIED, objectives, [], console_for(text, 120))
    assert re.search(r"^ +6  best .*, best energy", text.getvalue(), re.MULTILINE)
    assert brute_front(frame, objectives) == {6, 11}


def test_the_best_of_every_value_is_one_that_no_other_of_that_value_beats() -> None:
    frame = tied()
    data = effects_data(frame, ["array.groups"], [CYCLES, ENERGY], [])
    for value, row in zip(data["value"], data["best_row"], strict=True):
        mine = frame[frame["array.groups"] == int(value)]
        assert row == mine.sort_values([ENERGY.figure, "row"])["row"].iloc[0]


def test_the_points_that_can_be_chosen_hold_the_best_ones() -> None:
    frame = tied(**{"array.groups": range(1, 201), "array.pes_per_group": [1, 2, 3]})
    marked = marked_points(frame, VARIED[:2], [CYCLES, ENERGY], [SMALL])
    assert {6, 11} <= set(frame["row"].iloc[marked])


def test_the_overview_breaks_ties_of_designs_too() -> None:
    frame = with_gains(tied(("alexnet", "vgg16")))
    frame.loc[(frame["array.groups"] == 56) & (frame["array.pes_per_group"] == 1), ENERGY.figure] = 1e7
    with house_style():
        drawing = study_overview(frame, VARIED, [CYCLES, ENERGY], [])
    assert drawing is not None
    assert "groups 56, pes_per_group 1, kind lpddr4" in drawing.lead


def test_where_nothing_differs_no_value_is_called_the_best() -> None:
    made = page(tied(), [CYCLES])
    lines = [[cell.text for cell in row.cells] for row in tables(made)["table-effects"].rows][:3]
    assert [line[2:] for line in lines] == [["1.00x", "-", "-"]] * 3
    (drawing,) = (one for section in made.sections for one in section.drawings if one.stem == "sensitivity")
    first = drawing.figure.axes[0]
    assert [text.get_text() for text in first.texts if text.get_text()] == ["1.00x"] * 3
    assert drawing.alt.startswith("cycles with DRAM: groups 1.00x; pes_per_group 1.00x; kind 1.00x.")
