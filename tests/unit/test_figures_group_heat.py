"""Heat maps over the PE groups: is every cell the share of its group, and only what is known shown?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from reports.figures.drawing import Drawing, Rows
from reports.figures.group_heat import group_heat
from reports.figures.style import house_style
from reports.language import CAUSE_WORDS, RAMP
from sparsesim.machine import Machine
from sparsesim.results.interval import FloatArray
from sparsesim.results.model import LayerResult, Result
from sparsesim.results.parts import ON_CHIP_CAUSES
from tests.builders_results import MACHINE, made_result, step_records
from tests.drawn import svg, words

PANELS = [("dense", "busy"), *(("pruned", cause) for cause in ON_CHIP_CAUSES)]


def of_groups(layer: LayerResult, groups: int) -> FloatArray:
    """Cycles of a layer's groups by cause, different in every group."""
    stage = ("forward", "gta", "gtw").index(layer.stage)
    generator = np.random.default_rng([layer.index, stage, len(layer.run)])
    return generator.integers(1, 1000, (groups, len(ON_CHIP_CAUSES))).astype(float)


def with_groups(result: Result, machine: Machine = MACHINE) -> Result:
    layers = tuple(
        layer
        if layer.stage == "other"
        else replace(layer, cycles_of_groups=of_groups(layer, machine.array.groups))
        for layer in result.layers
    )
    return replace(result, layers=layers, machine=machine)


@pytest.fixture(scope="module")
def result() -> Result:
    return with_groups(made_result())


def drawn(result: Result) -> Drawing:
    with house_style():
        drawing = group_heat(result)
    assert drawing is not None
    return drawing


def cycles(result: Result, run: str, layer: str) -> FloatArray:
    """All stages of a layer together."""
    stages = [one for (name, stage), one in result.of_run(run).items() if name == layer and stage != "other"]
    return np.sum([one.cycles_of_groups for one in stages], axis=0)


def test_every_cell_is_the_share_of_its_group_in_its_layer(result: Result) -> None:
    for axes, (run, cause) in zip(drawn(result).figure.axes, PANELS, strict=True):
        (image,) = axes.images
        for row, layer in enumerate(result.layer_names()):
            found = cycles(result, run, layer)
            wanted = found[:, ON_CHIP_CAUSES.index(cause)] / found.sum(axis=1)
            np.testing.assert_allclose(np.asarray(image.get_array())[row], wanted)


def test_rows_are_layers_and_colours_the_ramp_from_nothing_to_all(result: Result) -> None:
    drawing = drawn(result)
    assert drawing.targets == [Rows(drawing.figure.axes[0], 3)]
    (image,) = drawing.figure.axes[0].images
    assert list(image.get_extent()) == [-0.5, MACHINE.array.groups - 0.5, 2.5, -0.5]
    assert drawing.figure.axes[0].get_ylim() == (2.5, -0.5)
    assert [to_hex(image.to_rgba(share)) for share in (0.0, 1.0)] == [RAMP[0][1], RAMP[-1][1]]


def test_lines_are_between_the_clusters(result: Result) -> None:
    axes = drawn(result).figure.axes[0]
    (lines,) = (one for one in axes.collections if isinstance(one, LineCollection))
    each = MACHINE.groups_per_cluster
    found = [segment[0][0] for segment in lines.get_segments()]
    assert found == [each * cluster - 0.5 for cluster in range(1, MACHINE.array.clusters)]


def test_the_data_are_the_cycles_of_every_group_by_cause(result: Result) -> None:
    data = drawn(result).data
    groups = MACHINE.array.groups
    assert list(zip(data["run"], data["layer"], data["group"], strict=True)) == [
        (run, layer, group)
        for run in ("dense", "pruned")
        for layer in result.layer_names()
        for group in range(groups)
    ]
    wanted = np.concatenate(
        [cycles(result, run, layer) for run in ("dense", "pruned") for layer in result.layer_names()]
    )
    found = np.array([data[f"{cause}_cycles"] for cause in ON_CHIP_CAUSES]).T
    np.testing.assert_array_equal(found, wanted)


