"""Can the layers of a run be followed from figure to figure, by mouse, by keyboard and by address?"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.opened_page import opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def _chosen(page: Page) -> set[str]:
    found = page.eval_on_selector_all(".chosen", "all => all.map((one) => one.dataset.layer)")
    return set(map(str, found))


def test_a_layer_that_is_clicked_is_shown_everywhere(browser: Browser, run_report: Path) -> None:
    with opened(browser, run_report) as found:
        page = found.page
        page.locator("figure [data-layer='3']").first.click()
        marks = page.locator("[data-layer='3']")
        assert (
            marks.count()
            == page.locator("[data-layer='3'].chosen").count()
            > page.locator("figure .choosable").count()
        )
        assert _chosen(page) == {"3"}
        name = marks.first.locator("title").text_content()
        expect(page.locator("#chosen")).to_contain_text(str(name))
        _check_panel(page, "3")
        page.locator("tbody tr[data-layer='1']").first.click()
        assert _chosen(page) == {"1"}
        assert page.evaluate("location.hash") == "#layer-1"
        page.keyboard.press("Escape")
        assert _chosen(page) == set()
        expect(page.locator("#chosen")).to_be_hidden()


def _check_panel(page: Page, layer: str) -> None:
    """The panel says all that the table does of the layer, a column per stage."""
    rows = page.locator(f"#table-layers tbody tr[data-layer='{layer}']")
    cells = [row.locator("td").all_text_contents() for row in rows.all()]
    panel = [line.locator("td").all_text_contents() for line in page.locator("#chosen tr").all()]
    assert panel == [list(line) for line in zip(*cells, strict=True)]
    headings = page.locator("#chosen th").all_text_contents()
    wanted = page.locator("#table-layers thead th").all_inner_texts()[1:]
    assert headings == [" ".join(heading.split()) for heading in wanted]


def test_the_reader_is_brought_back_when_the_panel_closes(browser: Browser, run_report: Path) -> None:
    with opened(browser, run_report) as found:
        page = found.page
        box = page.locator(".choosable").first
        box.focus()
        page.keyboard.press("ArrowDown")
        page.get_by_role("button", name="Close").focus()
        page.keyboard.press("Enter")
        assert _chosen(page) == set()
        assert box.evaluate("box => box === document.activeElement")


def test_layers_by_keyboard(browser: Browser, run_report: Path) -> None:
    """Every figure that can be chosen in is reached with Tab, and its layers with the arrows."""
    with opened(browser, run_report) as found:
        page = found.page
        layers = page.locator("[data-layer]").evaluate_all(
            "all => all.map((one) => Number(one.dataset.layer))"
        )
        last = max(layers)
        for box in page.locator(".choosable").all():
            page.keyboard.press("Escape")
            box.focus()
            for key, layer in (
                ("ArrowDown", 0),
                ("ArrowDown", 1),
                ("End", last),
                ("Home", 0),
                ("ArrowUp", 0),
            ):
                page.keyboard.press(key)
                assert _chosen(page) == {str(layer)}
        assert (
            _reached_with_tab(page)
            >= page.locator(".choosable").count() + page.locator("thead button").count()
        )


def _reached_with_tab(page: Page) -> int:
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(300):
        page.keyboard.press("Tab")
        place = page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        if place in reached:
            break
        reached.add(place)
    return len(reached)


def test_a_layer_can_be_linked_to(browser: Browser, run_report: Path) -> None:
    with opened(browser, run_report, anchor="#layer-2") as found:
        assert _chosen(found.page) == {"2"}
        found.page.evaluate("location.hash = '#layer-4'")
        expect(found.page.locator("rect.chosen[data-layer='4']").first).to_be_attached()
        assert _chosen(found.page) == {"4"}
        found.page.evaluate("location.hash = '#layer-4000'")
        assert _chosen(found.page) == {"4"}


_LAYER_UNDER_EVERY_NAME = """
(names) => [...document.querySelectorAll("svg.figure text")]
  .filter((text) => names.includes(text.textContent))
  .map((text) => {
    text.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const box = text.getBoundingClientRect();
    const all = document.elementsFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    const mark = all.find((one) => one.dataset.layer !== undefined);
    return [text.textContent, mark ? mark.dataset.layer : null];
  })
"""


def test_rows_stand_where_the_layers_are(browser: Browser, run_report: Path) -> None:
    """A click on the name of a layer, wherever it is drawn, chooses that layer."""
    with opened(browser, run_report) as found:
        page = found.page
        rows = page.locator("#table-layers tbody tr")
        pairs = rows.evaluate_all("all => all.map((one) => [one.cells[0].textContent, one.dataset.layer])")
        of_name = dict(pairs)
        hits = page.evaluate(_LAYER_UNDER_EVERY_NAME, list(of_name))
        assert len(hits) >= len(of_name) * page.locator("figure rect[data-layer='0']").count() > 0
        assert [(name, layer) for name, layer in hits if of_name[name] != layer] == []


def test_filter(browser: Browser, run_report: Path) -> None:
    with opened(browser, run_report) as found:
        rows = found.page.locator("#table-layers tbody tr")
        whole = rows.count()
        found.page.get_by_label("Show rows with").fill("GTW")
        visible = [row for row in rows.all() if row.is_visible()]
        assert 0 < len(visible) < whole
        assert all("GTW" in str(row.text_content()) for row in visible)
