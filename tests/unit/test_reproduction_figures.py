"""Figures of a reproduction: do they show its numbers, in marks, words and data, and nothing it has not?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from statistics import fmean, geometric_mean
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from reports import published
from reports.figures.drawing import Drawing
from reports.figures.files import csv_text, picture, settle
from reports.figures.style import house_style
from reports.language import CAUSES, COMPONENTS, INK, PAPER, PUBLISHED, run_colour
from reports.numbers import percent, times
from reports.reproduction.drawings import Figure, figures, gains
from reports.reproduction.figures.beyond import beyond
from reports.reproduction.figures.changes import changes
from reports.reproduction.figures.components import components
from reports.reproduction.figures.ladder import ladder
from reports.reproduction.figures.rates import rates
from sparsesim.reproduction.asked import Asked, Workload
from sparsesim.reproduction.changes import AS_DESCRIBED, Change
from sparsesim.reproduction.ladder import BOUND, DRAM, RUNGS
from sparsesim.reproduction.model import ChangeOutcome, Reproduction, StepOutcome
from sparsesim.results.model import DENSE
from sparsesim.results.parts import ACCOUNTINGS
from tests.builders_pages import HOSTILE
from tests.builders_reproduction import SMALL, made_figures, made_reproduction
from tests.builders_results import MACHINE
from tests.drawn import bars, words

MADE = made_reproduction()
STEMS = ["overview", "rates", "ladder", "changes", "components", "beyond"]
RUNS = ("natural", "pruned")


@cache
def drawn(figure: Figure) -> Drawing:
    """Of what is made up, laid out as it is when it is saved."""
    return drawn_of(figure, MADE)


def drawn_of(figure: Figure, reproduction: Reproduction) -> Drawing:
    """Of another one."""
    with house_style():
        drawing = figure(reproduction)
        assert drawing is not None
        settle(drawing.figure)
        return drawing


def rows(drawing: Drawing, **chosen: Any) -> list[dict[str, Any]]:
    """The rows of the data with these values."""
    every = [dict(zip(drawing.data, row, strict=True)) for row in zip(*drawing.data.values(), strict=True)]
    return [row for row in every if all(row[name] == value for name, value in chosen.items())]


def dots(axes: Axes, run: str, hollow: bool | None = None) -> dict[float, float]:
    """x by y of the round marks of a run."""
    found: dict[float, float] = {}
    for line in axes.lines:
        if line.get_marker() != "o" or to_hex(str(line.get_markeredgecolor())) != run_colour(run):
            continue
        if hollow is None or (to_hex(str(line.get_markerfacecolor())) == PAPER.light) == hollow:
            found |= dict(zip(map(float, line.get_ydata()), map(float, line.get_xdata()), strict=True))
    return found


def upright(axes: Axes, colour: str) -> list[float]:
    """Where lines of a colour stand that reach from the bottom to the top."""
    return [
        float(line.get_xdata()[0])
        for line in axes.lines
        if line.get_color() == colour and list(line.get_ydata()) == [0, 1]
    ]


def labels(axes: Axes) -> dict[float, str]:
    """What is written beside the rows of a panel."""
    return dict(
        zip(map(float, axes.get_yticks()), [one.get_text() for one in axes.get_yticklabels()], strict=True)
    )


# All of them


def test_everything_that_there_is_has_a_figure() -> None:
    with house_style():
        assert [drawing.stem for drawing in figures(MADE)] == STEMS


def test_what_there_is_not_has_none() -> None:
    """Another machine has no steps; a change alone that failed is nothing to look at."""
    failed = [ChangeOutcome(AS_DESCRIBED, {}, "no")]
    with house_style():
        found = figures(replace(MADE, steps=[], changes=failed, rungs=[]))
    assert [drawing.stem for drawing in found] == ["overview", "rates", "components"]


def hostile() -> Reproduction:
    """Every name that somebody can choose, chosen badly."""
    asked = Asked((HOSTILE[0], HOSTILE[3], HOSTILE[5]), (HOSTILE[1], HOSTILE[4]), (0.9,), 1)
    made = made_reproduction(asked, MACHINE.model_copy(update={"name": HOSTILE[3]}))
    outcomes = [replace(made.changes[-1], error=HOSTILE[3]), *made.changes[:-1]]
    return replace(made, changes=outcomes)


def test_hostile_names_are_text_in_every_figure() -> None:
    with house_style():
        for drawing in figures(hostile()):
            settle(drawing.figure)
            svg = picture(drawing.figure, "svg").decode()
            assert not any(tag in svg for tag in ("<script", "<img", "<svg onload"))
            assert not any("\x1b" in text or "\x00" in text for text in (svg, drawing.alt))
            assert "\n" not in drawing.alt


def test_equal_reproductions_give_equal_pictures_and_data() -> None:
    with house_style():
        for one, other in zip(figures(MADE), figures(made_reproduction()), strict=True):
            assert picture(one.figure, "svg") == picture(other.figure, "svg")
            assert csv_text(one) == csv_text(other)


def test_no_text_lies_on_another_or_outside() -> None:
    with house_style():
        for drawing in figures(MADE):
            settle(drawing.figure)
            boxes = list(_boxes(drawing))
            for place, (text, box) in enumerate(boxes):
                assert box.x0 >= -1 and box.x1 <= drawing.figure.bbox.x1 + 1, (drawing.stem, text)
                for other, another in boxes[place + 1 :]:
                    assert not _overlap(box, another), (drawing.stem, text, other)


def _boxes(drawing: Drawing) -> Iterator[tuple[str, Any]]:
    """Labels of rows, values beside them, titles and labels of scales."""
    renderer = drawing.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for axes in drawing.figure.axes:
        found = [*axes.texts, axes.title, axes.xaxis.label, *axes.get_yticklabels(which="both")]
        for text in found:
            if text.get_text() and text.get_visible():
                yield text.get_text(), text.get_window_extent(renderer)


def _overlap(one: Any, other: Any) -> bool:
    """By more than the thin rim that letters leave in their box."""
    rim = 2.5
    return bool(
        min(one.x1, other.x1) - max(one.x0, other.x0) > rim
        and min(one.y1, other.y1) - max(one.y0, other.y0) > rim
    )


# The overview


def test_averages_of_the_overview_are_over_what_is_averaged_alone() -> None:
    """Not over ResNet-50, which has bars of its own."""
    drawing = drawn(gains)
    assert len(rows(drawing, run="pruned", accounting="on_chip")) == len(SMALL.workloads()) + 2
    for accounting in ACCOUNTINGS:
        for run in RUNS:
            (mean,) = rows(drawing, label="average", run=run, accounting=accounting)
            results = [MADE.results[workload, 0.9] for workload in SMALL.averaged()]
            assert mean["results"] == len(results) == 4
            expected = fmean(getattr(result.speedup[run], accounting) for result in results)
            assert mean["speedup"] == pytest.approx(expected)
            expected = fmean(getattr(result.energy_efficiency[run], accounting) for result in results)
            assert mean["energy_efficiency"] == pytest.approx(expected)


# Over the pruning rate


def test_lines_over_the_rates_are_the_average_and_every_network() -> None:
    drawing = drawn(rates)
    for axes, name in zip(drawing.figure.axes, ("speedup", "energy_efficiency"), strict=True):
        (natural, pruned) = [line for line in axes.lines if line.get_color() == INK.light]
        results = [[MADE.results[workload, rate] for workload in SMALL.averaged()] for rate in SMALL.rates]
        expected = [fmean(getattr(one, name)["pruned"].on_chip for one in found) for found in results]
        assert list(pruned.get_ydata()) == pytest.approx(expected)
        assert list(natural.get_ydata()) == pytest.approx(
            [fmean(getattr(one, name)["natural"].on_chip for one in results[0])]
        )
        assert set(map(times, expected)) <= {text.get_text() for text in axes.texts}
        assert all(times(value) in drawing.alt for value in expected)
        for network in SMALL.networks:
            mine = [MADE.results[Workload(network, dataset), 0.9] for dataset in SMALL.datasets]
            (row,) = rows(drawing, network=network, pruning_rate=0.9)
            assert row[name] == pytest.approx(fmean(getattr(one, name)["pruned"].on_chip for one in mine))


def test_networks_outside_of_the_average_are_dashed() -> None:
    legend = drawn(rates).figure.legends[0]
    styles = dict(zip((one.get_text() for one in legend.get_texts()), legend.get_lines(), strict=True))
    assert [styles[name].get_linestyle() for name in SMALL.networks] == ["-", "-", "--"]


# The ladder


def expected_ladder(run: str) -> list[float]:
    """Averages of dense cycles over those of a run, weighted as workloads count."""
    total = sum(MADE.counts.values())
    return [
        sum(cycles[key][DENSE] / cycles[key][run] * count for key, count in MADE.counts.items()) / total
        for _, cycles in MADE.rungs
    ]


@pytest.mark.parametrize("run", RUNS)
def test_dots_of_the_ladder_are_the_speedups_of_the_rungs(run: str) -> None:
    drawing = drawn(ladder)
    speed = drawing.figure.axes[0]
    assert list(dots(speed, run).values()) == pytest.approx(expected_ladder(run))
    assert list(labels(speed).values()) == [rung.name for rung in RUNGS]
    for rung, speedup in zip(RUNGS, expected_ladder(run), strict=True):
        assert f"{rung.name} {times(speedup)}" in drawing.alt
        (row,) = rows(drawing, network="average", mechanism_added=rung.name, run=run)
        assert row["speedup"] == pytest.approx(speedup)


def test_bars_of_the_ladder_are_the_steps_between_its_rungs() -> None:
    found = bars(drawn(ladder).figure.axes[0])
    for place, run in enumerate(RUNS):
        speedups = dict(zip(RUNGS, expected_ladder(run), strict=True))
        before = speedups[RUNGS[RUNGS.index(DRAM) - 1]]
        bar = found[CAUSES["dram"].light][place]
        ends = sorted((before, speedups[DRAM]))
        assert [bar.left, bar.left + bar.width] == pytest.approx(ends)
    shown = words(drawn(ladder))
    for run in RUNS:
        steps = pairwise(expected_ladder(run))
        assert {
            f"{times(after)} {after - before:+.2f}".replace("-0.00", "+0.00") for before, after in steps
        } <= shown


def test_use_on_a_rung_is_the_bound_over_its_cycles() -> None:
    drawing = drawn(ladder)
    use = drawing.figure.axes[1]
    total, bound = sum(MADE.counts.values()), dict(MADE.rungs)[BOUND]
    for run in (DENSE, *RUNS):
        expected = [
            sum(bound[key][run] / cycles[key][run] * count for key, count in MADE.counts.items()) / total
            for _, cycles in MADE.rungs
        ]
        assert list(dots(use, run).values()) == pytest.approx(expected)
        assert f"{run} 100% to {percent(expected[-1])}" in drawing.alt


def test_every_workload_of_the_ladder_is_in_its_data() -> None:
    for workload in MADE.counts:
        found = rows(drawn(ladder), network=workload.network, dataset=workload.dataset, run="pruned")
        cycles = [of_rung[workload] for _, of_rung in MADE.rungs]
        assert [row["speedup"] for row in found] == [one[DENSE] / one["pruned"] for one in cycles]


# Single changes


def test_dots_of_changes_are_their_averages() -> None:
    """Filled where they are near to what was published, and none where a workload is missing."""
    drawing = drawn(changes)
    panels = zip(drawing.figure.axes, ("speedup", "energy_efficiency"), (2.7, 2.2), strict=True)
    for axes, name, quoted in panels:
        shown = {text: place for place, text in labels(drawing.figure.axes[0]).items()}
        filled, hollow = dots(axes, "pruned", hollow=False), dots(axes, "pruned", hollow=True)
        for outcome in MADE.changes:
            place = shown[outcome.change.label]
            if set(outcome.figures) != set(MADE.counts):
                assert place not in filled | hollow
                continue
            total = sum(MADE.counts.values())
            expected = (
                sum(
                    outcome.figures[key][f"pruned.on_chip_{name}"] * count
                    for key, count in MADE.counts.items()
                )
                / total
            )
            assert (filled | hollow)[place] == pytest.approx(expected)
            assert (place in filled) == (0.85 * quoted <= expected <= 1.15 * quoted)
            (row,) = rows(drawing, change=outcome.change.label)
            assert row[f"pruned_{name}"] == pytest.approx(expected)
            assert times(expected) in drawing.alt


def test_the_machine_as_described_and_the_published_average_are_lines() -> None:
    axes = drawn(changes).figure.axes
    described = MADE.changes[0].figures
    for panel, name, quoted in zip(axes, ("speedup", "energy_efficiency"), (2.7, 2.2), strict=True):
        total = sum(MADE.counts.values())
        start = sum(described[key][f"pruned.on_chip_{name}"] * n for key, n in MADE.counts.items()) / total
        assert upright(panel, INK.light) == pytest.approx([start])
        assert upright(panel, PUBLISHED.light) == [quoted]
        (band,) = panel.patches
        assert (band.get_x(), band.get_width()) == pytest.approx((0.85 * quoted, 0.3 * quoted))


def test_a_change_that_failed_says_why_in_its_place() -> None:
    drawing = drawn(changes)
    failed = MADE.changes[-1]
    assert failed.error in words(drawing)
    assert f"{failed.change.label}: not known" in drawing.alt
    (row,) = rows(drawing, change=failed.change.label)
    assert (row["pruned_speedup"], row["error"]) == (None, failed.error)


def test_changes_stand_below_what_they_are_about() -> None:
    figures_ = MADE.changes[0].figures
    outcomes = [
        MADE.changes[0],
        *(
            ChangeOutcome(Change(name, group, name, {"x": 1}), figures_)
            for name, group in (("a", "one"), ("b", "two"), ("c", "two"))
        ),
    ]
    found = labels(drawn_of(changes, replace(MADE, changes=outcomes)).figure.axes[0])
    assert list(found.values()) == ["machine", "as described", "one", "a", "two", "b", "c"]


# Energy by component


@pytest.mark.parametrize("accounting", ACCOUNTINGS)
def test_components_are_shares_of_the_dense_energy(accounting: str) -> None:
    drawing = drawn(components)
    place = ACCOUNTINGS.index(accounting)
    above, below = drawing.figure.axes[place], drawing.figure.axes[2 + place]
    for run_place, run in enumerate((DENSE, *RUNS)):
        shares = _shares(accounting, run)
        found = {
            row["component"]: row["share_of_dense_energy"]
            for row in rows(drawing, accounting=accounting, run=run)
        }
        assert found.pop("together") == pytest.approx(sum(shares.values()))
        assert found == pytest.approx(shares)
        mac = COMPONENTS["mac"].light
        assert bars(above)[mac][run_place].width == pytest.approx(shares["mac"])
        assert bars(below)[mac][run_place].width == pytest.approx(shares["mac"])
        assert f"{run} {sum(shares.values()):.1%}, the largest part" in drawing.alt
    assert f"{sum(_shares(accounting, DENSE).values()):.1%}" == "100.0%"


def _shares(accounting: str, run: str) -> Mapping[str, float]:
    found = []
    for workload in SMALL.averaged():
        result = MADE.results[workload, 0.9]
        parts = getattr(result.runs[run].energy_pj, f"{accounting}_components")
        whole = getattr(result.runs[DENSE].energy_pj, accounting).centre
        found.append({name: part.centre / whole for name, part in parts.items()})
    return {name: fmean(one[name] for one in found) for name in found[0]}


# Beyond


def test_bars_of_steps_are_what_they_gain() -> None:
    drawing = drawn(beyond)
    names = ("on_chip_cycles", "with_dram_cycles", "with_dram_energy_pj")
    for axes, name in zip(drawing.figure.axes, names, strict=False):
        found = [bar.width for bar in bars(axes)[run_colour("pruned")]]
        assert found == pytest.approx([_gain(step, name) for step in MADE.steps])
        assert upright(axes, INK.light) == [1.0]
        assert {times(value) for value in found} <= {text.get_text() for text in axes.texts}
    area = drawing.figure.axes[3]
    areas = [next(iter(step.figures.values()))["area_mm2"] for step in MADE.steps]
    assert [bar.width for bar in bars(area)[run_colour(DENSE)]] == pytest.approx(areas)
    assert upright(area, INK.light) == areas[:1]
    assert f"{MADE.steps[-1].words}: {times(_gain(MADE.steps[-1], names[0]))} faster on chip" in drawing.alt
    assert drawing.data["area_mm2"] == pytest.approx(areas)


def _gain(step: StepOutcome, name: str) -> float:
    """Geometric mean over the workloads, each as often as it counts."""
    first = MADE.steps[0].figures
    ratios: Sequence[float] = [
        first[key][f"pruned.{name}"] / step.figures[key][f"pruned.{name}"]
        for key, count in MADE.counts.items()
        for _ in range(count)
    ]
    return geometric_mean(ratios)


def test_a_step_that_could_not_be_simulated_is_a_gap() -> None:
    steps = [*MADE.steps, StepOutcome("impossible", {})]
    drawing = drawn_of(beyond, replace(MADE, steps=steps))
    assert len(bars(drawing.figure.axes[0])[run_colour("pruned")]) == len(MADE.steps)
    assert "impossible" in words(drawing)
    assert rows(drawing, after="impossible")[0]["on_chip_cycles_gain"] is None
    assert "nan" not in drawing.alt + csv_text(drawing)


def test_the_figures_of_the_made_up_machine_are_those_of_its_results() -> None:
    """Of the builder: a machine that is not changed has the numbers of the result."""
    result = MADE.results[SMALL.averaged()[0], 0.9]
    assert made_figures(result)["pruned.on_chip_speedup"] == result.speedup["pruned"].on_chip
    assert math.isclose(
        made_figures(result, 2.0)["pruned.on_chip_speedup"], 2 * result.speedup["pruned"].on_chip
    )
    assert (published.SPEEDUP, published.EFFICIENCY) == (2.7, 2.2)
