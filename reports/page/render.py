"""A page as one HTML file: nothing is fetched, whoever opens it and wherever."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING

from reports.figures.files import csv_text, picture, settle, table_text
from reports.figures.style import house_style
from reports.language import variables
from reports.page.inline import inline_svg
from reports.page.model import Cell, Page, Table
from reports.text import plain

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing

# Larger data would make the page too large to be sent; they lie beside it.
_MOST_CARRIED_CHARACTERS = 200_000
_TALL_INCHES = 22.0  # about a hundred layers, from which a figure scrolls in a box of its own


def render(page: Page, pictures: Mapping[str, bytes] | None = None) -> str:
    """The HTML of a page; equal pages give equal text.

    pictures: its drawings as SVG by stem, where they are made already (see pictures_of).

    Everything that comes from a run is escaped by the template; only what is made here (SVG, CSS, script) is
    not. The policy in the page's head lets a browser run this one script and fetch nothing at all.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("reports", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    script = _source("page.js")
    pictures = pictures_of(page) if pictures is None else pictures
    figures = {
        drawing.stem: Markup(inline_svg(drawing, pictures[drawing.stem], page.layers))
        for drawing in drawings_of(page)
    }
    return environment.get_template("page.html.j2").render(
        page=page,
        figures=figures,
        style=Markup(_source("page.css")),
        light=_theme("light"),
        dark=_theme("dark"),
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        figure_link=lambda drawing: _link(csv_text(drawing)),
        table_link=lambda table: _link(table_csv(table)),
        sort_value=_sort_value,
        tall=lambda drawing: drawing.figure.get_figheight() > _TALL_INCHES,
    )


def _source(name: str) -> str:
    return (resources.files("reports") / "page" / name).read_text(encoding="utf-8")


def _theme(side: str) -> str:
    return " ".join(f"--{name}: {getattr(colour, side)};" for name, colour in variables().items())


def table_csv(table: Table) -> str:
    """A table as CSV: numbers where there are numbers, at full precision."""
    header = [column.csv or " ".join(column.heading.split()) for column in table.columns]
    return table_text(header, ([_exact(cell) for cell in row.cells] for row in table.rows))


def _exact(cell: Cell) -> str | float | None:
    if cell.value is None:
        return cell.text
    return None if math.isnan(cell.value) else cell.value


def _sort_value(cell: Cell) -> str:
    """What the script sorts by; "" sorts last."""
    if cell.value is None:
        return cell.text
    return "" if math.isnan(cell.value) else repr(float(cell.value))


def _link(text: str) -> str:
    """A file inside a link; "" for one that is too large to be carried along."""
    if len(text) > _MOST_CARRIED_CHARACTERS:
        return ""
    return "data:text/csv;base64," + base64.b64encode(text.encode()).decode()


def pictures_of(page: Page) -> dict[str, bytes]:
    """All drawings of a page as SVG, by stem."""
    with house_style():
        for drawing in drawings_of(page):
            settle(drawing.figure)
        return {drawing.stem: picture(drawing.figure, "svg") for drawing in drawings_of(page)}


def drawings_of(page: Page) -> list[Drawing]:
    """All drawings of a page, in its order."""
    return [drawing for section in page.sections for drawing in section.drawings]
