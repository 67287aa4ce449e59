"""The overview: are bars and averages those of the results, and is what was published told apart?"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex

from reports import published
from reports.figures.drawing import Drawing
from reports.figures.files import csv_text, picture, settle
from reports.figures.gains import averages, gains, result_labels
from reports.figures.overview import overview
from reports.figures.style import house_style
from reports.language import INK, PAPER, PUBLISHED, run_colour
from reports.numbers import times
from sparsesim.energy import Range
from sparsesim.results.model import Result
from sparsesim.results.parts import ACCOUNTINGS, Accounts, Energy
from tests.builders_results import MACHINE, PROFILE, made_result, step_records

TRANSFERRED = PROFILE | {"transferred_from": "another network"}
QUANTITIES = ("speedup", "energy_efficiency")


def drawn(*results: Result, labels: list[str] | None = None) -> Drawing:
    """Laid out, as it is when it is saved."""
    with house_style():
        drawing = overview(results, labels)
        settle(drawing.figure)
        return drawing


def networks(*names: str) -> list[Result]:
    """Results that differ: every network has other layers."""
    return [
        made_result(step_records(layers=place), network=name) for place, name in enumerate(names, start=1)
    ]


def bars(axes: Any, run: str, accounting: str) -> list[float]:
    """Right ends of the bars of a run, from the top."""
    colour, hollow = run_colour(run), accounting == "with_dram"
    found = []
    for collection in axes.collections:
        if isinstance(collection, PolyCollection):
            face, edge = (to_hex(one[0]) for one in (collection.get_facecolor(), collection.get_edgecolor()))
            if (edge if hollow else face) == colour and (face == PAPER.light) == hollow:
                found += [path.get_extents() for path in collection.get_paths()]
    assert all(box.x0 == 0 for box in found)
    return [box.x1 for box in sorted(found, key=lambda box: box.y0)]


def lines(axes: Any, thick: bool) -> list[tuple[float, float]]:
    """Both ends of the whiskers (thin) or intervals (thick), from the top."""
    found = [
        path.get_extents()
        for collection in axes.collections
        if isinstance(collection, LineCollection) and to_hex(collection.get_color()[0]) == INK.light
        if (collection.get_linewidth()[0] > 1) == thick
        for path in collection.get_paths()
    ]
    return [(box.x0, box.x1) for box in sorted(found, key=lambda box: box.y0 + box.y1)]


def free(result: Result) -> Result:
    """As with a table that charges nothing."""
    nothing = Energy({"mac": Range(0, 0, 0)}, {"mac": Range(0, 0, 0), "dram": Range(0, 0, 0)})
    return replace(result, runs={name: replace(run, energy_pj=nothing) for name, run in result.runs.items()})


@pytest.mark.parametrize("accounting", ACCOUNTINGS)
def test_bars_are_the_ratios_of_every_result_and_run(accounting: str) -> None:
    results = [made_result(), made_result(), *networks("alexnet")]
    drawing = drawn(*results)
    for axes, quantity in zip(drawing.figure.axes, QUANTITIES, strict=True):
        for run in ("natural", "pruned"):
            expected = [getattr(getattr(result, quantity)[run], accounting) for result in results]
            assert bars(axes, run, accounting) == pytest.approx(expected)


def test_the_last_group_are_the_means_over_results_of_different_workloads() -> None:
    results = networks("alexnet", "resnet18", "resnet34")
    drawing = drawn(*results)
    for axes, quantity in zip(drawing.figure.axes, QUANTITIES, strict=True):
        for accounting in ACCOUNTINGS:
            expected = fmean(getattr(getattr(one, quantity)["pruned"], accounting) for one in results)
            shown = bars(axes, "pruned", accounting)
            assert len(shown) == 4
            assert shown[-1] == pytest.approx(expected)
    assert [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()][-1] == "average\nof 3"


def test_the_average_of_an_energy_efficiency_is_formed_column_by_column() -> None:
    results = networks("alexnet", "resnet18")
    every = [gain for result in results for gain in gains(result, "")]
    (mean,) = [
        one for one in averages(results, every) if (one.run, one.accounting) == ("pruned", "with_dram")
    ]
    columns = [result.energy_efficiency_range["pruned"]["with_dram"] for result in results]
    assert mean.energy_efficiency_low_column == pytest.approx(fmean(one.low for one in columns))
    assert mean.energy_efficiency_high_column == pytest.approx(fmean(one.high for one in columns))
    assert mean.results == 2


def test_what_must_not_be_averaged_is_not() -> None:
    other = made_result(network="alexnet", machine=MACHINE.model_copy(update={"name": "other"}))
    cases = [
        [made_result()],
        [made_result(), made_result()],
        [made_result(), other],
        [made_result(), replace(made_result(network="alexnet"), energy_table="mine")],
    ]
    for results in cases:
        assert averages(results, [gain for result in results for gain in gains(result, "")]) == []


def test_a_mean_is_of_the_results_that_have_the_run_and_says_of_how_many() -> None:
    short = made_result(step_records(("dense", "natural")), network="resnet34")
    drawing = drawn(*networks("alexnet", "resnet18"), short)
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert sum(text.endswith("(of 2)") for text in texts) == len(ACCOUNTINGS)
    means = [place for place, label in enumerate(drawing.data["label"]) if label == "average"]
    counts = {(drawing.data["run"][place], drawing.data["results"][place]) for place in means}
    assert counts == {("natural", 3), ("pruned", 2)}


def test_a_mean_of_one_is_no_mean() -> None:
    short = made_result(step_records(("dense", "natural")), network="alexnet")
    data = drawn(made_result(), short).data
    assert {run for run, label in zip(data["run"], data["label"], strict=True) if label == "average"} == {
        "natural"
    }


def test_whiskers_are_the_columns_of_the_energy_table() -> None:
    result = made_result()
    speedup, efficiency = drawn(result).figure.axes
    ranges = [
        result.energy_efficiency_range[run][accounting]
        for accounting in ACCOUNTINGS
        for run in result.compared
    ]
    expected = [(min(columns), max(columns)) for columns in ranges]
    assert lines(efficiency, thick=False) == [pytest.approx(ends) for ends in expected]
    assert lines(speedup, thick=False) == []


def test_intervals_are_drawn_where_there_are_several_samples() -> None:
    single, result = made_result(), made_result(step_records(samples=4))
    assert all(lines(axes, thick=True) == [] for axes in drawn(single).figure.axes)
    for axes, quantity in zip(drawn(result).figure.axes, QUANTITIES, strict=True):
        values, widths = getattr(result, quantity), getattr(result, f"{quantity}_half_width")
        expected = [
            (
                getattr(values[run], one) - getattr(widths[run], one),
                getattr(values[run], one) + getattr(widths[run], one),
            )
            for one in ACCOUNTINGS
            for run in result.compared
        ]
        assert lines(axes, thick=True) == [pytest.approx(ends) for ends in expected]


def test_the_published_averages_are_called_that_and_drawn_in_their_own_colour() -> None:
    drawing = drawn(made_result())
    quoted = (published.SPEEDUP, published.EFFICIENCY)
    for axes, value in zip(drawing.figure.axes, quoted, strict=True):
        (line,) = [line for line in axes.lines if line.get_color() == PUBLISHED.light]
        assert list(line.get_xdata()) == [value, value]
        assert axes.get_xlim()[1] > value
        (text,) = [text for text in axes.texts if text.get_color() == PUBLISHED.light]
        assert text.get_text() == f"published average {value}x"
    assert "no network's own figure" in drawing.lead
    assert [column[-1] for column in drawing.data.values()][:3] == ["published average", "pruned", "on_chip"]
    assert (drawing.data["speedup"][-1], drawing.data["energy_efficiency"][-1]) == quoted


def test_the_published_averages_are_those_of_the_abstract() -> None:
    """Of Dai et al., DAC 2020: 2.7 times the speed, 2.2 times the energy efficiency."""
    for axes, value in zip(drawn(made_result()).figure.axes, (2.7, 2.2), strict=True):
        (line,) = [line for line in axes.lines if line.get_color() == PUBLISHED.light]
        assert list(line.get_xdata()) == [value, value]


def with_efficiency(result: Result, low: float, high: float) -> Result:
    """The last run's energies, so that the ratios with the low and the high column are these."""
    dense, chip = result.runs["dense"].energy_pj.on_chip, result.runs["pruned"].energy_pj
    energies = {"mac": Range(dense.low / low, dense.centre, dense.high / high)}
    changed = replace(result.runs["pruned"], energy_pj=Energy(energies, chip.with_dram_components))
    return replace(result, runs=dict(result.runs) | {"pruned": changed})


