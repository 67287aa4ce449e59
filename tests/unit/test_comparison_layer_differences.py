"""Differences layer by layer: are losses right, gains left, and both as long as the numbers say?"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from reports.comparison.attribution import QUANTITIES, Attribution
from reports.comparison.compare import Comparison
from reports.comparison.drawings import CAUSES, GAINS, LAYERS, comparison_drawings
from reports.comparison.kinds import kind_colour
from reports.comparison.layer_differences import layer_differences
from reports.figures.drawing import Drawing, Rows
from reports.figures.style import house_style
from tests.builders_comparisons import compared, simulated, slowed
from tests.builders_pages import hostile_result
from tests.builders_results import made_result, step_records
from tests.drawn import bars, svg, words

UNITS = {"cycles": "cycles", "energy_pj": "pj"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("real")
    return compared(folder, simulated(folder))


def drawn(attribution: Attribution) -> Drawing:
    with house_style():
        return layer_differences(attribution)


def differences(attribution: Attribution, quantity: str, kind: str) -> list[float]:
    """Of every layer, all stages together."""
    account = attribution.accounts[quantity, "with_dram"]
    found = [0.0] * len(attribution.lineup.lines)
    for part, row in zip(attribution.parts, account.difference, strict=True):
        if part.line is not None:
            found[part.line] += row[account.kinds.index(kind)]
    return found


def test_every_cause_is_drawn_as_long_as_it_is_and_on_its_side(real: Comparison) -> None:
    for attribution in real.attributions:
        for axes, quantity in zip(drawn(attribution).figure.axes, QUANTITIES, strict=True):
            found = bars(axes)
            for kind in attribution.accounts[quantity, "with_dram"].kinds:
                if kind == "other":
                    continue
                wanted = {row: v for row, v in enumerate(differences(attribution, quantity, kind)) if v}
                drawn_bars = found.get(kind_colour(quantity, kind), [])
                assert [round(bar.middle) for bar in drawn_bars] == list(wanted)
                for bar in drawn_bars:
                    change = wanted[round(bar.middle)]
                    middle = bar.left + bar.width / 2
                    assert bar.width == pytest.approx(abs(change), rel=1e-6)
                    assert middle * change > 0


def test_bars_of_a_row_lie_side_by_side_from_zero(real: Comparison) -> None:
    for axes in drawn(real.attributions[0]).figure.axes:
        by_row: dict[int, list[tuple[float, float]]] = {}
        for every in bars(axes).values():
            for bar in every:
                by_row.setdefault(round(bar.middle), []).append((bar.left, bar.left + bar.width))
        for spans in by_row.values():
            spans.sort()
            for (_, end), (begin, _) in pairwise(spans):
                assert begin >= end - 1e-6 * abs(end)
            assert any(abs(edge) < 1e-9 for span in spans for edge in span)


def test_the_stroke_stands_at_the_sum(real: Comparison) -> None:
    for attribution in real.attributions:
        for axes, quantity in zip(drawn(attribution).figure.axes, QUANTITIES, strict=True):
            strokes = [c for c in axes.collections if isinstance(c, LineCollection)][-1]
            found = [segment[0][0] for segment in strokes.get_segments()]
            kinds = attribution.accounts[quantity, "with_dram"].kinds
            sums = np.sum([differences(attribution, quantity, kind) for kind in kinds], axis=0)
            assert found == pytest.approx([value for value in sums if value], rel=1e-6, abs=1e-6)


def test_what_is_drawn_is_in_the_data(real: Comparison) -> None:
    attribution = real.attributions[0]
    data = drawn(attribution).data
    assert data["layer"] == attribution.lineup.texts
    for quantity in QUANTITIES:
        for kind in attribution.accounts[quantity, "with_dram"].kinds:
            if kind != "other":
                assert data[f"{kind}_difference_{UNITS[quantity]}"] == differences(
                    attribution, quantity, kind
                )


def test_the_largest_difference_is_told_be_it_a_loss_or_a_gain(tmp_path: Path) -> None:
    one = made_result(step_records(layers=3))
    faster = compared(tmp_path, {"a": one, "b": slowed(one, {"conv0": 1.1, "conv2": 0.2})}).attributions[0]
    slower = compared(tmp_path, {"a": one, "b": slowed(one, {"conv0": 0.9, "conv1": 3.0})}).attributions[0]
    assert "most of all conv2 -" in drawn(faster).alt and "most of all conv1 +" in drawn(slower).alt


def test_layers_can_be_chosen_in_the_rows(real: Comparison) -> None:
    drawing = drawn(real.attributions[0])
    assert drawing.targets == [Rows(drawing.figure.axes[0], len(real.lineup.texts))]
    assert drawing.stem == "layer-differences-b"


def test_legend_and_titles_name_what_is_seen(tmp_path: Path) -> None:
    one = made_result()
    found = compared(tmp_path, {"a": one, "b": slowed(one, {"bn0": 2.0})}).attributions[0]
    said = words(drawn(found))
    assert {"busy (cycles), MAC (energy)", "buffer", "together", "B b less A a (pruned), with DRAM"} <= said
    assert any("other work +" in text and "not drawn" in text for text in said)


def test_equal_comparisons_give_equal_files(real: Comparison) -> None:
    assert svg(drawn(real.attributions[1])) == svg(drawn(real.attributions[1]))


def test_equal_runs_are_rows_without_bars(tmp_path: Path) -> None:
    drawing = drawn(compared(tmp_path, {"a": made_result(), "b": made_result()}).attributions[0])
    assert all(not any(bars(axes).values()) for axes in drawing.figure.axes)
    assert svg(drawing)


@pytest.mark.parametrize("layers", [1, 60])
def test_few_and_many_layers_are_drawn(layers: int, tmp_path: Path) -> None:
    one = made_result(step_records(layers=layers))
    found = compared(tmp_path, {"a": one, "b": slowed(one, {"conv0": 2.0})}).attributions[0]
    assert svg(drawn(found))
    labels = [label.get_text() for label in drawn(found).figure.axes[0].get_yticklabels()]
    assert labels == [*(f"conv{n}" for n in range(layers)), "fc"]


def test_hostile_names_are_drawn(tmp_path: Path) -> None:
    one = hostile_result()
    names = one.layer_names()
    found = compared(tmp_path, {"a": one, "b\n": slowed(one, {names[0]: 3.0})}).attributions[0]
    drawing = drawn(found)
    assert b"<script" not in svg(drawing)
    assert bars(drawing.figure.axes[0])


def test_runs_without_a_common_layer_have_no_figure_by_layer(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": hostile_result()})
    with house_style():
        parts = comparison_drawings(found)
    assert parts[LAYERS] == []
    assert [d.stem for d in parts[GAINS] + parts[CAUSES]] == ["overview", "waterfall-b"]
