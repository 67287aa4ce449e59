"""The tables of a reproduction in the terminal."""

from __future__ import annotations

from rich.console import Console

from reports.reproduction.sheets import Sheet, sheets
from reports.terminal.grid import Column, Grid, print_grid
from reports.terminal.table import paragraph
from sparsesim.reproduction.model import Reproduction

_FOLDED = 34  # characters from which on words of a table are folded


def print_reproduction(reproduction: Reproduction, console: Console) -> None:
    """Print every table, and below it what its columns mean."""
    for sheet in sheets(reproduction):
        print_grid(_grid(sheet), console)
        if sheet.note:
            paragraph(console, sheet.note)


def _grid(sheet: Sheet) -> Grid:
    columns = [
        Column(heading, [row[place] for row in sheet.rows], place >= sheet.names, folded)
        for place, heading in enumerate(sheet.columns)
        for folded in (_FOLDED if place < sheet.names else 0,)
    ]
    names, others = columns[: sheet.names], columns[sheet.names :]
    return Grid(sheet.title, names, [[column] for column in others], bold=sheet.bold)
