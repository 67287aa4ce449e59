"""A table of texts, as the document and the terminal have it, as a table of a page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.page.model import Cell, Column, Row, Table

if TYPE_CHECKING:
    from reports.reproduction.sheets import Sheet

_NUMBER = re.compile(r"[-+<]?\d")


def sheet_table(sheet: Sheet) -> Table:
    """In its own order, which says something: no reader sorts it."""
    columns = [
        Column(
            heading.replace(": ", ":\n"),
            numeric=place >= sheet.names and _has_number(sheet, place),
            csv=heading,
        )
        for place, heading in enumerate(sheet.columns)
    ]
    rows = [Row([Cell(text) for text in row]) for row in sheet.rows]
    return Table(f"table-{sheet.stem}", sheet.title, columns, rows, sortable=False, note=sheet.note)


def _has_number(sheet: Sheet, place: int) -> bool:
    return any(_NUMBER.match(row[place]) for row in sheet.rows)