@pytest.mark.parametrize(("low", "high"), [(0.5, 9.0), (9.0, 0.5), (8.0, 9.0)])
def test_there_is_room_for_the_longest_whisker(low: float, high: float) -> None:
    """The centre, 1 here, may lie outside of what low and high columns give."""
    drawing = drawn(with_efficiency(made_result(), low, high))
    efficiency = drawing.figure.axes[1]
    smallest, largest = min(low, high, 1.0), max(low, high)
    assert pytest.approx((smallest, largest)) in lines(efficiency, thick=False)
    assert efficiency.get_xlim()[1] > largest > 2.2
    place = list(zip(drawing.data["run"], drawing.data["accounting"], strict=True)).index(
        ("pruned", "on_chip")
    )
    row = {name: values[place] for name, values in drawing.data.items()}
    assert (row["energy_efficiency_low_column"], row["energy_efficiency_high_column"]) == pytest.approx(
        (low, high)
    )
    assert (row["energy_efficiency_smallest"], row["energy_efficiency_largest"]) == pytest.approx(
        (smallest, largest)
    )


def test_there_is_room_for_the_interval_of_a_speedup() -> None:
    result = made_result(step_records(samples=4))
    wide = {run: Accounts(6.0, 1.0) for run in result.compared}
    speedup, _ = drawn(replace(result, speedup_half_width=wide)).figure.axes
    assert speedup.get_xlim()[1] > result.speedup["pruned"].on_chip + 6.0


