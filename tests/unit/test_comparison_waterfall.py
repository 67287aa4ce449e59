"""The waterfall: do its steps lead from the one run to the other, each as long as its cause?"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from reports.comparison.attribution import KINDS, QUANTITIES, Attribution, totals
from reports.comparison.compare import Comparison
from reports.comparison.waterfall import waterfall
from reports.figures.drawing import Drawing
from reports.figures.style import house_style
from reports.language import CAUSES, COMPONENTS, run_colour
from sparsesim.energy import EnergyModel, default_table
from sparsesim.results.model import Result
from sparsesim.results.parts import ACCOUNTINGS, Accounts
from sparsesim.results.result import build_result
from tests.builders_comparisons import compared, simulated, slowed
from tests.builders_pages import hostile_result
from tests.builders_results import MACHINE, PROFILE, made_result, step_records
from tests.drawn import bars, svg, words

PANELS = [(quantity, accounting) for quantity in QUANTITIES for accounting in ACCOUNTINGS]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("real")
    return compared(folder, simulated(folder))


def drawn(attribution: Attribution) -> Drawing:
    with house_style():
        return waterfall(attribution)


def of_made(folder: Path, one: Result, other: Result) -> Attribution:
    return compared(folder, {"a": one, "b": other}).attributions[0]


def strokes(axes: Axes) -> dict[int, float]:
    """Where the vertical lines stand that lie within a row."""
    segments = [s for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    found = {}
    for (x, low), (_, high) in segments:
        if round(low) == round(high):
            found[round(low)] = float(x)
    return found


def test_a_step_is_as_long_as_its_cause_and_begins_where_the_last_one_ends(real: Comparison) -> None:
    for attribution in real.attributions:
        for axes, (quantity, accounting) in zip(drawn(attribution).figure.axes, PANELS, strict=True):
            found = {bar.middle: bar for every in bars(axes).values() for bar in every}
            split = attribution.accounts[quantity, accounting].by_kind()
            before, after = (
                totals(side, quantity)[accounting] for side in (attribution.reference, attribution.side)
            )
            last = len(KINDS[quantity, "with_dram"]) + 1
            if axes.get_xlim()[0] > 0:
                assert strokes(axes) == {0: pytest.approx(before), last: pytest.approx(after)}
                assert 0 not in found and last not in found
            else:
                assert strokes(axes) == {}
                assert found[0].width == pytest.approx(before) and found[last].width == pytest.approx(after)
            level = before
            for row, kind in enumerate(KINDS[quantity, "with_dram"], start=1):
                change = split[kind][2] if kind in split else 0.0
                if change:
                    bar = found[row]
                    assert bar.width == pytest.approx(abs(change), rel=1e-6, abs=1e-9 * before)
                    assert bar.left == pytest.approx(min(level, level + change))
                else:
                    assert row not in found
                level += change
            assert level == pytest.approx(after)


def test_causes_and_components_have_the_colours_they_have_everywhere(real: Comparison) -> None:
    figure = drawn(real.attributions[0]).figure
    for axes, (quantity, _) in zip(figure.axes, PANELS, strict=True):
        family = CAUSES if quantity == "cycles" else COMPONENTS
        allowed = {colour.light for colour in family.values()} | {run_colour("recorded")}
        found = bars(axes)
        assert set(found) <= allowed
        totals_drawn = len(found.get(run_colour("recorded"), ())) + len(strokes(axes))
        assert totals_drawn == 2


def test_what_is_drawn_is_in_the_data(real: Comparison) -> None:
    for attribution in real.attributions:
        data = drawn(attribution).data
        rows = zip(
            data["quantity"], data["accounting"], data["step"], data["difference_cycles_or_pj"], strict=True
        )
        found = {row[:3]: row[3] for row in rows}
        for (quantity, accounting), account in attribution.accounts.items():
            for kind, (_, _, change) in account.by_kind().items():
                assert found[quantity, accounting, kind] == change
            assert found[quantity, accounting, "A"] == totals(attribution.reference, quantity)[accounting]


def test_titles_labels_and_alternative_text_say_what_is_seen(real: Comparison) -> None:
    drawing = drawn(real.attributions[0])
    said = words(drawing)
    assert {"A", "B", "busy", "PPU", "MAC", "leakage", "not in this accounting"} <= said
    assert any(text.startswith("cycles with DRAM: ") for text in said)
    assert "B groups112 less A base (recorded)" in said
    assert drawing.stem == "waterfall-b"
    assert "Cycles on chip, " in drawing.alt and "leakage +" in drawing.alt


def test_stems_differ_by_side(real: Comparison) -> None:
    assert [drawn(a).stem for a in real.attributions] == ["waterfall-b", "waterfall-c"]


def test_a_scale_that_does_not_begin_at_zero_says_so(real: Comparison) -> None:
    for attribution in real.attributions:
        for axes in drawn(attribution).figure.axes:
            assert (axes.get_xlim()[0] > 0) == ("does not begin at 0" in axes.get_xlabel())


@pytest.mark.parametrize(("share", "cut"), [(0.02, True), (0.14, True), (0.2, False)])
def test_thin_steps_are_drawn_on_a_part_of_the_scale(share: float, cut: bool, tmp_path: Path) -> None:
    """As far from the lowest step to the left end as the steps are wide: half of the scale is steps."""
    one = made_result()
    axes = drawn(of_made(tmp_path, one, slower(one, 1 + share))).figure.axes[0]
    low, high = one.runs["pruned"].cycles.on_chip, one.runs["pruned"].cycles.on_chip * (1 + share)
    assert axes.get_xlim()[0] == pytest.approx(low - (high - low) if cut else 0.0)


def slower(result: Result, by: float) -> Result:
    """The result with all cycles of its layers and runs so many times as long."""
    found = slowed(result, {layer.name: by for layer in result.layers})
    runs = {
        name: replace(run, cycles=Accounts(run.cycles.on_chip * by, run.cycles.with_dram * by))
        for name, run in result.runs.items()
    }
    return replace(found, runs=runs)


def test_equal_comparisons_give_equal_files(real: Comparison) -> None:
    assert svg(drawn(real.attributions[0])) == svg(drawn(real.attributions[0]))


def free_of_charge() -> Result:
    """A result whose energy table charges nothing."""
    table = default_table()
    nothing = {
        component: {
            name: row.model_copy(update={"low": 0.0, "centre": 0.0, "high": 0.0})
            for name, row in rows.items()
        }
        for component, rows in table.components.items()
    }
    table = table.model_copy(update={"components": nothing})
    models = EnergyModel(MACHINE, table), EnergyModel(MACHINE.dense_baseline(), table)
    about = {"network": "n", "dataset": "d", "batch": 1, "seed": 0, "profile": PROFILE, "wall_seconds": 1.0}
    return build_result(step_records(), MACHINE, *models, **about)


@pytest.mark.parametrize("case", ["equal", "hostile", "no energy", "one layer"])
def test_unusual_results_are_drawn(case: str, tmp_path: Path) -> None:
    one = made_result()
    other = {
        "equal": lambda: one,
        "hostile": hostile_result,
        "no energy": free_of_charge,
        "one layer": lambda: made_result(step_records(layers=1)),
    }[case]()
    first = other if case == "no energy" else one
    drawing = drawn(of_made(tmp_path, first, other))
    assert svg(drawing)
    assert all(math.isfinite(value) for value in drawing.data["difference_cycles_or_pj"])
