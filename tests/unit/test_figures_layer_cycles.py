"""Cycles per layer: are the bars the result's cycles, in the stages' colours, the totals above them?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.figures.drawing import Drawing, Rows
from reports.figures.layer_cycles import layer_cycles
from reports.figures.style import house_style
from reports.language import STAGES
from reports.numbers import short, times
from sparsesim.results.model import Result
from sparsesim.results.parts import Accounts
from tests.builders_results import made_result, step_records
from tests.drawn import bars, svg, words

RUNS = ("dense", "natural", "pruned")


def drawn(result: Result) -> Drawing:
    with house_style():
        return layer_cycles(result)


@pytest.fixture(scope="module")
def result() -> Result:
    return made_result(step_records(layers=3))


def expected(result: Result, run: str, stage: str, layer: str) -> float:
    return sum(
        one.cycles.on_chip for one in result.layers if (one.run, one.stage, one.name) == (run, stage, layer)
    )


@pytest.mark.parametrize("stage", ["forward", "gta", "gtw"])
def test_every_bar_is_as_long_as_the_stage_of_its_layer_and_run(result: Result, stage: str) -> None:
    found = bars(drawn(result).figure.axes[0])[STAGES[stage].light]
    lengths = {(round(bar.middle), order): bar.width for order, bar in enumerate(found)}
    names = result.layer_names()
    wanted = [expected(result, run, stage, name) for run in RUNS for name in names]
    assert list(lengths.values()) == pytest.approx([cycles for cycles in wanted if cycles])
    assert [row for row, _ in lengths] == [
        row for run in RUNS for row, name in enumerate(names) if expected(result, run, stage, name)
    ]


def test_runs_follow_each_other_from_the_top_of_a_row_and_stages_from_the_left(result: Result) -> None:
    axes = drawn(result).figure.axes[0]
    by_colour = bars(axes)
    in_row = [bar for bar in by_colour[STAGES["forward"].light] if round(bar.middle) == 1]
    assert axes.yaxis_inverted()
    assert [bar.width for bar in in_row] == pytest.approx(
        [expected(result, run, "forward", "conv1") for run in RUNS]
    )
    assert [bar.middle for bar in in_row] == sorted(bar.middle for bar in in_row)
    next_in_row = [bar for bar in by_colour[STAGES["gta"].light] if round(bar.middle) == 1]
    assert [bar.left for bar in next_in_row] == pytest.approx([bar.width for bar in in_row])


def test_the_totals_above_are_those_of_the_runs_and_name_them(result: Result) -> None:
    drawing = drawn(result)
    (top,) = drawing.figure.axes[0].child_axes
    assert [label.get_text() for label in top.get_yticklabels()] == list(RUNS)
    found = bars(top)
    for stage in ("forward", "gta", "gtw"):
        wanted = [result.runs[run].cycles_by_stage[stage].on_chip for run in RUNS]
        assert [bar.width for bar in found[STAGES[stage].light]] == pytest.approx(wanted)
    cycles = short(result.runs["pruned"].cycles.on_chip)
    assert f"{cycles} cycles: {times(result.speedup['pruned'].on_chip)}" in words(drawing)


def test_the_data_are_the_cycles_and_empty_where_a_layer_has_no_such_stage(result: Result) -> None:
    data = drawn(result).data
    assert data["layer"] == result.layer_names()
    for run in RUNS:
        for stage in ("forward", "gta", "gtw"):
            wanted = [expected(result, run, stage, name) or None for name in result.layer_names()]
            assert data[f"{run}_{stage}_cycles"] == wanted
    assert data["dense_gta_cycles"][0] is None


def test_words_say_what_is_seen_and_rows_are_the_layers(result: Result) -> None:
    drawing = drawn(result)
    assert {"Forward", "GTA", "GTW", *result.layer_names()} <= words(drawing)
    assert "cycles per sample (in every row from the top: dense, natural, pruned)" in words(drawing)
    assert drawing.targets == [Rows(drawing.figure.axes[0], 4)]
    assert "for 4 layers" in drawing.alt


def test_equal_results_give_equal_files() -> None:
    assert svg(drawn(made_result())) == svg(drawn(made_result()))


def test_fifty_layers_with_hostile_names_and_a_single_compared_run_are_drawn() -> None:
    result = made_result(step_records(runs=("dense", "recorded"), layers=50))
    renamed = tuple(replace(layer, name=f"<i>${layer.name}\n$&") for layer in result.layers)
    text = svg(drawn(replace(result, layers=renamed))).decode()
    assert "<i>" not in text
    assert "&lt;i&gt;$conv49?$&amp;" in text


def test_a_run_and_layers_without_any_cycles_are_drawn(result: Result) -> None:
    none = Accounts(0.0, 0.0)
    layers = tuple(replace(layer, cycles=none) for layer in result.layers)
    runs = {
        name: replace(run, cycles=none, cycles_by_stage=dict.fromkeys(run.cycles_by_stage, none))
        for name, run in result.runs.items()
    }
    drawing = drawn(replace(result, layers=layers, runs=runs))
    assert "0 cycles: -" in words(drawing)
    assert svg(drawing)
