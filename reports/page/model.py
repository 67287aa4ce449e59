"""What a page is made of, before it is HTML: all texts are plain, and escaped where the page is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing


@dataclass(frozen=True)
class Cell:
    """A cell of a table. value: what it is sorted by where that is not its text; nan sorts last."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Row:
    """A row. layer: place in Result.layer_names() of the layer it is about, which the figures share."""

    cells: Sequence[Cell]
    layer: int | None = None


@dataclass(frozen=True)
class Column:
    """heading: short; meaning: said in full where the pointer or a screen reader asks.

    csv: heading in the CSV, where values are exact: with the unit in its name; by default as on the page.
    """

    heading: str
    meaning: str = ""
    numeric: bool = True
    csv: str = ""


@dataclass(frozen=True)
class Table:
    """stem: of its CSV file; caption: what it is; columns, rows: every row has a cell per column.

    sortable: whether the order may be changed by the reader. note: a sentence below it.
    """

    stem: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sortable: bool = True
    note: str = ""


@dataclass(frozen=True)
class Card:
    """One number of the headline. small: what makes it precise, such as its range."""

    number: str
    words: str
    small: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page: paragraphs, then figures, then tables, then texts that are shown on demand.

    details: (summary, text) pairs, the text verbatim.
    """

    anchor: str
    title: str
    paragraphs: Sequence[str] = field(default=())
    drawings: Sequence[Drawing] = field(default=())
    tables: Sequence[Table] = field(default=())
    details: Sequence[tuple[str, str]] = field(default=())


@dataclass(frozen=True)
class Page:
    """A whole page. warnings: what a reader must know before believing a number.

    layers: names of the layers that figures and tables share, in their order; thing: what they are called if
    they are no layers.
    """

    title: str
    subtitle: str
    cards: Sequence[Card]
    warnings: Sequence[str]
    sections: Sequence[Section]
    layers: Sequence[str] = field(default=())
    thing: str = "layer"


def anchor(title: str) -> str:
    """What a part of the page is linked by: "What it gains" -> "what-it-gains"; for titles chosen here."""
    return "-".join(title.lower().split())
