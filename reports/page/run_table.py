"""The table of all runs on the page: the headline in both accountings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from reports.language import ACCOUNTING_WORDS
from reports.numbers import energy, extremes, percent, short, times
from reports.page.model import Cell, Column, Row, Table
from reports.remarks import TITLES
from sparsesim.energy import Range
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import Accounts

STEM = "table-runs"
_TEXT = (Column("run", numeric=False), Column("accounting", "; ".join(TITLES.values()), numeric=False))
_WIDTH = "half of the 95 % confidence interval of the mean over the samples"
_COLUMNS = (
    Column("cycles", csv="cycles"),
    Column("speedup", "dense cycles / cycles"),
    Column("+-", _WIDTH, csv="speedup_half_width"),
    Column("energy", csv="energy_pj"),
    Column("energy\nefficiency", "dense energy / energy, centre values", csv="energy_efficiency"),
    Column("+-", _WIDTH, csv="energy_efficiency_half_width"),
    Column("smallest", "of the three columns of the energy table", csv="energy_efficiency_smallest"),
    Column("largest", "of the three columns of the energy table", csv="energy_efficiency_largest"),
    Column("PE use", "useful MACs / (on-chip cycles x PEs x MACs per PE)", csv="pe_utilization"),
    Column("useful\nMACs", csv="useful_macs"),
)


def run_table(result: Result) -> Table:
    """A row per run and accounting; half widths where several samples were simulated."""
    rows = [
        Row([Cell(name), Cell(said), *_cells(result, name, accounting)])
        for accounting, said in ACCOUNTING_WORDS.items()
        for name in result.runs
    ]
    if result.speedup_half_width or result.energy_efficiency_half_width:
        return Table(STEM, "All runs", [*_TEXT, *_COLUMNS], rows, sortable=False)
    shown = [place for place, column in enumerate([*_TEXT, *_COLUMNS]) if column.heading != "+-"]
    every = [*_TEXT, *_COLUMNS]
    rows = [Row([row.cells[place] for place in shown]) for row in rows]
    return Table(STEM, "All runs", [every[place] for place in shown], rows, sortable=False)


def _cells(result: Result, name: str, accounting: str) -> Iterator[Cell]:
    run = result.runs[name]
    cycles, spent = getattr(run.cycles, accounting), getattr(run.energy_pj, accounting).centre
    speedup = getattr(result.speedup[name], accounting) if name != DENSE else math.nan
    ratios = result.energy_efficiency_range[name][accounting] if name != DENSE else Range(*[math.nan] * 3)
    yield Cell(short(cycles), cycles)
    yield _ratio(speedup)
    yield _half_width(result.speedup_half_width, name, accounting)
    yield Cell(energy(spent), spent)
    yield _ratio(ratios.centre)
    yield _half_width(result.energy_efficiency_half_width, name, accounting)
    yield from map(_ratio, extremes(ratios))
    on_chip = accounting == "on_chip"
    yield Cell(percent(run.pe_utilization), run.pe_utilization) if on_chip else Cell("", math.nan)
    yield Cell(short(run.useful_macs), run.useful_macs) if on_chip else Cell("", math.nan)


def _ratio(value: float) -> Cell:
    return Cell("" if math.isnan(value) else times(value), value)


def _half_width(widths: Mapping[str, Accounts], name: str, accounting: str) -> Cell:
    if name not in widths:
        return Cell("", math.nan)
    width = getattr(widths[name], accounting)
    return Cell(f"{width:.2f}", width)
