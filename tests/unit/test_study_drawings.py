"""Drawings of studies: are their words, data and targets those of the study, and of the same points?"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

from reports.figures.drawing import Drawing, Points
from reports.figures.files import csv_text, picture, settle
from reports.figures.style import house_style
from reports.study.data import effects_data, pareto_data
from reports.study.effects import main_effects
from reports.study.figure import save_study_figures, study_drawings
from reports.study.marked import MOST_MARKED, marked_points
from reports.study.overview import study_overview
from reports.study.sensitivity import sensitivity
from sparsesim.study.objectives import Constraint, Objective
from tests.builders_study import (
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

MANY: dict[str, Any] = {"array.groups": range(1, 201), "array.pes_per_group": [1, 2, 3]}


def drawings(frame: pd.DataFrame, *objectives: Objective, constraints: Any = ()) -> dict[str, Drawing]:
    with house_style():
        found = study_drawings(frame, VARIED, objectives or (CYCLES, ENERGY), constraints)
    return {drawing.stem: drawing for drawing in found}


def with_gains(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with ratios of the natural and the pruned run in both accountings."""
    frame = frame.copy()
    for factor, run in enumerate(("natural", "pruned"), start=1):
        for share, accounting in ((1.0, "on_chip"), (0.5, "with_dram")):
            frame[f"{run}.{accounting}_speedup"] = factor * share * 1e9 / frame[CYCLES.figure]
            frame[f"{run}.{accounting}_energy_efficiency"] = factor * share * 1e10 / frame[ENERGY.figure]
    return frame


def bars(axes: Any) -> list[tuple[float, float]]:
    """Left end and width of every bar, from the top."""
    boxes = [
        path.get_extents()
        for collection in axes.collections
        if isinstance(collection, PolyCollection)
        for path in collection.get_paths()
    ]
    return [(box.x0, box.width) for box in sorted(boxes, key=lambda box: (box.y0 + box.y1) / 2)]


# Which drawings there are


def test_a_study_of_one_workload_has_fronts_effects_and_no_overview() -> None:
    assert list(drawings(study())) == ["pareto", "sensitivity", "effects"]
    assert list(drawings(with_gains(study(("alexnet", "vgg16"))))) == [
        "overview",
        "pareto",
        "sensitivity",
        "effects",
    ]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        study()[:0],
        failed(study(), range(1, 17), "x"),
        study().assign(with_dram_cycles=np.nan),
    ],
    ids=["nothing", "no rows", "failures", "nan"],
)
def test_without_a_figure_to_draw_there_are_no_drawings(frame: pd.DataFrame) -> None:
    assert drawings(frame) == {}


def test_one_point_is_drawn_without_effects() -> None:
    found = drawings(study()[:1])
    assert list(found) == ["pareto"]
    assert "1 point, 1 on the Pareto front" in found["pareto"].alt


# Data


def test_the_data_of_the_points_are_the_frames_and_what_is_missing_is_empty() -> None:
    frame = study()
    frame.loc[2, ENERGY.figure] = np.nan
    data = pareto_data(frame, VARIED, [CYCLES, ENERGY], [SMALL])
    assert data["row"] == frame["row"].tolist()
    assert data["array.groups"] == frame["array.groups"].tolist()
    assert data[CYCLES.figure] == frame[CYCLES.figure].tolist()
    assert data[ENERGY.figure][2] is None
    assert data["meets_constraints"] == (frame["area_mm2"] <= 1.2).tolist()
    text = csv_text(drawings(frame, constraints=[SMALL])["pareto"])
    read = list(csv.DictReader(io.StringIO(text)))
    assert [float(line[CYCLES.figure]) for line in read] == frame[CYCLES.figure].tolist()
    assert read[2][ENERGY.figure] == ""


def test_the_best_of_a_value_that_no_point_is_allowed_at_is_empty() -> None:
    data = effects_data(study(), VARIED, [CYCLES], [Constraint("area_mm2", "<=", 0.1)])
    assert set(data["best_row"]) == {None}
    assert set(data[f"best_{CYCLES.figure}"]) == {None}


def test_alternative_texts_say_what_is_best() -> None:
    frame = study()
    best = frame.loc[frame[CYCLES.figure].idxmin()]
    assert f"(row {best['row']})" in drawings(frame)["pareto"].alt
    assert "groups" in drawings(frame)["effects"].alt
    assert "groups" in drawings(frame)["sensitivity"].alt


# Sensitivity


def test_bars_of_a_setting_span_the_means_at_its_best_and_worst_value() -> None:
    frame = study()
    with house_style():
        drawing = sensitivity(frame, VARIED, [CYCLES, ENERGY])
    assert drawing is not None
    names = [effect.setting for effect in main_effects(frame, VARIED, CYCLES) if effect.ratio > 1 + 1e-9]
    logarithms = np.log(frame[CYCLES.figure]) - np.log(frame[CYCLES.figure]).mean()
    drawn = bars(drawing.figure.axes[0])[: len(names)]
    for name, (left, width) in zip(names, drawn, strict=True):
        means = np.exp(logarithms.groupby(frame[name]).mean())
        assert (left, left + width) == pytest.approx((means.min(), means.max()))
    assert drawing.data["effect"][: len(names)] == [
        effect.ratio for effect in main_effects(frame, VARIED, CYCLES)[: len(names)]
    ]


def test_both_ends_of_a_bar_are_named_and_the_ratio_stands_beside_it() -> None:
    with house_style():
        drawing = sensitivity(study(), ["array.groups"], [SPEEDUP])
    assert drawing is not None
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    effect = main_effects(study(), ["array.groups"], SPEEDUP)[0]
    assert texts == ["14", "112", f"{effect.ratio:.2f}x"]
    assert drawing.figure.axes[0].get_xlabel().endswith("(more is better)")


