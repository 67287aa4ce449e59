"""The page of a reproduction: what is gained beside what was published, why it differs, how sure it is."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence

from reports import published
from reports.figures.style import house_style
from reports.language import ACCOUNTING_WORDS
from reports.numbers import times
from reports.page.model import Card, Cell, Column, Page, Row, Section, Table
from reports.page.run_table import run_table
from reports.page.sheet_table import sheet_table
from reports.reproduction.drawings import BEYOND, CAUSES, ENERGY, GAINS, drawings
from reports.reproduction.sheets import sheets
from reports.text import shown_name
from sparsesim.machine import export_yaml
from sparsesim.reproduction.asked import Workload
from sparsesim.reproduction.averages import Average, of_average
from sparsesim.reproduction.model import Efficiency, Reproduction
from sparsesim.reproduction.recorded import generator_interval
from sparsesim.results.model import Result

UNCERTAINTY = "How certain it is"
_ANCHORS = {GAINS: "gains", CAUSES: "causes", ENERGY: "energy", UNCERTAINTY: "uncertainty", BEYOND: "beyond"}
# By part the tables there; those that are not named here stand with all runs.
_TABLES = {
    GAINS: ("headline", "rates", "stages"),
    CAUSES: ("ladder", "causes", "changes"),
    ENERGY: ("components", "views"),
    UNCERTAINTY: ("generator",),
    BEYOND: ("beyond",),
}


def reproduction_page(reproduction: Reproduction, argv: Sequence[str] = ()) -> Page:
    """The page of a reproduction. argv: the command."""
    machine = reproduction.headline()[0].machine
    command = [("Command", f"python -m sparsesim {shlex.join(argv[1:])}")] if len(argv) > 1 else []
    return Page(
        title=f"{shown_name(machine.name)} on {_how_many(len(reproduction.asked.workloads()))}",
        subtitle="Training steps against the dense baseline of the same machine. All numbers are per sample.",
        cards=list(_cards(reproduction)),
        warnings=list(_warnings(reproduction)),
        sections=[
            *_parts(reproduction),
            Section("made", "How it was made", details=[*command, ("Machine", export_yaml(machine))]),
        ],
    )


def _how_many(workloads: int) -> str:
    return "one network and data set" if workloads == 1 else f"{workloads} networks and data sets"


def _cards(reproduction: Reproduction) -> Iterator[Card]:
    """Averages of the last run in both accountings, those on chip beside the published ones."""
    run, rate = reproduction.headline()[0].compared[-1], reproduction.asked.headline_rate
    intervals = reproduction.average_efficiencies[run]
    for accounting, words in ACCOUNTING_WORDS.items():
        average = of_average(reproduction, rate, run, accounting)
        about = f"average of {len(reproduction.headline())}, {run}, p = {rate:g}"
        quoted = accounting == "on_chip"
        small = f"{about}{_over_samples(average.speedup_half_width)}{_beside(published.SPEEDUP, quoted)}"
        yield Card(times(average.speedup), f"speedup {words}", small)
        small = f"{about}{_over_tables(intervals, accounting)}{_beside(published.EFFICIENCY, quoted)}"
        yield Card(times(average.efficiency), f"energy efficiency {words}", small)


def _over_samples(half_width: float) -> str:
    return "" if math.isnan(half_width) else f"; +- {half_width:.2f} over samples"


def _over_tables(intervals: Efficiency, accounting: str) -> str:
    found = getattr(intervals, accounting)
    return f"; {times(found.low)} to {times(found.high)} over energy tables"


def _beside(value: float, is_quoted: bool) -> str:
    return f"; published {value}x" if is_quoted else ""


def _warnings(reproduction: Reproduction) -> Iterator[str]:
    """Whose sparsity was recorded elsewhere, all workloads of the same source together."""
    results = reproduction.at(reproduction.asked.headline_rate)
    for source in dict.fromkeys(result.profile.transferred_from for result in results):
        if source:
            names = [
                f"{shown_name(result.network)} on {shown_name(result.dataset)}"
                for result in results
                if result.profile.transferred_from == source
            ]
            yield f"Sparsity of {', '.join(names)} is transferred: {source}."


def _parts(reproduction: Reproduction) -> Iterator[Section]:
    with house_style():
        drawn = drawings(reproduction)
    tables = {sheet.stem: sheet_table(sheet) for sheet in sheets(reproduction) if sheet.rows}
    for part, anchor in _ANCHORS.items():
        chosen = [tables.pop(stem) for stem in _TABLES[part] if stem in tables]
        paragraphs = list(_uncertainty(reproduction)) if part == UNCERTAINTY else []
        if chosen or drawn.get(part) or paragraphs:
            yield Section(anchor, part, paragraphs, drawn.get(part, ()), chosen)
    yield Section("table", "All runs", tables=[_table(reproduction), *tables.values()])


def _uncertainty(reproduction: Reproduction) -> Iterator[str]:
    """What every average may be off by, and what the masks of the generator change."""
    rate = reproduction.asked.headline_rate
    for run, intervals in reproduction.average_efficiencies.items():
        average = of_average(reproduction, rate, run, "on_chip")
        yield f"Averages on chip, {run}: {_of_run(average, intervals)}."
    if reproduction.average_widths:
        samples = reproduction.asked.samples
        yield f"+- is half of the 95 % confidence interval of the mean over {samples} samples."
    yield (
        "Intervals of energy efficiencies are 2.5 to 97.5 % of those with "
        f"{reproduction.asked.draws:,} energy tables drawn from the ranges of the table."
    )
    if reproduction.recorded:
        off = generator_interval(reproduction.recorded)
        yield (
            f"With masks drawn by the generator instead of the recorded ones, the speedup is off by "
            f"{off.speedup:.1%} at most, the energy efficiency by {off.efficiency:.1%} "
            f"({off.cases} trace{'s' if off.cases > 1 else ''})."
        )


def _of_run(average: Average, intervals: Efficiency) -> str:
    width = "" if math.isnan(average.speedup_half_width) else f" +- {average.speedup_half_width:.2f}"
    low, high = times(intervals.on_chip.low), times(intervals.on_chip.high)
    efficiency = f"{times(average.efficiency)} ({low} to {high})"
    return f"speedup {times(average.speedup)}{width}, energy efficiency {efficiency}"


def _table(reproduction: Reproduction) -> Table:
    """Every run once: at other rates than that of the headline the pruned one, the others are the same."""
    asked = reproduction.asked
    others = [rate for rate in asked.rates if rate != asked.headline_rate]
    chosen = [(workload, rate) for workload in asked.workloads() for rate in (asked.headline_rate, *others)]
    rows = [
        row
        for workload, rate in chosen
        for row in _rows(workload, rate, reproduction.results[workload, rate], rate == asked.headline_rate)
    ]
    columns = [Column(name, numeric=False) for name in ("network", "data set", "pruning rate")]
    columns += run_table(reproduction.headline()[0]).columns
    accountings = ", ".join(ACCOUNTING_WORDS.values())
    return Table("table-runs", f"All runs, {accountings}", columns, rows)


def _rows(workload: Workload, rate: float, result: Result, every: bool) -> Iterator[Row]:
    last = shown_name(result.compared[-1])
    for row in run_table(result).rows:
        if every or row.cells[0].text == last:
            yield Row([Cell(workload.network), Cell(workload.dataset), Cell(f"{rate:g}"), *row.cells])
