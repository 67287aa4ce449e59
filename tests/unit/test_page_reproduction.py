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
from reports.page.render import render
from sparsesim.cli.main import main
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ACCOUNTINGS
from tests.builders_pages import HOSTILE, hostile_result
from tests.builders_results import made_result, step_records
from tests.parsed_page import Parsed, check_nothing_is_fetched, linked

ARGV = ["sparsesim", "reproduce", "--networks", "alexnet,resnet34"]
WORKLOADS = (("alexnet", "cifar10"), ("resnet34", "imagenet"), ("resnet34", "cifar100"))


def results(runs: tuple[str, ...] = ("dense", "natural", "pruned"), samples: int = 1) -> list[Result]:
    """Results that differ: every one has other layers; the last one's sparsity is transferred."""
    found = [
        made_result(step_records(runs, layers=place, samples=samples), network=network, dataset=dataset)
        for place, (network, dataset) in enumerate(WORKLOADS, start=1)
    ]
    last = replace(found[-1].profile, transferred_from="a smaller network")
    return [*found[:-1], replace(found[-1], profile=last)]


def gains_of(result: Result, run: str, accounting: str) -> tuple[float, float]:
    """Speedup and energy efficiency, from the cycles and energies of the runs."""
    mine, dense = result.runs[run], result.runs[DENSE]
    cycles = [getattr(one.cycles, accounting) for one in (dense, mine)]
    energies = [getattr(one.energy_pj, accounting).centre for one in (dense, mine)]
    return cycles[0] / cycles[1], energies[0] / energies[1]


def rows_of(html: str, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(linked(html, name))))


def test_the_headline_is_the_average_beside_the_published_one() -> None:
    made = results()
    speedups, efficiencies = zip(*(gains_of(result, "pruned", "on_chip") for result in made), strict=True)
    speedup, efficiency = reproduction_page(made).cards
    assert (speedup.number, efficiency.number) == (f"{fmean(speedups):.2f}x", f"{fmean(efficiencies):.2f}x")
    assert speedup.small == f"average of 3, pruned; published {published.SPEEDUP}x"
    assert efficiency.small == f"average of 3, pruned; published {published.EFFICIENCY}x"


def test_the_headline_says_which_runs_it_averages() -> None:
    """Without pruning, and of some with it: the last run of each."""
    natural = results(("dense", "natural"))[0]
    cards = reproduction_page([natural, made_result()]).cards
    expected = fmean(
        (gains_of(natural, "natural", "on_chip")[0], gains_of(made_result(), "pruned", "on_chip")[0])
    )
    assert cards[0].number == f"{expected:.2f}x"
    assert cards[0].small.startswith("average of 2, natural and pruned; ")


@pytest.mark.parametrize("samples", [1, 3])
def test_every_run_of_every_result_is_in_the_table(samples: int) -> None:
    made = results(samples=samples)
    rows = rows_of(render(reproduction_page(made)), "table-runs.csv")
    places = [
        (result, accounting, run) for result in made for accounting in ACCOUNTINGS for run in result.runs
    ]
    for row, (result, accounting, run) in zip(rows, places, strict=True):
        assert (row["network"], row["data set"], row["run"]) == (result.network, result.dataset, run)
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
    html = render(reproduction_page(results()))
    shown = [str(cell["data-v"]) for cell in Parsed(html).all("td") if "data-v" in cell]
    rows = rows_of(html, "table-runs.csv")
    texts = ("network", "data set", "run", "accounting")
    assert shown == [value for row in rows for name, value in row.items() if name not in texts]


