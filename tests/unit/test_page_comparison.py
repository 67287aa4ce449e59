"""The page of a comparison: does it hold the numbers of the comparison, escaped and the same every time?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from reports.comparison.compare import Comparison
from reports.comparison.drawings import comparison_drawings
from reports.figures.style import house_style
from reports.files import PAGE, write_report
from reports.page.comparison_tables import layers_table, settings_tables
from reports.page.comparison_totals import totals_table
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


def test_totals_have_a_spread_only_where_one_is_known(real: Comparison, tmp_path: Path) -> None:
    headings = [column.heading for column in totals_table(real).columns]
    assert "cycles\n+-" in headings and "efficiency\n+-" in headings
    single = compared(tmp_path, {"a": made_result(), "b": made_result(prune=0.5)})
    assert not any("+-" in column.heading for column in totals_table(single).columns)


def test_what_differs_is_told_in_full(tmp_path: Path) -> None:
    """On the page and in the CSV, whatever its length and wherever it differs."""
    one, long = made_result(), "drawn " * 30
    profiles = [replace(one.profile, source=f"{long}{end}") for end in ("once", "twice")]
    found = compared(tmp_path, {str(at): replace(one, profile=new) for at, new in enumerate(profiles)})
    table = next(table for table in settings_tables(found) if table.stem == "table-inputs")
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["sparsity, source", f"{long}once", f"{long}twice", ""]
    ]


def test_what_looks_alike_and_is_not_is_told_apart(tmp_path: Path) -> None:
    one = made_result()
    names = [replace(one.profile, name=name) for name in ("a\x00", "a\x01")]
    found = compared(tmp_path, {str(at): replace(one, profile=new) for at, new in enumerate(names)})
    cells = [cell.text for cell in settings_tables(found)[0].rows[0].cells]
    assert cells == ["sparsity, name", "'a\\x00'", "'a\\x01'", ""]


def test_transferred_sparsity_is_a_warning(tmp_path: Path) -> None:
    one = made_result()
    other = replace(one, profile=replace(one.profile, transferred_from="densities of elsewhere"))
    warnings = page_of(compared(tmp_path, {"a": one, "b": other})).warnings
    said = "B: TRANSFERRED sparsity, not all of it recorded on resnet18 on cifar10: densities of elsewhere."
    assert warnings[0] == said


@pytest.mark.parametrize(("others", "cards"), [(1, 4), (2, 8), (4, 8), (5, 4)])
def test_cards_are_of_all_sides_or_it_is_said_of_which(others: int, cards: int, tmp_path: Path) -> None:
    runs = {str(at): made_result(seed=at) for at in range(others + 1)}
    page = page_of(compared(tmp_path, runs))
    letters = {card.small.partition(" over ")[0] for card in page.cards}
    said = any("of B only" in text for text in page.sections[0].paragraphs)
    assert len(page.cards) == cards and said == (letters == {"B"} and others > 1)
    assert letters == ({"B"} if others > 4 else set("BCDEF"[:others]))


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
