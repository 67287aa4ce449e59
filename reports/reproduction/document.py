"""docs/reproduction.md: the whole of a reproduction as Markdown, with figures beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.figures.drawing import Drawing
from reports.figures.files import csv_text, picture, settle
from reports.figures.style import house_style
from reports.reproduction import sentences
from reports.reproduction.drawings import figures
from reports.reproduction.sheets import Sheet, sheets
from sparsesim.reproduction.model import Reproduction

FIGURES = "figures"
"""Folder of the figures beside the document."""
_PREFIX = "reproduction-"
_WIDTH = 160


def write_document(reproduction: Reproduction, path: Path) -> None:
    """Write the document, and its figures as PNG with their data as CSV into a folder beside it.

    Each file is replaced when it is complete. OSError names what could not be written.
    """
    with house_style():
        drawings = {drawing.stem: drawing for drawing in figures(reproduction)}
        folder = path.parent / FIGURES
        folder.mkdir(exist_ok=True)
        for drawing in drawings.values():
            settle(drawing.figure)
            _replace(folder / f"{_PREFIX}{drawing.stem}.png", picture(drawing.figure, "png"))
            _replace(folder / f"{_PREFIX}{drawing.stem}.csv", csv_text(drawing).encode())
    _replace(path, document(reproduction, drawings).encode())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def document(reproduction: Reproduction, drawings: dict[str, Drawing]) -> str:
    """The text of the document. drawings: by stem; those that are not there are left out."""
    tables = {sheet.stem: sheet for sheet in sheets(reproduction)}
    parts = [
        "# Beside the published averages",
        *map(_paragraph, sentences.opening(reproduction)),
        f"    {sentences.command(reproduction)}",
    ]
    for title, paragraphs, stems in _sections(reproduction):
        parts += [f"## {title}", *map(_paragraph, paragraphs)]
        for stem in stems:
            parts += [_figure(drawings[stem])] if stem in drawings else []
            parts += _table(tables[stem]) if stem in tables else []
    return "\n\n".join(parts) + "\n"


def _sections(reproduction: Reproduction) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Title, paragraphs, and the stems of figures and tables, of each part."""
    yield "Result", sentences.result(reproduction), ("overview", "headline")
    yield "Pruning rate", sentences.over_rates(reproduction), ("rates",)
    yield "Reading it", sentences.reading(reproduction), ("causes", "stages")
    yield "Why it differs: one mechanism at a time", sentences.on_ladder(reproduction), ("ladder",)
    yield "Why it differs: one choice at a time", sentences.of_changes(reproduction), ("changes",)
    yield "Why it differs: energy", sentences.of_energy(reproduction), ("components", "views")
    yield "How certain it is", sentences.of_uncertainty(reproduction), ("generator",)
    if reproduction.steps:
        yield "Beyond it", sentences.beyond(reproduction), ("beyond",)
    yield "Data", sentences.of_data(reproduction), ()


def _paragraph(text: str) -> str:
    """Lists keep their lines."""
    lines = text.split("\n")
    return "\n".join(
        textwrap.fill(
            line,
            _WIDTH,
            subsequent_indent="  " if line.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    )


def _figure(drawing: Drawing) -> str:
    alt = drawing.title.replace("[", "(").replace("]", ")")
    return f"![{alt}]({FIGURES}/{_PREFIX}{drawing.stem}.png)"


def _table(sheet: Sheet) -> Iterator[str]:
    yield f"**{sheet.title}**"
    alignment = ["---"] * sheet.names + ["---:"] * (len(sheet.columns) - sheet.names)
    rows = [
        sheet.columns,
        alignment,
        *(_bold(row, place in sheet.bold) for place, row in enumerate(sheet.rows)),
    ]
    yield "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows)
    if sheet.note:
        yield _paragraph(sheet.note)


def _bold(row: Sequence[str], stands_out: bool) -> Sequence[str]:
    return [f"**{cell}**" if cell and stands_out else cell for cell in row]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
