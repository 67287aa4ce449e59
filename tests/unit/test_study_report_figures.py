"""Figures of studies: are the drawn values the study's, and do equal studies give equal files?"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from reports.language import CHOICES, INK, POINTS, STEPS, variables
from reports.study.figure import save_study_figures
from reports.study.panels import draw_effects
from reports.study.pareto import draw_pareto
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


def artists(axes: Any, gid: str) -> list[Any]:
    return [artist for artist in (*axes.collections, *axes.lines, *axes.patches) if artist.get_gid() == gid]


def dots(axes: Any, gid: str) -> set[tuple[float, float]]:
    (drawn,) = artists(axes, gid)
    return {(float(x), float(y)) for x, y in drawn.get_offsets()}


def pairs(frame: pd.DataFrame, x: str, y: str) -> set[tuple[float, float]]:
    return set(zip(frame[x].astype(float), frame[y].astype(float), strict=True))


def test_dots_are_the_points_and_those_that_break_a_constraint_are_apart() -> None:
    frame = study()
    (axes,) = draw_pareto(frame, VARIED, [CYCLES, ENERGY], [SMALL]).axes
    meeting = frame["area_mm2"] <= 1.2
    assert dots(axes, "points") == pairs(frame[meeting], CYCLES.figure, ENERGY.figure)
    assert dots(axes, "excluded") == pairs(frame[~meeting], CYCLES.figure, ENERGY.figure)


@pytest.mark.parametrize("objectives", [(CYCLES, ENERGY), (SPEEDUP, AREA), (AREA, SPEEDUP)])
def test_the_step_line_is_the_front_and_no_point_lies_beyond_it(
    objectives: tuple[Objective, Objective],
) -> None:
    frame = study()
    (axes,) = draw_pareto(frame, VARIED, objectives, []).axes
    (line,) = artists(axes, "step")
    x, y = (objective.figure for objective in objectives)
    front = frame[frame["row"].isin(brute_front(frame, objectives))].sort_values(x)
    assert set(zip(*line.get_data(), strict=True)) == pairs(front, x, y) == dots(axes, "front")
    # Every corner of the steps is dominated by the points beside it, never better than all of them.
    signs = [1 if objective.goal == "minimize" else -1 for objective in objectives]
    for corner in _corners(line) * signs:
        assert ((front[[x, y]].to_numpy() * signs) <= corner + 1e-9).all(axis=1).any()


def _corners(line: Any) -> Any:
    from matplotlib.cbook import STEP_LOOKUP_MAP

    return np.column_stack(STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_data()))


def test_three_objectives_have_a_panel_for_every_pair_with_the_front_of_all_ringed() -> None:
    frame = study()
    objectives = [CYCLES, ENERGY, AREA]
    figure = draw_pareto(frame, VARIED, objectives, [])
    assert len(figure.axes) == 3
    front = frame[frame["row"].isin(brute_front(frame, objectives))]
    for axes, (x, y) in zip(figure.axes, itertools.combinations(objectives, 2), strict=True):
        assert dots(axes, "front") == pairs(front, x.figure, y.figure)


def test_a_single_objective_stands_against_area_or_else_what_varies() -> None:
    (axes,) = draw_pareto(study(), VARIED, [CYCLES], []).axes
    assert axes.get_ylabel().startswith("area")
    (axes,) = draw_pareto(study(grid={"memory.kind": ["lpddr4", "hbm2"]}), ["memory.kind"], [CYCLES], []).axes
    assert axes.get_ylabel().startswith("energy with DRAM")


@pytest.mark.parametrize("relation", ["<=", ">="])
def test_a_constraint_on_an_axis_is_a_line_at_the_bound_with_the_excluded_side_shaded(relation: Any) -> None:
    limit = replace(SMALL, relation=relation)
    (axes,) = draw_pareto(study(), VARIED, [CYCLES, AREA], [limit]).axes
    (line,), (shade,) = artists(axes, "limit"), artists(axes, "shade")
    assert list(line.get_ydata()) == [1.2, 1.2]
    ends = sorted((shade.get_y(), shade.get_y() + shade.get_height()))
    low, high = axes.get_ylim()
    assert ends == pytest.approx([1.2, high] if relation == "<=" else [low, 1.2])


def test_a_bound_far_from_all_points_leaves_the_axis_to_the_points() -> None:
    (axes,) = draw_pareto(study(), VARIED, [CYCLES, AREA], [Constraint("area_mm2", "<=", 1e6)]).axes
    assert artists(axes, "limit") == []
    assert axes.get_ylim()[1] < 10


def test_every_workload_has_a_panel_of_its_own_points() -> None:
    frame = study(("alexnet", "vgg16"))
    figure = draw_pareto(frame, VARIED, [CYCLES, ENERGY], [])
    assert [axes.get_title("left") for axes in figure.axes] == ["alexnet, cifar10", "vgg16, cifar10"]
    for axes, network in zip(figure.axes, ("alexnet", "vgg16"), strict=True):
        assert dots(axes, "points") == pairs(frame[frame["network"] == network], CYCLES.figure, ENERGY.figure)


def test_more_workloads_than_fit_are_said_to_be_left_out() -> None:
    figure = draw_pareto(study([f"net{number}" for number in range(20)]), VARIED, [CYCLES], [])
    assert len(figure.axes) == 12
    assert figure.get_suptitle() == "the first 12 of 20 workloads"


def test_points_of_one_value_share_a_colour_and_the_legend_says_which() -> None:
    frame = study()
    figure = draw_pareto(frame, VARIED, [CYCLES, ENERGY], [])
    (drawn,) = artists(figure.axes[0], "points")
    colours = [tuple(colour[:3]) for colour in drawn.get_facecolors()]
    by_value = {
        value: {colours[place] for place in frame.index[frame["array.groups"] == value]}
        for value in GRID["array.groups"]
    }
    assert all(len(found) == 1 for found in by_value.values())
    assert len(set.union(*by_value.values())) == 4
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:4] == [f"groups = {value}" for value in GRID["array.groups"]]


def test_many_values_get_a_colour_bar() -> None:
    frame = study(grid={"array.groups": range(1, 101)})
    panel, bar = draw_pareto(frame, ["array.groups"], [CYCLES, ENERGY], []).axes
    assert bar.get_ylabel() == "groups"
    assert len(dots(panel, "points")) == 100


def test_colours_of_few_numbers_are_evenly_spread_steps_and_of_choices_those_of_the_language() -> None:
    from matplotlib.colors import to_hex

    numeric = study(grid={"array.groups": [1, 2, 3, 4], "memory.kind": ["lpddr4", "hbm2"]})
    (drawn,) = artists(draw_pareto(numeric, VARIED, [CYCLES, ENERGY], []).axes[0], "points")
    steps = {colour.light for colour in (STEPS[0], STEPS[5], STEPS[10], STEPS[15])}
    assert {to_hex(colour) for colour in drawn.get_facecolors()} == steps
    choices = study(grid={"memory.kind": ["lpddr4", "hbm2"]})
    (drawn,) = artists(draw_pareto(choices, ["memory.kind"], [CYCLES, ENERGY], [SMALL]).axes[0], "excluded")
    assert {to_hex(colour) for colour in drawn.get_facecolors()} <= {POINTS["excluded"].light}
    (drawn,) = artists(draw_pareto(choices, ["memory.kind"], [CYCLES, ENERGY], []).axes[0], "points")
    assert [to_hex(colour) for colour in drawn.get_facecolors()] == [one.light for one in CHOICES[:2]]


def test_lines_have_the_colours_of_the_language() -> None:
    (step,) = artists(draw_pareto(study(), VARIED, [CYCLES, ENERGY], []).axes[0], "step")
    assert step.get_color() == INK.light
    figure = draw_effects(study(), VARIED, [CYCLES], [])
    assert figure is not None
    for name in ("median", "best"):
        (line,) = artists(figure.axes[0], name)
        assert line.get_color() == POINTS[name].light


def test_what_explains_a_picture_keeps_its_colours_on_the_dark_page() -> None:
    """The page swaps colours of the language by their value, which it cannot do inside a picture."""
    from matplotlib.colors import to_hex

    swapped = {colour.light for colour in variables().values()} - {INK.light}
    frame = study(grid={"array.groups": [1, 2, 3], "array.pes_per_group": range(1, 400)})
    figure = draw_pareto(frame, ["array.groups"], [CYCLES, ENERGY], [SMALL])
    (drawn,) = artists(figure.axes[0], "points")
    assert drawn.get_rasterized()
    assert not {to_hex(handle.get_color()) for handle in figure.legends[0].get_lines()} & swapped
    few = draw_pareto(study(), VARIED, [CYCLES, ENERGY], [SMALL])
    assert {to_hex(handle.get_color()) for handle in few.legends[0].get_lines()} - {INK.light} <= swapped


def test_effects_draw_every_point_the_median_and_the_best_that_is_allowed() -> None:
    frame = study()
    figure = draw_effects(frame, VARIED, [CYCLES], [SMALL])
    assert figure is not None
    axes = next(axes for axes in figure.axes if axes.get_xlabel() == "groups")
    meeting = frame[frame["area_mm2"] <= 1.2]
    everything = pairs(frame, "array.groups", CYCLES.figure)
    assert dots(axes, "points") | dots(axes, "excluded") == everything
    (median,), (best,) = artists(axes, "median"), artists(axes, "best")
    medians = frame.groupby("array.groups")[CYCLES.figure].median()
    assert dict(zip(*median.get_data(), strict=True)) == medians.to_dict()
    lowest = meeting.groupby("array.groups")[CYCLES.figure].min()
    drawn = dict(zip(*best.get_data(), strict=True))
    assert {value: cycles for value, cycles in drawn.items() if np.isfinite(cycles)} == lowest.to_dict()


def test_effects_have_a_panel_for_every_setting_with_two_values_the_largest_first() -> None:
    frame = study().assign(**{"policy.fixed": 3})
    figure = draw_effects(frame, ["policy.fixed", *reversed(VARIED)], [CYCLES], [])
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["groups", "pes_per_group", "kind"]
    assert draw_effects(frame, ["policy.fixed"], [CYCLES], []) is None


@pytest.mark.parametrize(
    ("values", "scaling"), [([1, 2, 3], "linear"), ([1, 10, 100], "log"), ([0, 10, 100], "linear")]
)
def test_an_axis_is_logarithmic_where_positive_values_span_more_than_ten_times(
    values: list[int], scaling: str
) -> None:
    frame = study(grid={"array.groups": [1, 2, 3]}).assign(**{"array.groups": values})
    figure = draw_effects(frame, ["array.groups"], [CYCLES], [])
    assert figure is not None
    assert figure.axes[0].get_xscale() == scaling


@pytest.mark.parametrize("points", [1, 5, 3000])
def test_studies_of_any_size_are_drawn(points: int, tmp_path: Path) -> None:
    frame = study(grid={"array.groups": range(1, points + 1)})
    written = save_study_figures(frame, ["array.groups"], [CYCLES, ENERGY], [SMALL], tmp_path)
    stems = {path.name for path in written}
    assert {"pareto.png", "pareto.svg", "pareto.csv"} <= stems
    assert ("effects.png" in stems) == (points > 1)
    assert all(path.stat().st_size < 2_000_000 for path in written)


def test_equal_studies_give_equal_files(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        save_study_figures(
            study(grid={"array.groups": range(1, 2501)}),
            ["array.groups"],
            [CYCLES, ENERGY],
            [SMALL],
            folder,
            ("png", "svg", "pdf"),
        )
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 12
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_the_data_beside_a_figure_are_the_studys(tmp_path: Path) -> None:
    frame = failed(study(), [3], "broken")
    save_study_figures(frame, VARIED, [CYCLES, ENERGY], [SMALL], tmp_path, ("svg",))
    done = frame[frame["status"] == "done"].reset_index(drop=True)
    data = pd.read_csv(tmp_path / "pareto.csv")
    for name in ("row", *VARIED, CYCLES.figure, ENERGY.figure, "area_mm2"):
        assert list(data[name]) == list(done[name]), name
    meeting = done[done["area_mm2"] <= 1.2]
    assert set(data["row"][data["meets_constraints"]]) == set(meeting["row"])
    assert set(data["row"][data["on_front"]]) == brute_front(meeting, [CYCLES, ENERGY])
    effects = pd.read_csv(tmp_path / "effects.csv")
    groups = effects[effects["setting"] == "array.groups"]
    assert groups["points"].sum() == len(done)
    best = groups.set_index("value")["best_row"].dropna()
    for value, row in best.items():
        chosen = meeting[meeting["array.groups"] == int(str(value))]
        assert done.set_index("row")[CYCLES.figure][row] == chosen[CYCLES.figure].min()


def test_hostile_names_are_drawn_as_text(tmp_path: Path) -> None:
    frame = study((HOSTILE,), {**GRID, "memory.kind": ["ok", HOSTILE]})
    save_study_figures(frame, VARIED, [CYCLES, ENERGY], [], tmp_path)
    for name in ("pareto.svg", "effects.svg"):
        words = "".join(ElementTree.fromstring((tmp_path / name).read_text()).itertext())
        assert "[red]$x^{$ ?[31m?" in words


def test_the_settings_of_matplotlib_are_left_alone(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    save_study_figures(study(), VARIED, [CYCLES], [], tmp_path)
    assert dict(matplotlib.rcParams) == before