def test_values_stand_beside_the_panel_clear_of_whiskers_and_lines() -> None:
    drawing = drawn(made_result())
    renderer = drawing.figure.canvas.get_renderer()
    for axes in drawing.figure.axes:
        edge = axes.get_window_extent(renderer).x1
        values = [text for text in axes.texts if text.get_color() != PUBLISHED.light]
        assert all(text.get_window_extent(renderer).x0 > edge for text in values)


def test_the_words_tell_both_accountings() -> None:
    result = made_result()
    alt = drawn(result).alt
    for run in result.compared:
        speedup, efficiency = result.speedup[run], result.energy_efficiency[run]
        assert (
            f"{run} over dense: "
            f"on chip {times(speedup.on_chip)} faster and {times(efficiency.on_chip)} more energy-efficient; "
            f"with DRAM {times(speedup.with_dram)} faster and {times(efficiency.with_dram)} more "
            "energy-efficient."
        ) in alt


def test_long_names_are_brief_beside_the_bars_and_whole_in_the_data() -> None:
    names = [f"{'company.' * 20}net{place}" for place in range(2)]
    drawing = drawn(*networks(*names))
    labels = [label.get_text().split("\n")[0] for label in drawing.figure.axes[0].get_yticklabels()]
    assert [label[-4:] for label in labels[:2]] == ["net0", "net1"]
    assert max(map(len, labels)) <= 28
    assert drawing.data["label"][0] == f"{names[0]}, cifar10"


def test_the_data_are_the_bars_with_what_is_unknown_left_empty() -> None:
    result = made_result()
    drawing = drawn(result)
    rows = [dict(zip(drawing.data, row, strict=True)) for row in zip(*drawing.data.values(), strict=True)]
    expected = [(run, accounting) for accounting in ACCOUNTINGS for run in result.compared]
    assert [(row["run"], row["accounting"]) for row in rows[:-1]] == expected
    for row in rows[:-1]:
        assert row["speedup"] == getattr(result.speedup[row["run"]], row["accounting"])
        columns = result.energy_efficiency_range[row["run"]][row["accounting"]]
        assert row["energy_efficiency"] == columns.centre
        assert row["energy_efficiency_low_column"] == columns.low
        assert row["energy_efficiency_high_column"] == columns.high
        assert row["speedup_half_width"] is None


def test_every_bar_has_its_value_beside_it() -> None:
    results = networks("alexnet", "resnet18")
    drawing = drawn(*results)
    for axes, quantity in zip(drawing.figure.axes, QUANTITIES, strict=True):
        shown = [text.get_text() for text in axes.texts if text.get_color() != PUBLISHED.light]
        assert shown == [times(value) for value in drawing.data[quantity][:-1]]


def test_results_are_told_apart_by_machine_and_then_by_number() -> None:
    other = made_result(machine=MACHINE.model_copy(update={"name": "wide"}))
    assert result_labels([made_result(network="alexnet"), made_result()]) == [
        "alexnet\ncifar10",
        "resnet18\ncifar10",
    ]
    assert result_labels([made_result(), other, made_result()]) == [
        "resnet18\ncifar10\nsparsetrain (1)",
        "resnet18\ncifar10\nwide",
        "resnet18\ncifar10\nsparsetrain (2)",
    ]


def test_labels_that_are_given_are_used() -> None:
    drawing = drawn(made_result(), made_result(), labels=["run A", "run\x1b B"])
    assert [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()] == ["run A", "run? B"]
    assert drawing.data["label"][0] == "run A"


def test_transferred_sparsity_has_a_star_and_the_star_a_note() -> None:
    drawing = drawn(made_result(profile=TRANSFERRED), made_result(network="alexnet"))
    labels = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert [label.endswith("*") for label in labels] == [True, False, False]
    notes = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert "* sparsity transferred" in notes
    plain = [text.get_text() for text in drawn(made_result()).figure.legends[0].get_texts()]
    assert "* sparsity transferred" not in plain


def test_a_table_that_charges_nothing_leaves_the_efficiency_empty() -> None:
    drawing = drawn(free(made_result()), free(made_result(network="alexnet")))
    _, efficiency = drawing.figure.axes
    assert bars(efficiency, "pruned", "on_chip") == []
    assert set(drawing.data["energy_efficiency"][:-1]) == {None}
    assert all(math.isfinite(value) for value in drawing.data["speedup"])
    assert "nan" not in csv_text(drawing)


@pytest.mark.parametrize("runs", [("dense", "natural"), ("dense", "recorded")])
def test_fewer_runs_are_drawn_too(runs: tuple[str, ...]) -> None:
    result = made_result(step_records(runs))
    for axes in drawn(result).figure.axes:
        assert len(bars(axes, runs[1], "on_chip")) == len(bars(axes, runs[1], "with_dram")) == 1


def test_equal_results_give_equal_pictures() -> None:
    one, other = (drawn(made_result(), *networks("alexnet")).figure for _ in range(2))
    with house_style():
        assert picture(one, "svg") == picture(other, "svg")
