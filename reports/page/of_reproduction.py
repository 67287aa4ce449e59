"""The page of several networks and data sets on one machine, beside the published averages."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from statistics import fmean

from reports import published
from reports.figures.overview import overview
from reports.figures.style import house_style
from reports.language import ACCOUNTING_WORDS
from reports.numbers import times
from reports.page.model import Card, Cell, Column, Page, Row, Section, Table
from reports.page.run_table import run_table
from reports.text import shown_name
from sparsesim.machine import export_yaml
from sparsesim.results.model import Result


def reproduction_page(results: Sequence[Result], argv: Sequence[str] = ()) -> Page:
    """The page of results, one or more, of different workloads on one machine. argv: the command."""
    with house_style():
        gains = overview(results)
    command = [("Command", f"python -m sparsesim {shlex.join(argv[1:])}")] if len(argv) > 1 else []
    machine = results[0].machine
    return Page(
        title=f"{shown_name(machine.name)} on {_how_many(results)}",
        subtitle="Training steps against the dense baseline of the same machine. All numbers are per sample.",
        cards=list(_cards(results)),
        warnings=list(_warnings(results)),
        sections=[
            Section("gains", "What it gains", drawings=[gains]),
            Section("table", "All runs", tables=[_table(results)]),
            Section("made", "How it was made", details=[*command, ("Machine", export_yaml(machine))]),
        ],
    )


def _how_many(results: Sequence[Result]) -> str:
    return "one network and data set" if len(results) == 1 else f"{len(results)} networks and data sets"


def _cards(results: Sequence[Result]) -> Iterator[Card]:
    """Averages of the last run of every result, on chip as published."""
    last = [(result, result.compared[-1]) for result in results]
    speedups = fmean(result.speedup[run].on_chip for result, run in last)
    efficiencies = fmean(result.energy_efficiency[run].on_chip for result, run in last)
    words = f"average of {len(results)}, {' and '.join(dict.fromkeys(run for _, run in last))}"
    yield Card(times(speedups), "speedup on chip", f"{words}; published {published.SPEEDUP}x")
    yield Card(
        times(efficiencies), "energy efficiency on chip", f"{words}; published {published.EFFICIENCY}x"
    )


def _warnings(results: Sequence[Result]) -> Iterator[str]:
    """Whose sparsity was recorded elsewhere."""
    for result in results:
        if result.profile.transferred_from:
            yield (
                f"Sparsity of {result.network} on {result.dataset} is transferred: "
                f"{result.profile.transferred_from}."
            )


def _table(results: Sequence[Result]) -> Table:
    tables = [run_table(result) for result in results]
    columns = [Column("network", numeric=False), Column("data set", numeric=False), *tables[0].columns]
    rows = [
        Row([Cell(result.network), Cell(result.dataset), *row.cells])
        for result, table in zip(results, tables, strict=True)
        for row in table.rows
    ]
    accountings = ", ".join(ACCOUNTING_WORDS.values())
    return Table("table-runs", f"All runs, {accountings}", columns, rows)
