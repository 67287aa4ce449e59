"""Densities per layer: are the markers the densities of the right stage, and told apart by run?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from reports.figures.drawing import Drawing
from reports.figures.layer_densities import layer_densities
from reports.figures.style import house_style
from reports.language import DENSITIES, PAPER
from sparsesim.results.model import LayerResult, Result
from tests.builders_results import made_result, step_records
from tests.drawn import svg, words

OPERANDS = ("input", "grad_output", "grad_input_mask")
# Of conv0, conv1 and fc: the first has no GTA, the last Forward only.
STAGES = {
    "input": ["forward", "forward", "forward"],
    "grad_output": ["gtw", "gta", None],
    "grad_input_mask": [None, "gta", None],
}


def different(layer: LayerResult) -> LayerResult:
    """The layer with densities that no other layer, stage, run and operand has."""
    place = 9 * layer.index + 3 * ("forward", "gta", "gtw").index(layer.stage)
    run = 0.01 if layer.run == "pruned" else 0.02
    return replace(layer, density={name: run + (place + i) / 40 for i, name in enumerate(OPERANDS)})


def with_densities(result: Result) -> Result:
    layers = tuple(layer if layer.stage == "other" else different(layer) for layer in result.layers)
    return replace(result, layers=layers)


@pytest.fixture(scope="module")
def result() -> Result:
    return with_densities(made_result(step_records(layers=2)))


def drawn(result: Result) -> Drawing:
    with house_style():
        return layer_densities(result)


def markers(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.lines}


def expected(result: Result, run: str, operand: str) -> list[float | None]:
    found = result.of_run(run)
    return [
        found[name, stage].density[operand] if stage else None
        for name, stage in zip(result.layer_names(), STAGES[operand], strict=True)
    ]


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("run", ["natural", "pruned"])
def test_markers_and_data_are_the_densities_of_the_stage_that_reads_the_operand(
    result: Result, run: str, operand: str
) -> None:
    drawing = drawn(result)
    line = markers(drawing.figure.axes[OPERANDS.index(operand)])[run]
    wanted = expected(result, run, operand)
    np.testing.assert_array_equal(line.get_xdata(), np.array(wanted, dtype=float))
    assert list(line.get_ydata()) == [0, 1, 2]
    assert drawing.data[f"{run}_{operand}_density"] == wanted


def test_natural_is_hollow_and_wide_enough_to_be_seen_around_pruned(result: Result) -> None:
    for axes, operand in zip(drawn(result).figure.axes, OPERANDS, strict=True):
        natural, pruned = (markers(axes)[run] for run in ("natural", "pruned"))
        colour = DENSITIES[operand].light
        assert to_hex(natural.get_markerfacecolor()) == PAPER.light
        assert to_hex(natural.get_markeredgecolor()) == colour
        assert to_hex(pruned.get_markerfacecolor()) == colour
        assert natural.get_markersize() > pruned.get_markersize() + natural.get_markeredgewidth()


def test_dense_is_in_neither_figure_nor_data(result: Result) -> None:
    drawing = drawn(result)
    assert all("dense" not in column for column in drawing.data)
    assert all(set(markers(axes)) == {"natural", "pruned"} for axes in drawing.figure.axes)


def test_words_say_what_is_seen(result: Result) -> None:
    drawing = drawn(result)
    assert {"I", "dO", "mask of dI", "natural", "pruned", "fraction of non-zeros"} <= words(drawing)
    assert "I natural .02 to .47" in drawing.alt


@pytest.mark.parametrize("runs", [("dense", "natural"), ("dense", "recorded")])
def test_a_single_compared_run_is_drawn(runs: tuple[str, ...]) -> None:
    drawing = drawn(made_result(step_records(runs=runs, layers=50)))
    assert all(set(markers(axes)) == {runs[1]} for axes in drawing.figure.axes)
    assert svg(drawing)


def test_equal_results_give_equal_files(result: Result) -> None:
    assert svg(drawn(result)) == svg(drawn(with_densities(made_result(step_records(layers=2)))))
