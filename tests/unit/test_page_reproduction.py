"""The page of a reproduction: does it hold the numbers of the results, beside what was published?"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from reports import published
from reports.files import PAGE
from reports.page.of_reproduction import reproduction_page
from reports.page.render import render, table_csv
from reports.page.sheet_table import sheet_table
from reports.reproduction.sheets import Sheet, sheets
from sparsesim.cli.main import main
from sparsesim.reproduction.asked import Asked
from sparsesim.reproduction.model import Reproduction
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ACCOUNTINGS
from tests.builders_pages import HOSTILE
from tests.builders_reproduction import RECORDED, SMALL, WIDTHS, made_reproduction, without_simulation
from tests.builders_results import MACHINE
from tests.parsed_page import Parsed, check_nothing_is_fetched, linked

ARGV = ["sparsesim", "reproduce", "--networks", "alexnet,resnet34"]
MADE = made_reproduction()
RATE = SMALL.headline_rate
MADE_PAGE = reproduction_page(MADE, ARGV)
PAGE_OF_MADE = render(MADE_PAGE)


def gains_of(result: Result, run: str, accounting: str) -> tuple[float, float]:
    """Speedup and energy efficiency, from the cycles and energies of the runs."""
    mine, dense = result.runs[run], result.runs[DENSE]
    cycles = [getattr(one.cycles, accounting) for one in (dense, mine)]
    energies = [getattr(one.energy_pj, accounting).centre for one in (dense, mine)]
    return cycles[0] / cycles[1], energies[0] / energies[1]


def averages_of(run: str, accounting: str) -> tuple[float, float]:
    """Of the networks of the average, of which ResNet-50 is none."""
    ratios = [
        gains_of(MADE.results[workload, RATE], run, accounting)
        for workload in SMALL.workloads()
        if workload.network != "resnet50"
    ]
    speedup, efficiency = map(fmean, zip(*ratios, strict=True))
    return speedup, efficiency


def rendered(reproduction: Reproduction, part: str, argv: list[str] | None = None) -> str:
    """The page with one of its parts alone."""
    page = reproduction_page(reproduction, argv or [])
    return render(replace(page, sections=[one for one in page.sections if one.anchor == part]))


def rows_of(html: str, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(linked(html, name))))


def test_the_headline_is_the_average_beside_the_published_one() -> None:
    cards = MADE_PAGE.cards
    expected = [*averages_of("pruned", "on_chip"), *averages_of("pruned", "with_dram")]
    assert [card.number for card in cards] == [f"{value:.2f}x" for value in expected]
    assert [card.words for card in cards] == [
        f"{what} {where}" for where in ("on chip", "with DRAM") for what in ("speedup", "energy efficiency")
    ]
    speedup, efficiency, *others = [card.small for card in cards]
    drawn = MADE.average_efficiencies["pruned"].on_chip
    about = "average of 4, pruned, p = 0.9; "
    assert speedup == f"{about}+- {WIDTHS.speedup.on_chip:.2f} over samples; published {published.SPEEDUP}x"
    assert efficiency == (
        f"{about}{drawn.low:.2f}x to {drawn.high:.2f}x over energy tables; published {published.EFFICIENCY}x"
    )
    assert not any("published" in small for small in others)


def test_one_sample_has_no_interval() -> None:
    small = reproduction_page(replace(MADE, average_widths={})).cards[0].small
    assert small == f"average of 4, pruned, p = 0.9; published {published.SPEEDUP}x"


@pytest.mark.parametrize("samples", [1, 3])
def test_every_run_of_every_result_is_in_the_table(samples: int) -> None:
    """Natural and dense runs once: they are the same at every pruning rate."""
    made = made_reproduction(replace(SMALL, samples=samples))
    rows = rows_of(rendered(made, "table"), "table-runs.csv")
    places = [
        (made.results[workload, rate], rate, accounting, run)
        for workload in SMALL.workloads()
        for rate in (0.9, 0.7)
        for accounting in ACCOUNTINGS
        for run in (("dense", "natural", "pruned") if rate == RATE else ("pruned",))
    ]
    for row, (result, rate, accounting, run) in zip(rows, places, strict=True):
        assert (row["network"], row["data set"], row["run"]) == (result.network, result.dataset, run)
        assert row["pruning rate"] == f"{rate:g}"
        assert row["accounting"] == accounting.replace("_", " ").replace("dram", "DRAM")
        found = result.runs[run]
        wanted: dict[str, Any] = {
            "cycles": getattr(found.cycles, accounting),
            "energy_pj": getattr(found.energy_pj, accounting).centre,
        }
        if run != DENSE:
            wanted["speedup"], wanted["energy_efficiency"] = gains_of(result, run, accounting)
        assert {name: float(row[name]) for name in wanted} == pytest.approx(wanted)
        assert (row["speedup"] == "") == (run == DENSE)
    assert ("speedup_half_width" in rows[0]) == (samples > 1)


def test_the_table_on_the_page_has_the_numbers_of_its_data() -> None:
    """The last one; those before it are of texts."""
    shown = [str(cell["data-v"]) for cell in Parsed(PAGE_OF_MADE).all("td") if "data-v" in cell]
    rows = rows_of(PAGE_OF_MADE, "table-runs.csv")
    texts = ("network", "data set", "pruning rate", "run", "accounting")
    expected = [value for row in rows for name, value in row.items() if name not in texts]
    assert shown[-len(expected) :] == expected


def test_every_table_of_the_document_is_on_the_page_as_it_is_there() -> None:
    said = Parsed(PAGE_OF_MADE).text
    for sheet in sheets(MADE):
        header, *rows = csv.reader(io.StringIO(linked(PAGE_OF_MADE, f"table-{sheet.stem}.csv")))
        assert header == list(sheet.columns)
        assert list(rows) == [list(row) for row in sheet.rows]
        assert sheet.title in said


def test_columns_of_numbers_are_told_from_those_of_words() -> None:
    rows = [["a", "1", "", "said"], ["b", "2", "+0.20", "no machine"], ["c", "3", "-", ""]]
    table = sheet_table(Sheet("x", "A table", ("name", "rate", "on chip: step", "reaches"), rows, names=2))
    assert [column.numeric for column in table.columns] == [False, False, True, False]
    assert [column.heading for column in table.columns][2] == "on chip:\nstep"
    assert table_csv(table).splitlines()[:2] == ["name,rate,on chip: step,reaches", "a,1,,said"]


def test_the_figure_has_every_gain_and_the_averages() -> None:
    rows = rows_of(PAGE_OF_MADE, "overview.csv")
    of_kind = {(row["label"], row["run"], row["accounting"]): row for row in rows}
    for accounting in ACCOUNTINGS:
        for run in ("natural", "pruned"):
            expected = {
                f"{workload.network}, {workload.dataset}": gains_of(
                    MADE.results[workload, RATE], run, accounting
                )
                for workload in SMALL.workloads()
            }
            for label, ratio in {**expected, "average": averages_of(run, accounting)}.items():
                row = of_kind.pop((label, run, accounting))
                found = float(row["speedup"]), float(row["energy_efficiency"])
                assert found == pytest.approx(ratio)
    (quoted,) = of_kind.values()
    assert float(quoted["speedup"]) == published.SPEEDUP
    assert float(quoted["energy_efficiency"]) == published.EFFICIENCY


def test_figure_table_and_headline_say_the_same_average() -> None:
    (row,) = [
        row
        for row in rows_of(PAGE_OF_MADE, "overview.csv")
        if (row["label"], row["run"], row["accounting"]) == ("average", "pruned", "on_chip")
    ]
    (shown,) = [
        line
        for line in csv.reader(io.StringIO(linked(PAGE_OF_MADE, "table-headline.csv")))
        if (line[0], line[2]) == ("average", "pruned")
    ]
    numbers = [card.number for card in MADE_PAGE.cards]
    drawn = [f"{float(row[name]):.2f}x" for name in ("speedup", "energy_efficiency")]
    assert drawn == numbers[:2]
    assert [text for text in shown if text.endswith("x")] == numbers


def test_sparsity_that_is_transferred_is_said_before_any_number_is_believed() -> None:
    """Once for all workloads of the same source."""
    said = Parsed(PAGE_OF_MADE).text
    sentence = "Sparsity of resnet50 on cifar10, resnet50 on imagenet is transferred: a smaller network."
    assert said.count("is transferred") == 1
    assert said.index(sentence) < said.index("All runs,")


def test_every_source_of_sparsity_is_said_by_itself() -> None:
    results = dict(MADE.results)
    key = SMALL.workloads()[0], RATE
    results[key] = replace(results[key], profile=replace(results[key].profile, transferred_from="a cat"))
    warnings = reproduction_page(replace(MADE, results=results)).warnings
    assert [warning.rpartition("transferred: ")[2] for warning in warnings] == [
        "a cat.",
        "a smaller network.",
    ]


def test_the_page_says_how_certain_it_is() -> None:
    said = " ".join(Parsed(PAGE_OF_MADE).text.split())
    intervals = MADE.average_efficiencies["natural"].on_chip
    speedup, efficiency = averages_of("natural", "on_chip")
    assert (
        f"natural: speedup {speedup:.2f}x +- {WIDTHS.speedup.on_chip:.2f}, energy efficiency "
        f"{efficiency:.2f}x ({intervals.low:.2f}x to {intervals.high:.2f}x)."
    ) in said
    off = fmean(RECORDED.speedup), -fmean(RECORDED.efficiency)
    assert (
        f"the speedup is off by {off[0]:.1%} at most, the energy efficiency by {off[1]:.1%} (1 trace)" in said
    )


def test_parts_without_anything_to_show_are_not_there() -> None:
    page = reproduction_page(replace(MADE, steps=[], recorded=[]))
    assert "beyond" not in [section.anchor for section in page.sections]
    assert not any("by the generator" in text for section in page.sections for text in section.paragraphs)


def test_the_page_says_how_it_was_made() -> None:
    """Its command, without the place where sparsesim is installed, and the whole machine."""
    html = rendered(MADE, "made", ["/home/a-name/sparsesim/__main__.py", *ARGV[1:]])
    said = Parsed(html).text
    assert "python -m sparsesim reproduce --networks alexnet,resnet34" in said and "a-name" not in html
    assert "sparsetrain on 6 networks and data sets" in said
    assert re.search(r"^\s*groups: 56\b", said, re.MULTILINE)
    assert "Command" not in [name for name, _ in reproduction_page(MADE).sections[-1].details]


def test_nothing_on_the_page_is_fetched() -> None:
    check_nothing_is_fetched(PAGE_OF_MADE)


def test_parts_of_the_page_are_there_once_and_lead_somewhere() -> None:
    elements = Parsed(PAGE_OF_MADE).elements
    ids = [str(attributes["id"]) for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [str(one["href"])[1:] for _, one in elements if str(one.get("href")).startswith("#")]
    assert {"gains", "causes", "energy", "uncertainty", "beyond", "table", "made"} <= set(inside) <= set(ids)


def hostile() -> Reproduction:
    """Every name that somebody can choose, chosen badly."""
    asked = Asked((HOSTILE[0], HOSTILE[3], HOSTILE[5]), (HOSTILE[1], HOSTILE[4]), (0.9,), 1)
    made = made_reproduction(asked, MACHINE.model_copy(update={"name": HOSTILE[3]}))
    results = {
        key: replace(one, profile=replace(one.profile, transferred_from=HOSTILE[1]))
        for key, one in made.results.items()
    }
    failed = [replace(outcome, figures={}, error=HOSTILE[2]) for outcome in made.changes[1:]]
    return replace(made, results=results, changes=[made.changes[0], *failed])


def test_hostile_names_stay_text() -> None:
    html = render(reproduction_page(hostile(), ["x", *HOSTILE]))
    parsed = Parsed(html)
    assert len(parsed.all("script")) == 1
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in parsed.elements}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "<script>window.hacked=1</script>" in parsed.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)


# The command


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Asked]:
    """Nothing is simulated: what is shown is made up of what was asked."""
    monkeypatch.chdir(tmp_path)
    return without_simulation(monkeypatch)


def test_the_command_writes_the_page_of_what_it_prints(
    asked: list[Asked], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["reproduce", "--networks", "alexnet,resnet34", "--datasets", "cifar100", "--report", "there"]
    monkeypatch.setattr("sys.argv", ["sparsesim", *command])
    monkeypatch.setenv("COLUMNS", "160")
    assert main(command) == 0
    out = capsys.readouterr().out
    assert f"report in {Path('there') / PAGE}" in out.splitlines()
    html = (Path("there") / PAGE).read_text(encoding="utf-8")
    said = Parsed(html).text
    assert f"python -m sparsesim {' '.join(command)}" in said
    (made,) = asked
    (line,) = re.findall(r"average +of 2 +pruned +(\S+x) +\S+ +(\S+x)", out)
    for number, what in zip(line, ("speedup on chip", "energy efficiency on chip"), strict=True):
        assert f"{number} {what}" in " ".join(said.split())
    names = {path.name for path in Path("there").iterdir()}
    figures = {"overview", "rates", "ladder", "changes", "components", "beyond"}
    tables = {f"table-{sheet.stem}.csv" for sheet in sheets(made_reproduction(made)) if sheet.rows}
    assert names == {
        PAGE,
        "table-runs.csv",
        *tables,
        *(f"{one}.{kind}" for one in figures for kind in ("svg", "csv")),
    }
    for name in ("overview.csv", "table-runs.csv"):
        assert (Path("there") / name).read_bytes().decode() == linked(html, name)


def test_without_a_report_nothing_but_the_study_is_written(asked: list[Asked]) -> None:
    assert main(["reproduce", "--networks", "alexnet", "--datasets", "cifar10", "--out", "study"]) == 0
    assert len(asked) == 1
    assert [path.name for path in Path().iterdir()] == ["study"]
