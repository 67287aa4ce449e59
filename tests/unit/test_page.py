"""The page: is everything a run says on it, escaped, with its data, and the same every time?"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reports.figures.drawing import Drawing, Points, Rows
from reports.figures.files import csv_text, picture, settle
from reports.figures.rows import row_figure
from reports.figures.style import house_style
from reports.files import PAGE, check_formats, write_report
from reports.language import variables
from reports.numbers import extremes
from reports.page.inline import inline_svg
from reports.page.layer_table import layer_table
from reports.page.model import Cell, Column, Page, Row, Section, Table
from reports.page.of_run import run_page
from reports.page.render import render, table_csv
from reports.page.run_table import run_table
from sparsesim.energy import Range
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ON_CHIP_CAUSES
from tests.builders_pages import HOSTILE, drawings_of_result, hostile_result
from tests.builders_results import MACHINE, made_result, step_records
from tests.parsed_page import Parsed, check_nothing_is_fetched, linked
from workloads.errors import UserError

MANIFEST: dict[str, Any] = {"volatile": {"argv": ["sparsesim", "run", "resnet18", "--prune", "0.9"]}}


# What the stages read (docs/microarchitecture.md): O = I * W, dI = dO * W where I was kept, dW = I * dO.
READS = {"forward": ("input",), "gta": ("grad_output", "grad_input_mask"), "gtw": ("input", "grad_output")}


def page_of(result: Result) -> Page:
    return run_page(result, MANIFEST, drawings_of_result(result))


@pytest.fixture(scope="module")
def html() -> str:
    return render(page_of(made_result()))


# What is there


def test_the_page_says_what_the_terminal_says(html: str) -> None:
    said = " ".join(Parsed(html).text.split())
    assert "resnet18 on cifar10" in said
    assert "fewer MACs than dense" in said
    assert "python -m sparsesim run resnet18 --prune 0.9" in said
    assert "Published (DAC 2020, abstract): 2.7x speedup" in said


def test_sparsity_that_is_transferred_is_said_before_any_number_is_believed() -> None:
    profile = {"name": "n", "kind": "profile", "source": "s", "transferred_from": "resnet50 by stage"}
    said = Parsed(render(page_of(made_result(profile=profile)))).text
    assert said.index("Sparsity is transferred") < said.index("All runs")


def test_nothing_on_the_page_is_fetched(html: str) -> None:
    check_nothing_is_fetched(html)


def test_every_cell_of_the_layer_table() -> None:
    result = made_result()
    table = layer_table(result)
    names = [column.csv or column.heading for column in table.columns]
    found = {run: result.of_run(run) for run in result.runs}
    assert len(table.rows) == len([key for key in found[DENSE] if key[1] != "other"])
    for row in table.rows:
        cells = dict(zip(names, row.cells, strict=True))
        where = cells["layer"].text, cells["stage"].text.lower()
        dense, pruned = found[DENSE][where], found["pruned"][where]
        wanted = {f"{run}_cycles": found[run][where].cycles.on_chip for run in result.runs}
        for run in result.compared:
            wanted[f"{run}_speedup"] = dense.cycles.on_chip / found[run][where].cycles.on_chip
        energies = [one.energy_pj.on_chip.centre for one in (dense, pruned)]
        wanted |= {"pruned_energy_pj": energies[1], "pruned_energy_efficiency": energies[0] / energies[1]}
        wanted |= {f"{one.run}_pe_utilization": one.pe_utilization for one in (dense, pruned)}
        for cause in ON_CHIP_CAUSES:
            share = pruned.group_cycles[cause] / MACHINE.array.groups / pruned.cycles.on_chip
            wanted[f"pruned_{cause}_share"] = share
        read = {
            "forward": ("input",),
            "gta": ("grad_output", "grad_input_mask"),
            "gtw": ("input", "grad_output"),
        }
        for operand in ("input", "grad_output", "grad_input_mask"):
            there = operand in read[where[1]]
            wanted[f"pruned_{operand}_density"] = pruned.density[operand] if there else math.nan
        assert set(cells) == {"layer", "stage", *wanted}
        for name, value in wanted.items():
            assert cells[name].value == pytest.approx(value, nan_ok=True), name
        assert row.layer == result.layer_names().index(where[0])


@pytest.mark.parametrize("samples", [1, 3])
def test_every_cell_of_the_run_table(samples: int) -> None:
    result = made_result(step_records(samples=samples))
    rows = list(csv.reader(io.StringIO(table_csv(run_table(result)))))
    assert len(rows) == 1 + 2 * len(result.runs)
    for line in rows[1:]:
        cells = dict(zip(rows[0], line, strict=True))
        accounting, run = cells["accounting"].replace(" ", "_").lower(), result.runs[cells["run"]]
        wanted = {"cycles": getattr(run.cycles, accounting)}
        wanted["energy_pj"] = getattr(run.energy_pj, accounting).centre
        if run.name != DENSE:
            ratios = result.energy_efficiency_range[run.name][accounting]
            wanted["speedup"] = getattr(result.speedup[run.name], accounting)
            wanted["energy_efficiency"] = ratios.centre
            wanted["energy_efficiency_smallest"], wanted["energy_efficiency_largest"] = (
                min(ratios),
                max(ratios),
            )
        if run.name in result.speedup_half_width:
            wanted["speedup_half_width"] = getattr(result.speedup_half_width[run.name], accounting)
            widths = result.energy_efficiency_half_width[run.name]
            wanted["energy_efficiency_half_width"] = getattr(widths, accounting)
        if accounting == "on_chip":
            wanted |= {"pe_utilization": run.pe_utilization, "useful_macs": run.useful_macs}
        found = {
            name: float(cell) for name, cell in cells.items() if cell and name not in ("run", "accounting")
        }
        assert found == pytest.approx(wanted)
    assert ("speedup_half_width" in rows[0]) == (samples > 1)


def test_a_range_holds_its_centre() -> None:
    assert extremes(Range(2.44, 2.46, 2.29)) == (2.29, 2.46)
    assert extremes(Range(math.nan, 2.46, 2.29)) == (2.29, 2.46)
    assert all(map(math.isnan, extremes(Range(math.nan, math.nan, math.nan))))


def test_where_sparsesim_is_installed_is_not_told() -> None:
    manifest = {"volatile": {"argv": ["/home/a-name/sparsesim/__main__.py", "run", "x"], "wall_seconds": 1}}
    html = render(run_page(made_result(), manifest, {}))
    assert "a-name" not in html and "__main__.py" in html and "wall_seconds" in html
    assert manifest["volatile"]["argv"][0].startswith("/home")


def test_the_page_of_a_trace_has_its_runs() -> None:
    result = made_result(step_records(("dense", "recorded")), prune=None)
    said = Parsed(render(page_of(result))).text
    assert "recorded" in said and "pruned" not in said.replace("natural + pruned", "")


# Escaping


def test_hostile_names_stay_text() -> None:
    """The page of a hostile result has the elements of a harmless one, and no others."""
    html = render(run_page(hostile_result(), {"volatile": {"argv": ["x", *HOSTILE]}}, {}))
    parsed = Parsed(html)
    assert len(parsed.all("script")) == 1
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in parsed.elements}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "<script>window.hacked=1</script>" in parsed.text
    assert "{{ 7*7 }} {% x %}" in parsed.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)


def test_a_name_cannot_end_the_script_or_the_style() -> None:
    html = render(page_of(replace(made_result(), network="</script></style><b>", dataset="-->")))
    assert html.count("</script>") == 1 and html.count("</style>") == 1
    assert not Parsed(html).all("b")


# Figures on the page


def small_drawing() -> Drawing:
    """Three layers as rows and as points."""
    figure, (left, right) = row_figure(["a", "b", "<c>"], 2)
    left.barh([0, 1, 2], [1, 2, 3], color="#0066b4")
    right.set_xlim(0, 4)
    targets = [Rows(left, 3), Points(right, [2, 0], [1.0, 3.0], [0.0, 2.0])]
    return Drawing("small", "Small", "Lead.", "Alt.", figure, {"layer": ["a", "b", "<c>"]}, targets)


def test_targets_are_where_the_layers_are_drawn() -> None:
    with house_style():
        drawing = small_drawing()
        settle(drawing.figure)
        root = ElementTree.fromstring(inline_svg(drawing, picture(drawing.figure, "svg"), ["a", "b", "<c>"]))
        marks = [one for one in root if one.get("class") == "layer"]
        bars, points = marks[:3], marks[3:]
        height = float(str(root.get("viewBox")).split()[3])
        for layer, bar in enumerate(bars):
            x, y = drawing.targets[0].axes.transData.transform((0, layer)) * 72 / drawing.figure.dpi
            del x
            assert float(bar.attrib["y"]) < height - y < float(bar.attrib["y"]) + float(bar.attrib["height"])
            assert bar.get("data-layer") == str(layer)
        assert [point.get("data-layer") for point in points] == ["2", "0"]
        assert float(points[0].attrib["cx"]) < float(points[1].attrib["cx"])
        assert float(points[0].attrib["cy"]) < float(points[1].attrib["cy"])  # y of rows goes down
    titles = [mark.findtext("title") for mark in marks]
    assert titles == ["a", "b", "<c>", "<c>", "a"]


def test_colours_of_the_language_follow_the_theme() -> None:
    with house_style():
        drawing = small_drawing()
        svg = inline_svg(drawing, picture(drawing.figure, "svg"), ["a", "b", "c"])
    known = {colour.light for colour in variables().values()}
    assert "var(--stages-forward)" in svg
    assert not known & set(re.findall(r"#[0-9a-f]{6}", svg))


def test_figures_share_no_ids() -> None:
    """Two figures of the same content on one page, and everything that is referred to is there."""
    with house_style():
        drawings = [replace(small_drawing(), stem=stem) for stem in ("one", "other")]
    page = Page("t", "s", [], [], [Section("a", "A", drawings=drawings)], ["a", "b", "c"])
    parsed = Parsed(render(page))
    ids = [str(attributes["id"]) for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {str(one["href"])[1:] for one in parsed.all("use")}
    used |= set(re.findall(r"url\(#([^)]+)\)", render(page)))
    assert used and used <= set(ids)


def test_a_figure_is_told_in_words() -> None:
    with house_style():
        page = Page("t", "s", [], [], [Section("a", "A", drawings=[small_drawing()])], ["a", "b", "c"])
        labels = [one.get("aria-label") for one in Parsed(render(page)).all("div")]
    assert "Alt. Arrow keys choose a layer, Escape none." in labels


# Data


def test_the_page_carries_the_data_of_its_figures_and_tables(html: str) -> None:
    result = made_result()
    for drawings in drawings_of_result(result).values():
        for drawing in drawings:
            assert linked(html, f"{drawing.stem}.csv") == csv_text(drawing)
    assert linked(html, "table-layers.csv") == table_csv(layer_table(result))


def test_data_too_large_to_be_carried_lie_beside_the_page() -> None:
    rows = [Row([Cell(f"{number} {'x' * 100}")]) for number in range(3000)]
    page = Page(
        "t", "s", [], [], [Section("a", "A", tables=[Table("big", "T", [Column("n", numeric=False)], rows)])]
    )
    html = render(page)
    assert "Data: big.csv beside this page." in Parsed(html).text
    assert "data:text/csv" not in html


def test_data_of_a_table_is_exact() -> None:
    columns = [Column("name", numeric=False), Column("a\nb")]
    rows = [Row([Cell('x,\n"y"'), Cell("1.2k", 1234.5678901234567)]), Row([Cell("z"), Cell("", math.nan)])]
    read = list(csv.reader(io.StringIO(table_csv(Table("t", "T", columns, rows)))))
    assert read == [["name", "a b"], ['x,\n"y"', "1234.5678901234567"], ["z", ""]]


def test_what_has_no_number_is_sorted_last() -> None:
    table = Table(
        "t", "T", [Column("n", numeric=False), Column("a")], [Row([Cell("x"), Cell("-", math.nan)])]
    )
    cells = Parsed(render(Page("t", "s", [], [], [Section("a", "A", tables=[table])]))).all("td")
    assert cells[0]["data-v"] == ""


# Files


def test_equal_runs_give_equal_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_report(page_of(made_result()), tmp_path / name, ("html", "png", "svg", "pdf"))
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert PAGE in files and "speedup-energy.pdf" in files and "table-layers.csv" in files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name


def test_settings_of_the_user_change_no_file(tmp_path: Path) -> None:
    """A matplotlibrc in the current folder, as somebody may have one, and a backend that does not exist."""
    rc = ("svg.image_inline: False", "text.usetex: True", "axes.facecolor: red", "savefig.format: xyz")
    rc += ("savefig.bbox: tight", "pdf.fonttype: 42", "savefig.facecolor: blue", "path.sketch: 1, 100, 2")
    (tmp_path / "matplotlibrc").write_text("\n".join(rc))
    script = (
        "from pathlib import Path\nfrom tests.unit.test_page import made_result, page_of, write_report\n"
        "write_report(page_of(made_result()), Path('there'), ('html', 'png', 'svg', 'pdf'))\n"
    )
    repository = str(Path(__file__).parents[2])
    environment = {**os.environ, "MPLBACKEND": "nonsense", "PYTHONPATH": repository}
    command = [sys.executable, "-c", script]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True)
    write_report(page_of(made_result()), tmp_path / "here", ("html", "png", "svg", "pdf"))
    for path in (tmp_path / "here").iterdir():
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes(), path.name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "matplotlibrc", "there"]


def test_what_a_kill_left_behind_goes_with_the_next_report(tmp_path: Path) -> None:
    left, running = tmp_path / ".report.partial-old", tmp_path / ".report.partial-new"
    for folder in (left, running):
        folder.mkdir()
        (folder / "half").write_text("x")
    os.utime(left, (0, 0))
    write_report(page_of(made_result()), tmp_path, ("svg",))
    assert not left.exists() and running.exists()


def test_only_the_formats_that_are_wanted(tmp_path: Path) -> None:
    write_report(page_of(made_result()), tmp_path / "a", ("svg",))
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".svg", ".csv"}
    assert not list(tmp_path.glob(".report*"))


def test_a_report_replaces_an_older_one(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("old")
    (tmp_path / "mine.txt").write_text("kept")
    write_report(page_of(made_result()), tmp_path, ("html",))
    assert (tmp_path / PAGE).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_what_fails_leaves_the_older_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PAGE).write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.files.save", full)
    with pytest.raises(OSError, match="No space"):
        write_report(page_of(made_result()), tmp_path, ("html", "png"))
    assert [path.name for path in tmp_path.iterdir()] == [PAGE]
    assert (tmp_path / PAGE).read_text() == "old"


def test_formats() -> None:
    assert check_formats(["svg", "html"]) == ("html", "svg")
    with pytest.raises(UserError, match=r"pngg.*png"):
        check_formats(["html", "pngg"])
    with pytest.raises(UserError, match="--format"):
        check_formats([])


def test_drawings_are_laid_out_once() -> None:
    with house_style():
        drawing = small_drawing()
        settle(drawing.figure)
        before = drawing.figure.axes[0].get_position().bounds
        settle(drawing.figure)
        assert drawing.figure.axes[0].get_position().bounds == before
