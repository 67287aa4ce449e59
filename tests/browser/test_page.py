"""Does the page of a report work in a real browser as its readers need it?

Screenshots of every page at three widths, light, dark and as printed, go to the folder that the environment
variable SPARSESIM_SCREENSHOTS names (runs/screenshots if there is none), for people to look at.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.opened_page import opened

WIDTHS = (1440, 900, 390)
SCREENSHOTS = Path(os.environ.get("SPARSESIM_SCREENSHOTS", "runs/screenshots")).absolute()
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_fits_every_width(browser: Browser, report: Path, width: int, scheme: str) -> None:
    """Nothing sticks out at the side: what is wide scrolls within its box."""
    with opened(browser, report, width, scheme) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        _screenshot(found.page, f"{_name_of(report)}-{scheme}-{width}")


def _name_of(report: Path) -> str:
    return report.parents[1].name


def _screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def test_prints_whole(browser: Browser, report: Path) -> None:
    """On paper nothing is cut off by a box that scrolls, and nothing is there that only works on a screen."""
    with opened(browser, report, scheme="dark") as found:
        found.page.emulate_media(media="print", color_scheme="dark")
        boxes = found.page.locator(".scroll")
        assert boxes.evaluate_all("all => all.filter((box) => box.scrollHeight > box.clientHeight + 1)") == []
        expect(found.page.locator("nav")).to_be_hidden()
        assert _background(found.page) == "rgb(255, 255, 255)"
        _screenshot(found.page, f"{_name_of(report)}-print")
        _check_columns_on_paper(found.page)
        assert found.page.pdf().startswith(b"%PDF")


def _check_columns_on_paper(page: Page) -> None:
    """A4, upright, with the browser's margins: no table is wider than the paper."""
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    wide = "all => all.filter((one) => one.scrollWidth > one.parentElement.clientWidth + 1).length"
    assert page.locator("table").evaluate_all(wide) == 0


def _background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_is_sound(browser: Browser, report: Path) -> None:
    """Ids are unique, references lead somewhere, headings nest, and every figure is told in words."""
    with opened(browser, report) as found:
        page = found.page
        ids = page.eval_on_selector_all("[id]", "all => all.map((one) => one.id)")
        assert max(Counter(ids).values()) == 1
        links = page.locator("a[href^='#'], use")
        references = links.evaluate_all("all => all.map((one) => one.getAttribute('href'))")
        assert {reference[1:] for reference in references} <= set(ids)
        assert page.locator("h1").count() == 1
        words = page.locator("figure .scroll").evaluate_all("all => all.map((one) => one.ariaLabel)")
        assert min(map(len, words)) > 40
        assert page.locator("figure").count() >= 1


def test_the_theme_can_be_chosen(browser: Browser, report: Path) -> None:
    with opened(browser, report, scheme="dark") as found:
        dark = _background(found.page)
        found.page.get_by_role("button", name="Light").click()
        assert _background(found.page) == "rgb(255, 255, 255)" != dark
        found.page.get_by_role("button", name="Dark").click()
        assert _background(found.page) == dark


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_tables_sort(browser: Browser, report: Path, how: str) -> None:
    """Every column of every table: numbers from the largest, texts from the first, then the other way round,
    then as the page came; what has no number stays last.
    """
    with opened(browser, report) as found:
        for table in found.page.locator("table.sortable").all():
            before = table.locator("tbody tr").all_text_contents()
            headings = table.locator("thead button")
            for column in range(headings.count()) if how == "mouse" else (1, 2):
                numeric = "number" in (table.locator("thead th").nth(column).get_attribute("class") or "")
                for direction in ("descending", "ascending") if numeric else ("ascending", "descending"):
                    _press(headings.nth(column), how)
                    _check_sorted(table, column, direction)
                _press(headings.nth(column), how)
                assert table.locator("thead [aria-sort]").count() == 0
                assert table.locator("tbody tr").all_text_contents() == before


def _press(button: Locator, how: str) -> None:
    if how == "mouse":
        button.click()
    else:
        button.focus()
        button.press("Enter")


_SORTED = """
([texts, sign]) => {
  const collator = new Intl.Collator("en", { numeric: true });
  return [...texts].sort((a, b) => sign * collator.compare(a, b));
}
"""


def _check_sorted(table: Locator, column: int, direction: str) -> None:
    heading = table.locator("thead th").nth(column)
    assert heading.get_attribute("aria-sort") == direction
    assert table.locator("thead [aria-sort]").count() == 1
    cells = table.locator(f"tbody tr > :nth-child({column + 1})")
    if "number" not in (heading.get_attribute("class") or ""):
        texts = cells.all_text_contents()
        assert texts == table.page.evaluate(_SORTED, [texts, 1 if direction == "ascending" else -1])
        return
    numbers = [float(text or "nan") for text in cells.evaluate_all("all => all.map((one) => one.dataset.v)")]
    finite = [number for number in numbers if not math.isnan(number)]
    assert finite == sorted(finite, reverse=direction == "descending")
    assert all(map(math.isnan, numbers[len(finite) :]))


def test_what_has_no_number_is_there_to_be_sorted_last(browser: Browser, run_report: Path) -> None:
    """The first layer has no mask of dI: the check above saw cells without a number, between others."""
    with opened(browser, run_report) as found:
        values = found.page.locator("#table-layers td[data-v]")
        assert "" in values.evaluate_all("all => all.map((one) => one.dataset.v)")


def test_data_comes_with_the_page(browser: Browser, run_report: Path) -> None:
    """The links give the files that lie beside the page."""
    with opened(browser, run_report) as found:
        links = found.page.locator("a.data")
        assert links.count() >= 3
        for link in links.all():
            with found.page.expect_download() as download:
                link.click()
            assert (
                download.value.path().read_bytes()
                == (run_report.parent / download.value.suggested_filename).read_bytes()
            )
        found.asked[1:] = []  # downloads of data: links are no requests that leave the page


# Hostile names


def test_nothing_of_a_name_is_run_or_becomes_part_of_the_page(browser: Browser, hostile_report: Path) -> None:
    with opened(browser, hostile_report) as found:
        page = found.page
        for layer in range(3):
            page.locator(f"tbody tr[data-layer='{layer}']").first.click()
        assert page.evaluate("window.hacked === undefined")
        assert page.locator("img, iframe, object, embed, form").count() == 0
        assert page.locator("script").count() == 1
        assert (
            page.evaluate("document.querySelectorAll('[onerror], [onload], [onclick], [hacked]').length") == 0
        )
        shown = page.locator("#table-layers tbody").text_content() or ""
        assert "<script>window.hacked" in shown  # the name itself is there, as text
