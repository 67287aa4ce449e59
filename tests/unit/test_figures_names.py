"""Figures of runs with long names: is every text inside the figure, and none upon another?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from reports.figures.drawing import Drawing
from reports.figures.files import settle
from reports.figures.lettering import width_inches
from reports.figures.of_run import run_drawings
from reports.figures.rows import LONGEST_NAME, TALL, row_figure
from reports.figures.style import house_style
from sparsesim.results.model import Result
from sparsesim.results.parts import ON_CHIP_CAUSES
from tests.builders_results import MACHINE, made_result, step_records
from workloads.sparsity.over_time import DensityOverTime

LAYERS = 12
NAMINGS: dict[str, Callable[[int], str]] = {
    "library": lambda place: f"resnet.encoder.stages.0.layers.{place}.layer.1.convolution",
    "long": lambda place: f"{'a_long_name_' * 5}{place}{'_and_an_end' * 5}",
    "wide": lambda place: f"{place}{'W' * 118}{place}",
    "short": lambda place: f"conv{place}",
}
_INCH_OFF = 0.02


def named(naming: Callable[[int], str]) -> Result:
    """Network, data set, machine and layers with names of a kind; groups wait for all causes."""
    result = made_result(step_records(layers=LAYERS, samples=2))
    names = {name: naming(place) for place, name in enumerate(result.layer_names())}
    groups = np.ones((MACHINE.array.groups, len(ON_CHIP_CAUSES)))
    layers = tuple(
        replace(layer, name=names.get(layer.name, layer.name), cycles_of_groups=groups)
        if layer.stage != "other"
        else layer
        for layer in result.layers
    )
    one = naming(1)
    densities = dict.fromkeys(names.values(), (0.5, 0.25, 0.2))
    return replace(
        result,
        layers=layers,
        network=one,
        dataset=one[::-1],
        machine=result.machine.model_copy(update={"name": one}),
        density_over_time=DensityOverTime(f"{one}-{one[::-1]}", "drawn for a test", (1, 2, 3), densities),
    )


def drawn(result: Result) -> list[Drawing]:
    """All figures, laid out."""
    with house_style():
        drawings = [drawing for found in run_drawings(result).values() for drawing in found]
        for drawing in drawings:
            settle(drawing.figure)
            drawing.figure.draw_without_rendering()  # a legend has its place when it is drawn
    return drawings


def seen(drawing: Drawing) -> Iterator[Text]:
    """Every horizontal text that is drawn; ticks outside of their axis are not."""
    every = [one for axes in drawing.figure.axes for one in (axes, *axes.child_axes)]
    ticks = [tick for axes in every for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()]
    shown = {
        id(label)
        for axes in every
        for axis in (axes.xaxis, axes.yaxis)
        if axis.get_visible()
        for tick in axis.get_major_ticks()
        if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    labels = {id(label) for tick in ticks for label in (tick.label1, tick.label2)}
    for text in drawing.figure.findobj(Text):
        hidden = id(text) in labels and id(text) not in shown
        if text.get_visible() and text.get_text() and not hidden and not text.get_rotation():
            yield text


def boxes(drawing: Drawing) -> dict[str, Any]:
    """Where the texts are, in inches."""
    renderer = drawing.figure.canvas.get_renderer()
    scale = drawing.figure.dpi_scale_trans.inverted()
    return {
        f"{place}: {text.get_text()}": text.get_window_extent(renderer).transformed(scale)
        for place, text in enumerate(seen(drawing))
    }


@pytest.mark.parametrize("naming", NAMINGS)
def test_no_text_is_cut_off_and_none_is_upon_another(naming: str) -> None:
    for drawing in drawn(named(NAMINGS[naming])):
        width, height = drawing.figure.get_size_inches()
        found = boxes(drawing)
        outside = [
            text
            for text, box in found.items()
            if min(box.x0, box.y0) < -_INCH_OFF or box.x1 > width + _INCH_OFF or box.y1 > height + _INCH_OFF
        ]
        assert not outside, drawing.stem
        alike = [
            (one, other)
            for (one, box), (other, its) in combinations(found.items(), 2)
            if min(box.x1, its.x1) - max(box.x0, its.x0) > _INCH_OFF
            and min(box.y1, its.y1) - max(box.y0, its.y0) > _INCH_OFF
        ]
        assert not alike, drawing.stem


@pytest.mark.parametrize("naming", NAMINGS)
def test_rows_have_different_brief_names_and_the_data_the_whole_ones(naming: str) -> None:
    result = named(NAMINGS[naming])
    for drawing in drawn(result):
        for target in drawing.targets:
            if drawing.stem != "roofline":
                labels = [label.get_text() for label in target.axes.get_yticklabels()][: LAYERS + 1]
                assert len(set(labels)) == LAYERS + 1
                assert max(map(len, labels)) <= LONGEST_NAME + len(" (10)")
        if "layer" in drawing.data:
            assert set(result.layer_names()) <= set(drawing.data["layer"])


@pytest.mark.parametrize("layers", [3, TALL + 1, 130])
def test_names_that_are_not_measured_have_room_too(layers: int) -> None:
    """The layout knows the widest names only."""
    names = [f"{'il' * (place % 3)}.{'WM' * (place % 5)}.conv{place}" for place in range(layers)]
    with house_style():
        figure, axes = row_figure(names, 2)
        settle(figure)
        renderer = figure.canvas.get_renderer()
        lefts = [label.get_window_extent(renderer).x0 for label in axes[0].get_yticklabels()]
    assert 0 <= min(lefts) <= 0.1 * figure.dpi


def test_panels_keep_their_width_beside_wide_names() -> None:
    with house_style():
        widths = []
        for naming in (NAMINGS["short"], NAMINGS["wide"]):
            figure, axes = row_figure([naming(place) for place in range(LAYERS)], 2)
            settle(figure)
            widths.append(axes[0].get_position().width * figure.get_figwidth())
    assert widths[1] > 0.8 * widths[0]


@pytest.mark.parametrize("text", ["layer1.0.downsample.0", "WWWW", "il.il.il", "two\nlines, one longer"])
def test_widths_are_those_that_are_drawn(text: str) -> None:
    with house_style():
        figure, axes = row_figure(["conv1"], 1)
        settle(figure)
        drawn_text = axes[0].text(0, 0, text, fontsize=8)
        inches = drawn_text.get_window_extent(figure.canvas.get_renderer()).width / figure.dpi
        assert width_inches(text, 8) == pytest.approx(inches, rel=0.1)


def test_a_letter_that_the_font_does_not_have_is_as_wide_as_its_box() -> None:
    with house_style():
        assert width_inches("\N{CJK UNIFIED IDEOGRAPH-5C42}", 8) > 0.02