def test_many_settings_are_cut_and_values_of_any_length_fit() -> None:
    frame = study()
    for number in range(40):
        frame[f"policy.some_{number}"] = [HOSTILE + str(row % 2) for row in range(len(frame))]
    varied = [name for name in frame if str(name).startswith("policy.")]
    with house_style():
        drawing = sensitivity(frame, [*VARIED, *varied], [CYCLES])
        assert drawing is not None
        settle(drawing.figure)
        picture(drawing.figure, "svg")
    assert len(drawing.figure.axes[0].get_yticks()) == 24
    assert len(drawing.data["setting"]) == 2 * 43  # of both figures, all of them


# Overview


def test_the_overview_shows_the_design_that_is_best_over_all_workloads() -> None:
    frame = with_gains(study(("alexnet", "vgg16")))
    # The fastest design lacks a workload.
    frame = frame[~((frame["array.groups"] == 112) & (frame["network"] == "vgg16"))].reset_index(drop=True)
    with house_style():
        drawing = study_overview(frame, VARIED, [CYCLES], [])
    assert drawing is not None
    assert "groups 56, pes_per_group 3" in drawing.lead
    chosen = frame[(frame["array.groups"] == 56) & (frame["array.pes_per_group"] == 3)]
    chosen = chosen[chosen["memory.kind"] == "lpddr4"]
    speedups = np.column_stack([chosen[f"{run}.on_chip_speedup"] for run in ("natural", "pruned")])
    half = speedups / 2
    expected = [*speedups[0], *half[0], *speedups[1], *half[1], *speedups.mean(axis=0), *half.mean(axis=0)]
    assert [width for _, width in bars(drawing.figure.axes[0])] == pytest.approx(expected)
    assert drawing.data["speedup"][:-1] == pytest.approx(expected)
    assert drawing.data["label"][-1] == "published average"


def test_without_a_design_done_on_all_workloads_the_best_of_each_stand_without_averages() -> None:
    frame = with_gains(study(("alexnet", "vgg16")))
    frame = frame[(frame["array.groups"] >= 56) == (frame["network"] == "vgg16")].reset_index(drop=True)
    with house_style():
        drawing = study_overview(frame, VARIED, [CYCLES], [])
    assert drawing is not None
    assert "different designs" in drawing.lead
    assert "average" not in drawing.data["label"]


def test_points_without_ratios_have_no_overview() -> None:
    with house_style():
        assert study_overview(study(("alexnet", "vgg16")), VARIED, [CYCLES], []) is None


# Targets


def test_all_points_of_a_small_study_can_be_chosen_where_they_are_drawn() -> None:
    frame = study(("alexnet", "vgg16"))
    found = drawings(frame)
    marked = marked_points(frame, VARIED, [CYCLES, ENERGY], [])
    assert marked == list(range(len(frame)))
    for target in (one for one in found["pareto"].targets if isinstance(one, Points)):
        for layer, x, y in zip(target.layers, target.x, target.y, strict=True):
            point = frame.iloc[marked[layer]]
            assert (x, y) == (point[CYCLES.figure], point[ENERGY.figure])
    places = [sorted(one.layers) for one in found["pareto"].targets if isinstance(one, Points)]
    assert places == [list(range(16)), list(range(16, 32))]


def test_points_of_the_front_lie_on_top() -> None:
    frame = study()
    (target,) = drawings(frame)["pareto"].targets
    front = brute_front(frame, [CYCLES, ENERGY])
    assert isinstance(target, Points)
    assert {frame["row"][layer] for layer in target.layers[-len(front) :]} == front


def test_of_a_large_study_the_front_and_the_best_can_be_chosen() -> None:
    frame = study(("alexnet", "vgg16"), MANY)
    marked = marked_points(frame, list(MANY), [CYCLES, ENERGY], [SMALL])
    assert len(marked) <= MOST_MARKED
    rows = set(frame["row"].iloc[marked])
    for network in ("alexnet", "vgg16"):
        mine = frame[(frame["network"] == network) & (frame["area_mm2"] <= 1.2)]
        for figure in (CYCLES.figure, ENERGY.figure):
            assert mine.loc[mine[figure].idxmin(), "row"] in rows
        best = mine.loc[mine.groupby("array.pes_per_group")[CYCLES.figure].idxmin(), "row"]
        assert set(best) <= rows


# Files


def test_a_crowd_is_a_picture_and_its_front_is_not(tmp_path: Path) -> None:
    frame = study(grid={"array.groups": range(1, 1001), "array.pes_per_group": [1, 2, 3, 4, 5]})
    save_study_figures(frame, ["array.groups"], [CYCLES, ENERGY], [SMALL], tmp_path, ("svg",))
    assert (tmp_path / "pareto.svg").stat().st_size < 1_000_000
    assert (tmp_path / "effects.svg").stat().st_size < 400_000
    assert "<image" in (tmp_path / "pareto.svg").read_text()


def test_equal_studies_give_equal_pictures() -> None:
    def made() -> list[bytes]:
        found = drawings(with_gains(study(("alexnet", "vgg16"))), constraints=[SMALL]).values()
        with house_style():
            for drawing in found:
                settle(drawing.figure)
            return [picture(drawing.figure, "svg") for drawing in found]

    assert made() == made()


def test_hostile_names_are_drawn_in_every_figure() -> None:
    frame = with_gains(study((HOSTILE, "vgg16"), {**GRID, "memory.kind": ["ok", HOSTILE]}))
    with house_style():
        for drawing in drawings(frame).values():
            settle(drawing.figure)
            svg = picture(drawing.figure, "svg").decode()
            assert "\x1b" not in svg
            assert "\x1b" not in drawing.alt + drawing.lead + drawing.title
