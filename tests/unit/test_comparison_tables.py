"""Every cell of every table of a comparison, in the terminal and on the page, against sums made anew.

The two sides have other groups, multipliers, clocks, memories, other work, energies and samples, so that no
number stands for another one by chance.
"""

from __future__ import annotations

import io
import math
import re

import pytest

from reports.comparison.compare import Comparison
from reports.page.comparison_tables import kinds_table, layers_table, stages_table
from reports.page.comparison_totals import totals_table
from reports.page.model import Table
from reports.terminal.comparison import print_comparison
from reports.terminal.table import console_for
from tests.books import CAUSES, COMPONENTS, Books, shows
from tests.builders_comparisons import compared, unlike

RUNS = ("dense", "natural", "pruned")
ACCOUNTINGS = ("on_chip", "with_dram")
PAIRS = [(quantity, accounting) for quantity in ("cycles", "energy_pj") for accounting in ACCOUNTINGS]
STAGES = {"Forward": "forward", "GTA": "gta", "GTW": "gtw", "other": "other"}
KINDS = {"cycles": CAUSES, "energy_pj": COMPONENTS}
PROSE = ("What differs", "B other less A", "Cycles by cause are the mean")
TITLES = {
    "on_chip": "On chip (the published accounting",
    "with_dram": "With DRAM (the whole training step",
    "cycles": "Cycles by cause",
    "energy_pj": "Energy by component",
    "stages": "B - A by stage",
    "largest cycles": "Largest differences in cycles with DRAM, B - A",
    "largest energy_pj": "Largest differences in energy with DRAM, B - A",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compared(tmp_path_factory.mktemp("unlike"), unlike())


@pytest.fixture(scope="module")
def books() -> dict[str, tuple[Books, Books]]:
    """A and B by run."""
    one, other = unlike().values()
    return {run: (Books(one, run), Books(other, run)) for run in RUNS}


def expected_total(books: dict[str, tuple[Books, Books]], run: str, at: int, accounting: str) -> list[float]:
    """Cycles, of A, energy, of A, speedup, efficiency; the last two nan of the dense run."""
    spent = [books[run][at].total(quantity, accounting) for quantity in ("cycles", "energy_pj")]
    of_a = [books[run][0].total(quantity, accounting) for quantity in ("cycles", "energy_pj")]
    dense = [books["dense"][at].total(quantity, accounting) for quantity in ("cycles", "energy_pj")]
    gains = [math.nan] * 2 if run == "dense" else [dense[0] / spent[0], dense[1] / spent[1]]
    return [spent[0], spent[0] / of_a[0], spent[1], spent[1] / of_a[1], *gains]


def triple(pair: tuple[Books, Books], quantity: str, accounting: str, kind: str) -> list[float]:
    """A, B and B - A of a cause or component, or together; empty where the accounting lacks it."""
    if kind == "together":
        before, after = (side.total(quantity, accounting) for side in pair)
        return [before, after, after - before]
    sides = [side.of_kind(quantity, accounting, kind) for side in pair]
    if sides[0] is None or sides[1] is None:
        return []
    return [sides[0], sides[1], sides[1] - sides[0]]


def change(pair: tuple[Books, Books], quantity: str, accounting: str, name: str | None, stage: str) -> float:
    """B - A of a layer and stage; name None: of all layers of the stage."""
    before, after = (
        side.total(quantity, accounting, lambda x: x.stage == stage and name in (None, x.name))
        for side in pair
    )
    return after - before


def mostly(pair: tuple[Books, Books], quantity: str, accounting: str, name: str | None, stage: str) -> str:
    """The cause or component that has most of a difference, in its direction."""
    before, after = (side.kinds_of(name, stage, quantity, accounting) for side in pair)
    changes = {kind: after[kind] - before[kind] for kind in before}
    return (max if sum(changes.values()) > 0 else min)(changes, key=lambda kind: changes[kind])


# The terminal


def lines_of(found: Comparison, width: int) -> dict[str, list[str]]:
    """The lines below each title."""
    stream = io.StringIO()
    print_comparison(found, console_for(stream, width))
    title, parts = "", dict[str, list[str]]()
    for line in stream.getvalue().splitlines():
        begun = next((name for name, words in TITLES.items() if line.startswith(words)), None)
        if line.startswith(PROSE):
            title = "prose"
        elif begun is not None:
            title = begun
        else:
            parts.setdefault(title, []).append(line)
    return parts


def rows_of(found: Comparison, title: str, labels: int, width: int = 200) -> dict[tuple[str, ...], list[str]]:
    """The cells of a table by the first `labels` ones of a row; columns below each other are put together."""
    rows: dict[tuple[str, ...], list[str]] = {}
    headings = ("run", "cause", "component", "stage", "layer")
    within = False
    for line in lines_of(found, width)[title]:
        cells = re.split(r"\s{2,}", line.strip())
        if cells[0] in headings:
            within = True
        elif within and len(cells) >= labels and line[:1].strip():
            rows.setdefault(tuple(cells[:labels]), []).extend(cells[labels:])
    return rows


def test_totals_in_the_terminal(found: Comparison, books: dict[str, tuple[Books, Books]]) -> None:
    for accounting in ACCOUNTINGS:
        rows = rows_of(found, accounting, 2)
        assert list(rows) == [(run, letter) for run in RUNS for letter in "AB"]
        for (run, letter), cells in rows.items():
            at = "AB".index(letter)
            wanted = expected_total(books, run, at, accounting)
            centres = [cell.partition(" +-")[0] for cell in cells]
            assert all(shows(text, value) for text, value in zip(centres[:4], wanted[:4], strict=True))
            if run == "dense":
                assert centres[4:6] == ["-", "-"]
            else:
                assert all(shows(text, value) for text, value in zip(centres[4:6], wanted[4:], strict=True))
            assert len(cells) == (7 if accounting == "on_chip" else 6)
            if accounting == "on_chip":
                assert shows(cells[6], books[run][at].pe_use())


def test_spreads_in_the_terminal_are_those_of_the_result(found: Comparison) -> None:
    """Only of B, which has two samples, and of its runs that have masks."""
    for accounting in ACCOUNTINGS:
        for (run, letter), cells in rows_of(found, accounting, 2).items():
            spreads = [cell.partition(" +-")[2] for cell in cells[:6]]
            if letter == "A" or run == "dense":
                assert spreads == [""] * 6
                continue
            side = found.sides[1].result
            cycles, energies = side.runs[run].cycles_half_width, side.runs[run].energy_half_width_pj
            assert cycles is not None and energies is not None
            shares = (
                getattr(cycles, accounting) / getattr(side.runs[run].cycles, accounting),
                getattr(energies, accounting) / getattr(side.runs[run].energy_pj, accounting).centre,
            )
            assert all(map(shows, (spreads[0], spreads[2]), shares))
            gains = (side.speedup_half_width[run], side.energy_efficiency_half_width[run])
            wanted = [getattr(gain, accounting) for gain in gains]
            assert all(map(shows, spreads[4:], wanted))


@pytest.mark.parametrize("quantity", ["cycles", "energy_pj"])
def test_causes_and_components_in_the_terminal(
    found: Comparison, books: dict[str, tuple[Books, Books]], quantity: str
) -> None:
    rows = rows_of(found, quantity, 1)
    assert list(rows) == [(kind,) for kind in (*KINDS[quantity], "together")]
    for (kind,), cells in rows.items():
        wanted = [v for name in ACCOUNTINGS for v in triple(books["pruned"], quantity, name, kind)]
        assert len(cells) == len(wanted)
        assert all(shows(text, value) for text, value in zip(cells, wanted, strict=True)), kind


def test_stages_in_the_terminal(found: Comparison, books: dict[str, tuple[Books, Books]]) -> None:
    rows = rows_of(found, "stages", 1)
    assert list(rows) == [(word,) for word in STAGES]
    for (word,), cells in rows.items():
        wanted = [change(books["pruned"], *pair, None, STAGES[word]) for pair in PAIRS]
        assert all(shows(text, value) for text, value in zip(cells, wanted, strict=True)), word


@pytest.mark.parametrize("quantity", ["cycles", "energy_pj"])
def test_largest_differences_in_the_terminal(
    found: Comparison, books: dict[str, tuple[Books, Books]], quantity: str
) -> None:
    pair = books["pruned"]
    lines = lines_of(found, 200)[f"largest {quantity}"]
    told = dict.fromkeys(ACCOUNTINGS, 0.0)
    shown = []
    for line in lines:
        cells = re.split(r"\s{2,}", line.strip())
        if cells[0] == "other work":
            changes = [change(pair, quantity, name, None, "other") for name in ACCOUNTINGS]
            texts = cells[1], cells[2]
            assert cells[3:] == [mostly(pair, quantity, "with_dram", None, "other")]
        elif len(cells) == 6 and cells[0] != "layer":
            place = cells[0], STAGES[cells[1]]
            changes = [change(pair, quantity, name, *place) for name in ACCOUNTINGS]
            assert [cells[3], cells[5]] == [mostly(pair, quantity, name, *place) for name in ACCOUNTINGS]
            texts = cells[2], cells[4]
        else:
            continue
        assert all(shows(text, value) for text, value in zip(texts, changes, strict=True))
        shown.append(abs(changes[1]))
        told = {name: told[name] + value for name, value in zip(ACCOUNTINGS, changes, strict=True)}
    assert shown == sorted(shown, reverse=True) and len(shown) >= 9
    rest = [change_of_all(pair, quantity, name) - told[name] for name in ACCOUNTINGS]
    more = next(re.split(r"\s{2,}", line.strip()) for line in lines if " more " in line)
    assert all(shows(text, value) for text, value in zip(more[1:], rest, strict=True))


def change_of_all(pair: tuple[Books, Books], quantity: str, accounting: str) -> float:
    return pair[1].total(quantity, accounting) - pair[0].total(quantity, accounting)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_has_the_same_cells(found: Comparison, width: int) -> None:
    for title, labels in (("on_chip", 2), ("with_dram", 2), ("cycles", 1), ("energy_pj", 1), ("stages", 1)):
        assert rows_of(found, title, labels, width) == rows_of(found, title, labels)


# The page


def values(table: Table) -> list[list[str | float]]:
    return [[cell.text if cell.value is None else cell.value for cell in row.cells] for row in table.rows]


def check_shown(table: Table) -> None:
    """Every number is seen as it is; what is none, as a dash or nothing."""
    for row in table.rows:
        for cell in row.cells:
            if cell.value is not None and math.isnan(cell.value):
                assert cell.text in ("", "-")
            elif cell.value is not None:
                assert shows(cell.text, cell.value), cell


def test_totals_on_the_page(found: Comparison, books: dict[str, tuple[Books, Books]]) -> None:
    table = totals_table(found)
    places = {" ".join(column.heading.split()): at for at, column in enumerate(table.columns)}
    words = ["cycles", "cycles over A", "energy", "energy over A", "speedup", "energy efficiency"]
    rows = iter(values(table))
    for name, accounting in (("on chip", "on_chip"), ("with DRAM", "with_dram")):
        for run in RUNS:
            for at, label in enumerate(("A base", "B other")):
                row = next(rows)
                assert row[:3] == [run, name, label]
                wanted = expected_total(books, run, at, accounting)
                assert [row[places[word]] for word in words] == pytest.approx(wanted, nan_ok=True)
                use = books[run][at].pe_use() if accounting == "on_chip" else math.nan
                assert row[places["PE use"]] == pytest.approx(use, nan_ok=True)
                measured = found.sides[at].result.runs[run].cycles_half_width
                half = math.nan if measured is None else getattr(measured, accounting)
                assert row[places["cycles +-"]] == pytest.approx(half, nan_ok=True)
    assert next(rows, None) is None
    check_shown(table)


@pytest.mark.parametrize("quantity", ["cycles", "energy_pj"])
def test_causes_and_components_on_the_page(
    found: Comparison, books: dict[str, tuple[Books, Books]], quantity: str
) -> None:
    table = kinds_table(found.attributions[0], quantity)  # type: ignore[arg-type]
    for kind, row in zip((*KINDS[quantity], "together"), values(table), strict=True):
        assert str(row[0]).lower() == kind
        wanted = [
            value
            for name in ACCOUNTINGS
            for value in triple(books["pruned"], quantity, name, kind) or [math.nan] * 3
        ]
        assert row[1:] == pytest.approx(wanted, rel=1e-9, abs=1e-6, nan_ok=True)
    check_shown(table)


def test_stages_on_the_page(found: Comparison, books: dict[str, tuple[Books, Books]]) -> None:
    table = stages_table(found.attributions[0])
    for word, row in zip(STAGES, values(table), strict=True):
        wanted = [change(books["pruned"], *pair, None, STAGES[word]) for pair in PAIRS]
        assert row[0] == word
        assert row[1:] == pytest.approx(wanted, rel=1e-9, abs=1e-3)
    check_shown(table)


def test_layers_on_the_page(found: Comparison, books: dict[str, tuple[Books, Books]]) -> None:
    pair = books["pruned"]
    table = layers_table(found.attributions[0])
    rows = values(table)
    layers = [(x.name, x.stage) for x in pair[0].layers if x.stage != "other"]
    assert sorted((str(row[0]), STAGES[str(row[1])]) for row in rows[:-1]) == sorted(layers)
    for row in rows[:-1]:
        check_layer(row, pair, str(row[0]), STAGES[str(row[1])])
    assert rows[-1][0] == "other work"
    other = [side.total("cycles", "with_dram", lambda x: x.stage == "other") for side in pair]
    assert rows[-1][2:5] == pytest.approx([*other, other[1] - other[0]])
    check_shown(table)


def check_layer(row: list[str | float], pair: tuple[Books, Books], name: str, stage: str) -> None:
    cycles = [
        side.total("cycles", "with_dram", lambda x: (x.name, x.stage) == (name, stage)) for side in pair
    ]
    assert row[2:5] == pytest.approx([*cycles, cycles[1] - cycles[0]])
    assert str(row[5]).lower() == mostly(pair, "cycles", "with_dram", name, stage)
    assert row[6] == pytest.approx(change(pair, "cycles", "on_chip", name, stage))
    assert row[7] == pytest.approx(change(pair, "energy_pj", "with_dram", name, stage))
    assert str(row[8]).lower() == mostly(pair, "energy_pj", "with_dram", name, stage)
    assert row[9] == pytest.approx(change(pair, "energy_pj", "on_chip", name, stage))
    before, after = (side.kinds_of(name, stage, "cycles", "with_dram") for side in pair)
    assert row[10:] == pytest.approx([after[kind] - before[kind] for kind in CAUSES], abs=1e-6)
