"""Energy by component: are bars, whiskers and words the result's energies, and the accountings kept apart?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex

from reports.figures.drawing import Drawing
from reports.figures.energy_components import TOTAL, energy_components
from reports.figures.files import picture, settle
from reports.figures.style import house_style
from reports.language import COMPONENT_WORDS, COMPONENTS, INK
from reports.numbers import energy
from sparsesim.energy import Range
from sparsesim.results.model import Result
from sparsesim.results.parts import ACCOUNTINGS, Energy
from tests.builders_results import made_result, step_records


def drawn(result: Result) -> Drawing:
    """Laid out, as it is when it is saved."""
    with house_style():
        drawing = energy_components(result)
        settle(drawing.figure)
        return drawing


def panels(drawing: Drawing) -> dict[str, tuple[Any, Any]]:
    """By accounting the axes of the totals and of the components."""
    above, below = drawing.figure.axes[:2], drawing.figure.axes[2:]
    return dict(zip(ACCOUNTINGS, zip(above, below, strict=True), strict=True))


def bars(axes: Any, component: str) -> list[tuple[float, float]]:
    """Left and right end of the bars of a component, from the top."""
    colour = COMPONENTS[component].light
    found = [
        path.get_extents()
        for collection in axes.collections
        if isinstance(collection, PolyCollection) and to_hex(collection.get_facecolor()[0]) == colour
        for path in collection.get_paths()
    ]
    return [(box.x0, box.x1) for box in sorted(found, key=lambda box: box.y0)]


def whiskers(axes: Any) -> dict[float, tuple[float, float]]:
    """Both ends of the whiskers, by row."""
    found = {}
    for collection in axes.collections:
        if isinstance(collection, LineCollection) and to_hex(collection.get_color()[0]) == INK.light:
            for path in collection.get_paths():
                box = path.get_extents()
                found[(box.y0 + box.y1) / 2] = (box.x0, box.x1)
    return found


def components(result: Result, run: str, accounting: str) -> dict[str, Range]:
    return getattr(result.runs[run].energy_pj, f"{accounting}_components")  # type: ignore[no-any-return]


def without_energy(result: Result) -> Result:
    """As with a table that charges nothing."""

    def free(part: Any) -> Any:
        spent, nothing = part.energy_pj, Range(0, 0, 0)
        both = spent.on_chip_components, spent.with_dram_components
        return replace(part, energy_pj=Energy(*(dict.fromkeys(names, nothing) for names in both)))

    return replace(
        result,
        runs={name: free(run) for name, run in result.runs.items()},
        layers=tuple(map(free, result.layers)),
    )


@pytest.mark.parametrize("accounting", ACCOUNTINGS)
def test_bars_are_the_centres_in_the_colour_of_their_component(accounting: str) -> None:
    result = made_result()
    _, axes = panels(drawn(result))[accounting]
    for name in components(result, "dense", accounting):
        centres = [components(result, run, accounting)[name].centre for run in result.runs]
        ends = [end for _, end in bars(axes, name)]
        # What costs nothing (the detector of the dense machine) has no bar.
        assert ends == pytest.approx([centre for centre in centres if centre])


@pytest.mark.parametrize("accounting", ACCOUNTINGS)
def test_whiskers_reach_from_low_to_high_of_the_bar_they_are_on(accounting: str) -> None:
    result = made_result()
    both = panels(drawn(result))
    axes = both[accounting][1]
    # The panels share their rows, named on the left.
    labels = [label.get_text() for label in both["on_chip"][1].get_yticklabels()]
    found = whiskers(axes)
    for name in components(result, "dense", accounting):
        heading = labels.index(COMPONENT_WORDS.get(name, name))
        for place, run in enumerate(result.runs, start=1):
            assert labels[heading + place] == run
            low, _, high = components(result, run, accounting)[name]
            ends = found.get(float(heading + place))
            assert ends == pytest.approx((low, high)) if high else ends is None


@pytest.mark.parametrize("accounting", ACCOUNTINGS)
def test_the_stacks_add_up_to_the_totals_and_their_ranges_are_written(accounting: str) -> None:
    result = made_result()
    axes, _ = panels(drawn(result))[accounting]
    names = components(result, "dense", accounting)
    for place, run in enumerate(result.runs):
        total = getattr(result.runs[run].energy_pj, accounting)
        parts = [path for name in names for path in _paths(axes, name) if abs(_middle(path) - place) < 0.1]
        widths = [path.get_extents().width for path in parts]
        assert sum(widths) == pytest.approx(total.centre)
        assert max(path.get_extents().x1 for path in parts) == pytest.approx(total.centre)
        text = axes.texts[place].get_text()
        assert text == f"{energy(total.centre)} (low {energy(total.low)}, high {energy(total.high)})"


def _paths(axes: Any, component: str) -> list[Any]:
    colour = COMPONENTS[component].light
    return [
        path
        for collection in axes.collections
        if to_hex(collection.get_facecolor()[0]) == colour
        for path in collection.get_paths()
    ]


def _middle(path: Any) -> float:
    box = path.get_extents()
    return float(box.y0 + box.y1) / 2


def test_on_chip_there_is_no_dram_and_it_is_said() -> None:
    parts = panels(drawn(made_result()))
    for axes in parts["on_chip"]:
        assert bars(axes, "dram") == []
    assert len(bars(parts["with_dram"][1], "dram")) == 3
    texts = [text.get_text() for text in parts["on_chip"][1].texts]
    assert "not part of this accounting" in texts


def test_the_data_are_the_three_columns_of_every_component_and_total() -> None:
    result = made_result()
    data = drawn(result).data
    table = {
        row[:3]: Range(*row[3:])
        for row in zip(
            *(data[name] for name in ("accounting", "run", "component", "low_pj", "centre_pj", "high_pj")),
            strict=True,
        )
    }
    assert len(table) == len(data["run"])
    for accounting in ACCOUNTINGS:
        for run in result.runs:
            expected = components(result, run, accounting)
            assert {name: table[accounting, run, name] for name in expected} == expected
            assert table[accounting, run, TOTAL] == getattr(result.runs[run].energy_pj, accounting)


def test_every_bar_has_its_value_with_unit_beside_it() -> None:
    result = made_result()
    for accounting, (_, axes) in panels(drawn(result)).items():
        shown = [text.get_text() for text in axes.texts if text.get_text()[0].isdigit()]
        expected = [
            energy(components(result, run, accounting)[name].centre)
            for name in components(result, "dense", accounting)
            for run in result.runs
        ]
        assert shown == expected


def test_values_stand_beside_the_panel_clear_of_every_whisker() -> None:
    drawing = drawn(made_result())
    renderer = drawing.figure.canvas.get_renderer()
    for _, axes in panels(drawing).values():
        edge = axes.get_window_extent(renderer).x1
        numbers = [text for text in axes.texts if text.get_text()[0].isdigit()]
        assert all(text.get_window_extent(renderer).x0 > edge for text in numbers)
        assert all(high < axes.get_xlim()[1] for _, high in whiskers(axes).values())


def with_components(result: Result, run: str, on_chip: dict[str, float], dram: float) -> Result:
    """The low column is half, the high one twice these energies in pJ; on_chip also leaks 1e6 less."""
    chip = {name: Range(value / 2, value, 2 * value) for name, value in on_chip.items()}
    more = on_chip["leakage"] + 1e6
    whole = chip | {"leakage": Range(more / 2, more, 2 * more), "dram": Range(dram / 2, dram, 2 * dram)}
    changed = replace(result.runs[run], energy_pj=Energy(chip, whole))
    return replace(result, runs=dict(result.runs) | {run: changed})


def test_the_words_tell_totals_and_the_largest_part_of_each_accounting() -> None:
    result = made_result()
    for place, run in enumerate(result.runs, start=1):
        parts = {"mac": 1e6, "leakage": place * 4e6, "wires": 2e6}
        result = with_components(result, run, parts, 50e6)
    on_chip, with_dram = drawn(result).alt.split("; ")
    assert on_chip.startswith("on chip: dense 7.00 uJ (low 3.50 uJ, high 14.0 uJ), ")
    assert "natural 11.0 uJ (low 5.50 uJ, high 22.0 uJ), the largest part leakage with 8.00 uJ" in on_chip
    assert with_dram.startswith("with DRAM: dense 58.0 uJ (low 29.0 uJ, high 116 uJ), ")
    assert with_dram.endswith("high 132 uJ), the largest part DRAM with 50.0 uJ.")


def test_axes_are_in_the_unit_they_name() -> None:
    drawing = drawn(made_result())
    sizes = {"mJ": 1e9, "uJ": 1e6, "nJ": 1e3, "pJ": 1.0}
    for axes in drawing.figure.axes:
        unit = axes.get_xlabel().partition("[")[2].rstrip("]")
        written = [float(label.get_text().replace(",", "")) for label in axes.get_xticklabels()]
        assert np.array(written) * sizes[unit] == pytest.approx(axes.get_xticks())


def test_a_table_that_charges_nothing_is_drawn_without_bars() -> None:
    drawing = drawn(without_energy(made_result()))
    assert all(not whiskers(axes) for axes in drawing.figure.axes)
    assert set(drawing.data["centre_pj"]) == {0}


def test_a_trace_has_no_whole_training_step() -> None:
    title = drawn(made_result(step_records(("dense", "recorded")))).figure.axes[1].get_title("left")
    assert title == "with DRAM: convolution and FC layers"
    assert "whole training step" in drawn(made_result()).figure.axes[1].get_title("left")


def test_equal_results_give_equal_pictures() -> None:
    one, other = (drawn(made_result()).figure for _ in range(2))
    with house_style():
        assert picture(one, "svg") == picture(other, "svg")
