"""The page of a comparison: does it hold the numbers of the comparison, escaped and the same every time?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.comparison.compare import Comparison
from reports.figures.of_comparison import comparison_drawings
from reports.figures.style import house_style
from reports.files import PAGE, write_report
from reports.page.comparison_tables import layers_table, totals_table
from reports.page.model import Page
from reports.page.of_comparison import comparison_page
from reports.page.render import render
from tests.builders_comparisons import compared, simulated
from tests.builders_pages import HOSTILE, hostile_result
from tests.builders_results import made_result


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("real")
    return compared(folder, simulated(folder), manifest={"volatile": {"argv": ["sparsesim", "run", "x"]}})


def page_of(comparison: Comparison) -> Page:
    with house_style():
        drawings = comparison_drawings(comparison)
    return comparison_page(comparison, drawings)


def test_the_cards_are_the_changes_of_every_side(real: Comparison) -> None:
    cards = page_of(real).cards
    assert [card.words for card in cards[:4]] == [
        "cycles on chip",
        "energy on chip",
        "cycles with DRAM",
        "energy with DRAM",
    ]
    cycles = [side.measures.cycles.on_chip for side in real.sides]
    percent = float(cards[0].number.removesuffix("%"))
    assert percent == pytest.approx(100 * (cycles[1] / cycles[0] - 1), rel=0.05)
    assert cards[0].small.startswith("B over A, recorded: -") and cards[4].small.startswith("C over A")


def test_the_table_of_layers_adds_up(real: Comparison) -> None:
    for attribution in real.attributions:
        rows = layers_table(attribution).rows
        cells = [[cell.value for cell in row.cells] for row in rows]
        before, after = (side.measures for side in (attribution.reference, attribution.side))
        assert math.fsum(row[4] for row in cells) == pytest.approx(
            after.cycles.with_dram - before.cycles.with_dram
        )
        assert math.fsum(row[6] for row in cells) == pytest.approx(
            after.cycles.on_chip - before.cycles.on_chip
        )
        spent = after.energy_pj.with_dram.centre - before.energy_pj.with_dram.centre
        assert math.fsum(row[7] for row in cells) == pytest.approx(spent)
        for row in cells:
            assert math.fsum(row[10:]) == pytest.approx(row[4], abs=1e-6)
            assert row[3] - row[2] == pytest.approx(row[4], abs=1e-6)


def test_rows_and_figures_share_their_layers(real: Comparison) -> None:
    page = page_of(real)
    html = render(page)
    assert page.layers == real.lineup.texts
    for place in range(len(page.layers)):
        assert len(re.findall(rf'data-layer="{place}"', html)) >= 4  # two figures and a row of each table


def test_totals_hold_the_ratios_to_the_reference(real: Comparison) -> None:
    rows = [
        [cell.value if cell.value is not None else cell.text for cell in row.cells]
        for row in totals_table(real).rows
    ]
    for side in real.sides:
        found = next(row for row in rows if row[:3] == ["recorded", "with DRAM", side.label])
        wanted = side.measures.cycles.with_dram / real.sides[0].measures.cycles.with_dram
        assert found[3] == side.measures.cycles.with_dram and found[4] == pytest.approx(wanted)


def test_stems_are_unique_and_safe(real: Comparison) -> None:
    page = page_of(real)
    stems = [d.stem for s in page.sections for d in s.drawings] + [
        t.stem for s in page.sections for t in s.tables
    ]
    assert len(set(stems)) == len(stems)
    assert all(re.fullmatch(r"[a-z-]+", stem) for stem in stems)


def test_equal_comparisons_give_equal_files(real: Comparison, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(page_of(real), tmp_path / name, ("html", "svg"))
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert PAGE in files and "waterfall-c.svg" in files and "layer-differences-b.csv" in files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    one = hostile_result()
    other = replace(made_result(), network=HOSTILE[0], notes=HOSTILE)
    manifest = {"volatile": {"argv": ["x", *HOSTILE]}, "versions": {HOSTILE[0]: HOSTILE[1]}}
    html = render(page_of(compared(tmp_path, {"a": one, "<b>'\"": other}, manifest=manifest)))
    assert html.count("<script") == 1 and "<img" not in html and "<b>" not in html
    assert "onload=window" not in re.sub(r"&lt;[^<]*", "", html)
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)


def test_networks_without_a_common_layer_have_no_part_by_layer(tmp_path: Path) -> None:
    page = page_of(compared(tmp_path, {"a": made_result(), "b": hostile_result()}))
    assert "Layer by layer" not in [section.title for section in page.sections]
    assert any("no layer in common" in warning for warning in page.warnings)


def test_how_a_run_was_made_is_told_for_each(real: Comparison) -> None:
    details = dict(page_of(real).sections[-1].details)
    assert details["A base: command"] == "python -m sparsesim run x"
    assert "groups: 112" in details["B groups112: machine"]
