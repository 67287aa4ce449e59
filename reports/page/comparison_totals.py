"""The runs of a comparison side by side, as a table of its page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.comparison.numbers import factor
from reports.comparison.totals import Total
from reports.language import ACCOUNTING_WORDS
from reports.numbers import energy, percent, short, times
from reports.page.model import Cell, Column, Row, Table
from reports.remarks import TITLES
from reports.text import shown_name

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison

_HALF_WIDTH = "half of the 95 % confidence interval of the mean over samples"


@dataclass(frozen=True)
class _Number:
    """A number of a Total by its name there, which is its heading in the CSV."""

    name: str
    heading: str
    text: Callable[[float], str]
    meaning: str = ""

    @property
    def column(self) -> Column:
        return Column(self.heading, self.meaning, csv=self.name)

    def cell(self, row: Total) -> Cell:
        value: float = getattr(row, self.name)
        return Cell("-" if math.isnan(value) else self.text(value), value)


_NUMBERS = (
    _Number("cycles", "cycles", short),
    _Number("cycles_half_width", "cycles\n+-", short, _HALF_WIDTH),
    _Number("cycles_to_reference", "cycles\nover A", factor, "cycles / those of the same run of A"),
    _Number("energy_pj", "energy", energy),
    _Number("energy_half_width_pj", "energy\n+-", energy, _HALF_WIDTH),
    _Number(
        "energy_to_reference",
        "energy\nover A",
        factor,
        "energy / that of the same run of A, centre values",
    ),
    _Number("speedup", "speedup", times, "dense cycles of the same side / cycles"),
    _Number("speedup_half_width", "speedup\n+-", "{:.2f}".format, _HALF_WIDTH),
    _Number("energy_efficiency", "energy\nefficiency", times, "dense energy of the same side / energy"),
    _Number("energy_efficiency_half_width", "efficiency\n+-", "{:.2f}".format, _HALF_WIDTH),
    _Number("pe_utilization", "PE use", percent, "useful MACs / (cycles x PEs x MACs per PE)"),
)


def totals_table(comparison: Comparison) -> Table:
    """Every run that all sides have, in both accountings, with the ratios to A; +- where it is known."""
    spread = any(row.cycles_half_width > 0 for row in comparison.totals)
    names = [
        Column("run", numeric=False),
        Column("accounting", "; ".join(TITLES.values()), numeric=False),
        Column("side", numeric=False),
    ]
    numbers = [one for one in _NUMBERS if spread or one.meaning != _HALF_WIDTH]
    rows = [Row([*_names(row), *(one.cell(row) for one in numbers)]) for row in comparison.totals]
    columns = [*names, *(one.column for one in numbers)]
    return Table("table-runs", "Runs side by side", columns, rows, sortable=False)


def _names(row: Total) -> list[Cell]:
    return list(map(Cell, (shown_name(row.run), ACCOUNTING_WORDS[row.accounting], row.side.label)))