def test_the_figure_has_every_gain_and_the_averages() -> None:
    made = results()
    rows = rows_of(render(reproduction_page(made)), "overview.csv")
    of_kind = {(row["label"], row["run"], row["accounting"]): row for row in rows}
    for accounting in ACCOUNTINGS:
        for run in ("natural", "pruned"):
            ratios = [gains_of(result, run, accounting) for result in made]
            labels = [f"{result.network}, {result.dataset}" for result in made]
            average = tuple(map(fmean, zip(*ratios, strict=True)))
            for label, ratio in zip([*labels, "average"], [*ratios, average], strict=True):
                row = of_kind.pop((label, run, accounting))
                found = float(row["speedup"]), float(row["energy_efficiency"])
                assert found == pytest.approx(ratio)
    (quoted,) = of_kind.values()
    assert float(quoted["speedup"]) == published.SPEEDUP
    assert float(quoted["energy_efficiency"]) == published.EFFICIENCY


def test_sparsity_that_is_transferred_is_said_before_any_number_is_believed() -> None:
    said = Parsed(render(reproduction_page(results()))).text
    sentence = "Sparsity of resnet34 on cifar100 is transferred: a smaller network."
    assert said.count("is transferred") == 1
    assert said.index(sentence) < said.index("All runs,")


def test_the_page_says_how_it_was_made() -> None:
    """Its command, without the place where sparsesim is installed, and the whole machine."""
    html = render(reproduction_page(results(), ["/home/a-name/sparsesim/__main__.py", *ARGV[1:]]))
    said = Parsed(html).text
    assert "python -m sparsesim reproduce --networks alexnet,resnet34" in said and "a-name" not in html
    assert "sparsetrain on 3 networks and data sets" in said
    assert re.search(r"^\s*groups: 56\b", said, re.MULTILINE)
    assert "Command" not in [name for name, _ in reproduction_page(results()).sections[-1].details]


def test_nothing_on_the_page_is_fetched() -> None:
    check_nothing_is_fetched(render(reproduction_page(results(), ARGV)))


def test_parts_of_the_page_are_there_once_and_lead_somewhere() -> None:
    elements = Parsed(render(reproduction_page(results(), ARGV))).elements
    ids = [str(attributes["id"]) for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [str(one["href"])[1:] for _, one in elements if str(one.get("href")).startswith("#")]
    assert {"gains", "table", "made"} <= set(inside) <= set(ids)


def test_hostile_names_stay_text() -> None:
    hostile = [hostile_result(), replace(hostile_result(), dataset=HOSTILE[2])]
    html = render(reproduction_page(hostile, ["x", *HOSTILE]))
    parsed = Parsed(html)
    assert len(parsed.all("script")) == 1
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in parsed.elements}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "<script>window.hacked=1</script>" in parsed.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", html)


# The command


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The simulations replaced by made-up results."""

    def simulate(network: str, dataset: str, **_: Any) -> Result:
        known = {(result.network, result.dataset): result for result in results()}
        return known.get((network, dataset)) or made_result(network=network, dataset=dataset)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sparsesim.cli.reproduce.simulate", simulate)


def test_the_command_writes_the_page_of_what_it_prints(
    simulated: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["reproduce", "--networks", "alexnet,resnet34", "--datasets", "cifar100", "--report", "there"]
    monkeypatch.setattr("sys.argv", ["sparsesim", *command])
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"report in {Path('there') / PAGE}"
    html = (Path("there") / PAGE).read_text(encoding="utf-8")
    said = Parsed(html).text
    assert f"python -m sparsesim {' '.join(command)}" in said
    (line,) = re.findall(r"average +of 2 +pruned +(\S+x) +(\S+x)", out.partition("With DRAM")[0])
    for number, what in zip(line, ("speedup on chip", "energy efficiency on chip"), strict=True):
        assert f"{number} {what}" in " ".join(said.split())
    names = {path.name for path in Path("there").iterdir()}
    assert names == {PAGE, "overview.svg", "overview.csv", "table-runs.csv"}
    for name in ("overview.csv", "table-runs.csv"):
        assert (Path("there") / name).read_bytes().decode() == linked(html, name)


def test_without_a_report_nothing_is_written(simulated: None) -> None:
    assert main(["reproduce", "--networks", "alexnet", "--datasets", "cifar10"]) == 0
    assert not list(Path().iterdir())
