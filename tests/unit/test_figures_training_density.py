"""Density over training time: are colours and lines the recorded densities, and is it said whose they are?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import sparsesim
from reports.figures.drawing import Drawing, Rows
from reports.figures.files import picture, settle
from reports.figures.style import house_style
from reports.figures.training_density import training_density
from reports.language import DENSITIES
from sparsesim.results.model import Result
from tests.builders_results import made_result, step_records
from workloads.sparsity.over_time import DensityOverTime

LAYERS = ("conv1", "fc")


def recorded(
    on: str = "resnet18-cifar10",
    layers: tuple[str, ...] = LAYERS,
    epochs: tuple[int, ...] = tuple(range(1, 31)),
) -> DensityOverTime:
    generator = np.random.default_rng(7)
    densities = {name: tuple(generator.random(len(epochs)).tolist()) for name in layers}
    return DensityOverTime(on, "drawn for a test", epochs, densities)


def with_epochs(over_time: DensityOverTime | None) -> Result:
    return replace(made_result(), density_over_time=over_time)


def drawn(result: Result) -> Drawing:
    """Laid out, as it is when it is saved."""
    with house_style():
        drawing = training_density(result)
        assert drawing is not None
        settle(drawing.figure)
        return drawing


def heat(drawing: Drawing) -> Any:
    return drawing.figure.axes[0]


def lines(drawing: Drawing) -> dict[str, Any]:
    (axes,) = [child for child in heat(drawing).child_axes if child.lines]
    return {line.get_label(): line for line in axes.lines} | {"axes": axes}


def test_without_epochs_there_is_no_figure() -> None:
    with house_style():
        assert training_density(with_epochs(None)) is None


def test_rows_are_the_layers_of_the_result_and_colours_the_densities() -> None:
    over_time = recorded()
    result = with_epochs(over_time)
    drawing = drawn(result)
    (image,) = heat(drawing).images
    array = np.ma.filled(image.get_array(), np.nan)
    for place, name in enumerate(result.layer_names()):
        expected = over_time.layers.get(name)
        if expected is None:
            assert np.isnan(array[place]).all()
        else:
            assert array[place].tolist() == list(expected)
    assert [label.get_text() for label in heat(drawing).get_yticklabels()] == list(result.layer_names())
    assert drawing.targets == [Rows(heat(drawing), len(result.layer_names()))]


@pytest.mark.parametrize(
    "over_time",
    [recorded("resnet34-imagenet"), recorded("resnet18-cifar10", ("conv1", "not of this network"))],
)
def test_another_networks_layers_are_not_taken_for_the_results_own(over_time: DensityOverTime) -> None:
    drawing = drawn(with_epochs(over_time))
    assert [label.get_text() for label in heat(drawing).get_yticklabels()] == list(over_time.layers)
    assert drawing.targets == []


def test_it_says_what_it_was_recorded_on() -> None:
    drawing = drawn(with_epochs(recorded("resnet34-imagenet")))
    title = drawing.figure.get_suptitle()
    assert title == "resnet18, cifar10: density of I while resnet34-imagenet was trained"
    assert "resnet34-imagenet" in drawing.title
    assert "Source: drawn for a test." in drawing.lead


def test_the_lines_are_mean_and_extremes_over_the_layers() -> None:
    over_time = recorded(layers=("conv0", "conv1", "fc"))
    drawing = drawn(with_epochs(over_time))
    densities = np.array(list(over_time.layers.values()))
    found = lines(drawing)
    mean = found["mean over the layers"]
    assert mean.get_ydata().tolist() == pytest.approx(densities.mean(axis=0))
    assert mean.get_color() == DENSITIES["input"].light
    assert found["least and most dense layer"].get_ydata().tolist() == densities.min(axis=0).tolist()
    assert found["_most"].get_ydata().tolist() == densities.max(axis=0).tolist()


def test_the_band_is_between_the_quartiles() -> None:
    over_time = recorded(layers=("conv0", "conv1", "fc"))
    (band,) = lines(drawn(with_epochs(over_time)))["axes"].collections
    assert isinstance(band, PolyCollection)
    vertices = band.get_paths()[0].vertices
    lower, upper = np.quantile(list(over_time.layers.values()), (0.25, 0.75), axis=0)
    for place in range(len(over_time.epochs)):
        heights = vertices[vertices[:, 0] == place][:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((lower[place], upper[place]))


def test_the_data_are_the_densities_by_epoch() -> None:
    over_time = recorded()
    data = drawn(with_epochs(over_time)).data
    densities = np.array(list(over_time.layers.values()))
    assert data["epoch"] == list(over_time.epochs)
    assert data["mean_density"] == pytest.approx(densities.mean(axis=0))
    assert data["least_density"] == densities.min(axis=0).tolist()
    for name, values in over_time.layers.items():
        assert data[f"density of {name}"] == list(values)


@pytest.mark.parametrize("epochs", [tuple(range(1, 31)), tuple(range(1, 1001)), (1, 5, 99), (7,)])
def test_ticks_name_the_epoch_at_their_place_and_are_few(epochs: tuple[int, ...]) -> None:
    drawing = drawn(with_epochs(recorded(epochs=epochs)))
    axes = heat(drawing)
    places, ticks = axes.get_xticks(), axes.xaxis.get_major_ticks()
    for labels in ([tick.label1 for tick in ticks], [tick.label2 for tick in ticks]):
        assert [label.get_text() for label in labels] == [str(epochs[place]) for place in places]
    assert 1 <= len(places) <= 12
    assert list(lines(drawing)["axes"].get_xticks()) == list(axes.get_xticks())


def test_colours_begin_at_zero_and_hold_every_density() -> None:
    over_time = recorded()
    (image,) = heat(drawn(with_epochs(over_time))).images
    low, high = image.get_clim()
    assert low == 0
    assert max(map(max, over_time.layers.values())) <= high <= 1


def test_a_single_epoch_without_a_non_zero_is_a_dot() -> None:
    over_time = DensityOverTime("resnet18-cifar10", "none", (7,), {"conv1": (0.0,)})
    drawing = drawn(with_epochs(over_time))
    assert lines(drawing)["mean over the layers"].get_marker() == "o"
    (image,) = heat(drawing).images
    assert image.get_clim() == (0, 0.1)


def test_many_layers_have_a_row_each() -> None:
    result = made_result(step_records(layers=130))
    over_time = recorded(layers=result.layer_names(), epochs=(1, 2))
    drawing = drawn(replace(result, density_over_time=over_time))
    (image,) = heat(drawing).images
    assert image.get_array().shape == (131, 2)


def test_a_simulated_network_brings_the_epochs_of_its_profile() -> None:
    drawing = drawn(sparsesim.simulate("resnet18", "imagenet", samples=1, batch=1, prune=0, threads=1))
    assert "resnet34-imagenet" in drawing.title
    assert len(drawing.data["epoch"]) > 50


def test_equal_results_give_equal_pictures() -> None:
    one, other = (drawn(with_epochs(recorded())).figure for _ in range(2))
    with house_style():
        assert picture(one, "svg") == picture(other, "svg")
