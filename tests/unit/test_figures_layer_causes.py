"""Cycles by cause: are the bars the result's causes, in percent of the dense cycles of the same row?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reports.figures.drawing import Drawing, Rows
from reports.figures.layer_causes import layer_causes
from reports.figures.style import house_style
from reports.language import CAUSE_WORDS
from reports.language import CAUSES as COLOURS
from reports.numbers import times
from sparsesim.results.model import Result
from sparsesim.results.parts import CAUSES
from tests.builders_results import made_result, step_records
from tests.drawn import bars, svg, words

RUNS = ("dense", "natural", "pruned")


def drawn(result: Result) -> Drawing:
    with house_style():
        return layer_causes(result)


@pytest.fixture(scope="module")
def result() -> Result:
    return made_result()


def cycles(result: Result, run: str, row: str) -> dict[str, float]:
    """Cycles by cause of a layer, of all layers or of the whole step."""
    stages = ("forward", "gta", "gtw") + (("other",) if row == "whole step" else ())
    found = [
        layer.group_cycles
        for layer in result.layers
        if layer.run == run and layer.stage in stages and (layer.name == row or " " in row)
    ]
    return {cause: sum(one[cause] for one in found) / result.machine.array.groups for cause in CAUSES}


def expected(result: Result, run: str, row: str) -> dict[str, float]:
    """The same in percent of the row's dense cycles, what is nothing left out."""
    dense = sum(cycles(result, "dense", row).values())
    return {cause: 100 * found / dense for cause, found in cycles(result, run, row).items() if found}


@pytest.mark.parametrize("run", RUNS)
def test_every_row_holds_its_causes_one_behind_the_other(result: Result, run: str) -> None:
    found = bars(drawn(result).figure.axes[RUNS.index(run)])
    causes = {COLOURS[cause].light: cause for cause in CAUSES}
    for place, row in enumerate([*result.layer_names(), "all layers", "whole step"]):
        in_row = {causes[c]: bar for c, every in found.items() for bar in every if bar.middle == place}
        wanted = expected(result, run, row)
        assert {cause: bar.width for cause, bar in in_row.items()} == pytest.approx(wanted)
        ends = np.cumsum(list(wanted.values()))
        assert [bar.left for bar in in_row.values()] == pytest.approx([0, *ends[:-1]])


def test_dense_fills_a_hundred_percent_and_a_faster_run_the_inverse_of_its_speedup(result: Result) -> None:
    data = drawn(result).data
    sums = {
        (run, layer): sum(data[f"{cause}_percent_of_dense"][i] for cause in CAUSES)
        for i, (run, layer) in enumerate(zip(data["run"], data["layer"], strict=True))
    }
    assert [total for (run, _), total in sums.items() if run == "dense"] == pytest.approx([100] * 5)
    assert sums["pruned", "whole step"] == pytest.approx(100 / result.speedup["pruned"].with_dram)


def test_the_data_are_the_cycles_by_cause(result: Result) -> None:
    data = drawn(result).data
    for i, (run, layer) in enumerate(zip(data["run"], data["layer"], strict=True)):
        found = {cause: data[f"{cause}_cycles"][i] for cause in CAUSES}
        assert found == pytest.approx(cycles(result, run, layer))


def test_without_other_work_there_is_no_whole_step(result: Result) -> None:
    drawing = drawn(made_result(step_records(runs=("dense", "recorded"))))
    assert drawing.data["layer"][-1] == "all layers"
    assert "whole step" in words(drawn(result))
    assert not {"whole step", CAUSE_WORDS["other"]} & words(drawing)
    assert "other_cycles" not in drawing.data


def test_words_say_what_is_seen_and_layers_only_are_targets(result: Result) -> None:
    drawing = drawn(result)
    assert {"dense", "% of the row's dense cycles", *CAUSE_WORDS.values()} <= words(drawing)
    assert drawing.targets == [Rows(drawing.figure.axes[0], 3)]


def test_a_panel_is_titled_with_the_speedup_of_the_accounting_drawn(result: Result) -> None:
    titles = [axes.get_title() for axes in drawn(result).figure.axes[:3]]
    told = {run: times(result.speedup[run].with_dram) for run in result.compared}
    assert titles == ["dense", *(f"{run}: speedup {speedup}" for run, speedup in told.items())]
    assert told["pruned"] != times(result.speedup["pruned"].on_chip)


def test_a_layer_without_cycles_is_an_empty_row(result: Result) -> None:
    nothing = dict.fromkeys(CAUSES, 0.0)
    layers = tuple(
        replace(layer, group_cycles=nothing) if layer.name == "conv1" else layer for layer in result.layers
    )
    drawing = drawn(replace(result, layers=layers))
    assert not [bar for found in bars(drawing.figure.axes[2]).values() for bar in found if bar.middle == 1]
    assert np.isnan(drawing.data["busy_percent_of_dense"][1])
    assert svg(drawing)


def test_a_layer_slower_than_dense_is_not_cut_off(result: Result) -> None:
    layers = tuple(
        replace(layer, group_cycles={cause: 7 * found for cause, found in layer.group_cycles.items()})
        if (layer.run, layer.name) == ("pruned", "fc")
        else layer
        for layer in result.layers
    )
    axes = drawn(replace(result, layers=layers)).figure.axes
    ends = [bar.left + bar.width for found in bars(axes[2]).values() for bar in found]
    assert max(ends) > 100
    assert {one.get_xlim() for one in axes} == {axes[2].get_xlim()}
    assert axes[2].get_xlim()[1] > max(ends)


def test_equal_results_give_equal_files(result: Result) -> None:
    assert svg(drawn(result)) == svg(drawn(made_result()))
