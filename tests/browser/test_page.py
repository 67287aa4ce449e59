"""Does the page of a report work in a real browser as its readers need it?

Screenshots of every page at three widths, light, dark and as printed, go to the folder that the environment
variable SPARSESIM_SCREENSHOTS names (runs/screenshots if there is none), for people to look at. Without a
Chromium on the path the tests are skipped, unless SPARSESIM_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from reports.files import PAGE, write_report
from reports.page.of_run import run_page
from sparsesim.cli.compare import page_of
from sparsesim.cli.main import main
from sparsesim.results.model import Result
from tests.builders_comparisons import compared, slowed
from tests.builders_pages import HOSTILE, drawings_of_result, hostile_result
from tests.builders_results import small_trace
from tests.builders_sweeps import ran, sweep, trace

WIDTHS = (1440, 900, 390)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
SCREENSHOTS = Path(os.environ.get("SPARSESIM_SCREENSHOTS", "runs/screenshots")).absolute()
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        missing = "no Chromium on the path (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("SPARSESIM_REQUIRE_BROWSER") else pytest.skip(missing)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield found
        found.close()


@dataclass
class Opened:
    """A page in the browser, and all it has said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def check_quiet(self) -> None:
        """Nothing was complained about, and nothing but the page itself was fetched."""
        assert self.said == []
        assert self.asked == [self.page.url.partition("#")[0]]


@contextlib.contextmanager
def opened(
    browser: Browser, file: Path, width: int = 1440, scheme: str = "light", anchor: str = ""
) -> Iterator[Opened]:
    """The page, watched from its first byte on; nothing may have been complained about in the end."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: found.said.append(dialog.message))
    page.on("request", lambda request: found.asked.append(request.url))
    page.goto(file.as_uri() + anchor)
    try:
        yield found
        found.check_quiet()
    finally:
        page.close()


@pytest.fixture(scope="module")
def run_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run, as a user gets it."""
    folder = tmp_path_factory.mktemp("run") / "run"
    assert main(["run", "alexnet", "--dataset", "cifar10", "--report", "--out", str(folder)]) == 0
    return folder / "report" / PAGE


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a result all of whose names try to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    result: Result = hostile_result()
    manifest = {"volatile": {"argv": ["sparsesim", *HOSTILE]}, "arguments": dict(enumerate(HOSTILE))}
    report = folder / "hostile" / "report"
    write_report(run_page(result, manifest, drawings_of_result(result)), report, ("html",))
    return report / PAGE


@pytest.fixture(scope="module")
def study_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small study that was really run."""
    folder = tmp_path_factory.mktemp("study")
    recorded = trace(folder / "t.npz")
    vary = ("--vary", "groups=14,28,56", "--vary", "kilobytes=64,96")
    command = sweep(folder / "study", "--trace", recorded, *vary, "--workers", 1)
    assert ran(folder / "sweep", *command).status == 0
    assert main(["report", str(folder / "study")]) == 0
    return folder / "study" / "report" / PAGE


@pytest.fixture(scope="module")
def comparison_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three runs side by side, as a user gets it."""
    folder = tmp_path_factory.mktemp("comparison")
    recorded = str(small_trace(folder / "t.npz"))
    runs = {"base": [], "groups112": ["--set", "groups=112"], "hbm2": ["--memory", "hbm2"]}
    for name, options in runs.items():
        assert main(["run", "--trace", recorded, *options, "--out", str(folder / name)]) == 0
    report = folder / "comparison" / "report"
    assert main(["compare", *(str(folder / name) for name in runs), "--out", str(report)]) == 0
    return report / PAGE


@pytest.fixture(scope="module")
def hostile_comparison_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs all of whose names try to break out, and their folders' too."""
    folder = tmp_path_factory.mktemp("hostile-comparison")
    one = hostile_result()
    other = replace(slowed(one, {one.layer_names()[0]: 3.0}), energy_table=HOSTILE[1], seed=1)
    manifest = {"volatile": {"argv": ["sparsesim", *HOSTILE]}}
    comparison = compared(folder, {"a": one, "<b>'\"": other}, manifest=manifest)
    report = folder / "hostile-comparison" / "report"
    write_report(page_of(comparison), report, ("html",))
    return report / PAGE


@pytest.fixture(scope="module", params=["run", "study", "hostile", "comparison", "hostile_comparison"])
def report(request: pytest.FixtureRequest) -> Path:
    """Every kind of page."""
    found: Path = request.getfixturevalue(f"{request.param}_report")
    return found


# All pages


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


# Layers


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
