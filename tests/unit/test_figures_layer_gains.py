"""Speedup and energy efficiency per layer: are the bars the result's ratios?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from reports.figures.layer_gains import layer_gains, save_figure
from reports.figures.style import house_style
from reports.language import run_colour
from reports.numbers import times
from tests.builders_results import made_result, step_records


@pytest.mark.parametrize("layers", [1, 21, 155, 400])
def test_a_bar_per_layer_and_run_in_both_panels(layers: int) -> None:
    result = made_result(step_records(layers=layers))
    with house_style():
        drawing = layer_gains(result)
    for axes in drawing.figure.axes:
        assert [len(bars.get_paths()) for bars in axes.collections] == [layers + 1] * 2
    names = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert names == list(result.layer_names())
    height = drawing.figure.get_figheight() * 72 / len(names)
    size = drawing.figure.axes[0].get_yticklabels()[0].get_fontsize()
    assert height > 1.2 * size


def test_bars_are_ratios_and_the_whole_network_is_drawn_in() -> None:
    result = made_result()
    with house_style():
        drawing = layer_gains(result)
    totals_of = {"speedup": result.speedup, "energy_efficiency": result.energy_efficiency}
    for axes, (quantity, totals) in zip(drawing.figure.axes, totals_of.items(), strict=True):
        for run, bars in zip(result.compared, axes.collections, strict=True):
            widths = [path.get_extents().width for path in bars.get_paths()]
            np.testing.assert_allclose(widths, drawing.data[f"{run}_{quantity}"])
            assert matplotlib.colors.to_hex(bars.get_facecolor()[0]) == run_colour(run)
        drawn = [line.get_xdata()[0] for line in axes.lines]
        assert {found.on_chip for found in totals.values()} <= set(drawn)


def test_data_are_the_ratios_of_the_result() -> None:
    result = made_result()
    with house_style():
        data = layer_gains(result).data
    dense, pruned = result.whole_layers("dense"), result.whole_layers("pruned")
    for place, name in enumerate(data["layer"]):
        assert data["pruned_speedup"][place] == dense[name].cycles.on_chip / pruned[name].cycles.on_chip
        ratio = dense[name].energy_pj.on_chip.centre / pruned[name].energy_pj.on_chip.centre
        assert data["pruned_energy_efficiency"][place] == ratio


def test_the_words_tell_the_whole_network_on_chip() -> None:
    result = made_result()
    with house_style():
        drawing = layer_gains(result)
    for run in result.compared:
        speedup, efficiency = result.speedup[run].on_chip, result.energy_efficiency[run].on_chip
        told = f"{run} {times(speedup)} faster and {times(efficiency)} more energy-efficient"
        assert told in drawing.alt
        for axes, total in zip(drawing.figure.axes, (speedup, efficiency), strict=True):
            assert f"{run} {times(total)}" in [text.get_text() for text in axes.texts]
    assert "one training step, per sample" in drawing.figure.legends[0].get_title().get_text()


def test_equal_results_give_equal_files(tmp_path: Path) -> None:
    result = made_result()
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        save_figure(replace(result, wall_seconds=folders.index(folder)), folder)
    for name in ("speedup-energy.svg", "speedup-energy.png", "speedup-energy.csv"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_svg_holds_its_words_as_text_and_no_date(tmp_path: Path) -> None:
    save_figure(made_result(), tmp_path)
    text = (tmp_path / "speedup-energy.svg").read_text()
    words = "".join(ElementTree.fromstring(text).itertext())
    assert "resnet18, cifar10" in words
    assert "conv1" in words
    assert "dc:date" not in text


def test_drawing_leaves_the_settings_of_matplotlib_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save_figure(made_result(), tmp_path)
    assert dict(matplotlib.rcParams) == before