def test_words_say_what_is_seen(result: Result) -> None:
    drawing = drawn(result)
    assert {f"{run}\n{CAUSE_WORDS[cause].partition(':')[0]}" for run, cause in PANELS} <= words(drawing)
    assert {"PE group", "share of on-chip cycles", *result.layer_names()} <= words(drawing)


def shares_of(result: Result, **shares: float) -> Result:
    """With these shares of the last run's causes in one group of the first layer, else busy only."""
    states = np.zeros((MACHINE.array.groups, len(ON_CHIP_CAUSES)))
    states[:, 0] = 100
    for cause, share in shares.items():
        states[3, ON_CHIP_CAUSES.index(cause)] = 100 * share
        states[3, 0] -= 100 * share
    busy = np.zeros_like(states)
    busy[:, 0] = 100
    first = result.layer_names()[0]
    layers = tuple(
        layer
        if layer.stage == "other"
        else replace(layer, cycles_of_groups=states if (layer.run, layer.name) == ("pruned", first) else busy)
        for layer in result.layers
    )
    return replace(result, layers=layers)


def test_every_cause_that_matters_somewhere_is_drawn_and_the_others_are_said_not_to_be(
    result: Result,
) -> None:
    drawing = drawn(shares_of(result, reject=0.3, ppu=0.051, dispatch=0.049))
    titles = [axes.get_title() for axes in drawing.figure.axes if axes.images]
    assert titles == ["dense\nbusy", "pruned\nbusy", "pruned\nreject", "pruned\nPPU"]
    assert "in the data only: imbalance, buffer, dispatch." in drawing.lead
    assert "Not drawn by group: natural." in drawing.lead
    assert "pruned reject 0% to 30%" in drawing.alt


def test_panels_are_not_narrower_where_there_are_more(result: Result) -> None:
    few, many = drawn(shares_of(result)), drawn(result)
    assert len(many.figure.axes) > len(few.figure.axes)
    assert many.figure.get_figwidth() > few.figure.get_figwidth()


def test_a_result_that_knows_only_sums_over_the_groups_has_no_such_figure(result: Result) -> None:
    one = next(layer for layer in result.layers if layer.run == "pruned")
    layers = tuple(
        replace(layer, cycles_of_groups=None) if layer is one else layer for layer in result.layers
    )
    with house_style():
        assert group_heat(replace(result, layers=layers)) is None


def test_a_layer_without_cycles_is_left_empty(result: Result) -> None:
    layers = tuple(
        replace(layer, cycles_of_groups=np.zeros((MACHINE.array.groups, len(ON_CHIP_CAUSES))))
        if layer.name == "conv1"
        else layer
        for layer in result.layers
    )
    drawing = drawn(replace(result, layers=layers))
    (image,) = drawing.figure.axes[0].images
    assert np.ma.getmaskarray(np.ma.masked_invalid(image.get_array()))[1].all()
    assert image.to_rgba(np.array([np.nan]))[0][3] == 0
    assert svg(drawing)


@pytest.mark.parametrize(("groups", "clusters"), [(1, 1), (4, 4), (1024, 64)])
def test_any_number_of_groups_is_drawn_without_lines_that_would_hide_them(groups: int, clusters: int) -> None:
    array = MACHINE.array.model_copy(update={"groups": groups, "clusters": clusters})
    machine = MACHINE.model_copy(update={"array": array})
    drawing = drawn(with_groups(made_result(step_records(runs=("dense", "recorded"), layers=1)), machine))
    axes = drawing.figure.axes[0]
    assert np.asarray(axes.images[0].get_array()).shape == (2, groups)
    assert not [one for one in axes.collections if isinstance(one, LineCollection) and one.get_segments()]
    assert svg(drawing)


def test_a_built_result_knows_its_groups() -> None:
    drawing = drawn(made_result())
    assert drawing.data["busy_cycles"][0] > 0


def test_equal_results_give_equal_files(result: Result) -> None:
    assert svg(drawn(result)) == svg(drawn(with_groups(made_result())))
