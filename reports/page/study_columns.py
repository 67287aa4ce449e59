"""Columns of a study's tables on the page: rows, workloads, settings and figures, each with its cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from reports.page.model import Cell, Column, Row
from reports.study.labels import heading, is_number, short_names, shown_figure, shown_setting
from reports.study.points import WORKLOAD, settings_of, values_of
from reports.text import plain, shown_name
from sparsesim.study.figures import FIGURES

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Filled:
    """A column and its cells, one per row."""

    column: Column
    cells: Sequence[Cell]


def text_column(heading: str, texts: Iterable[str], meaning: str = "", csv: str = "") -> Filled:
    """A column of words; numbers in them are sorted as numbers. csv: heading in the CSV, if another one."""
    return Filled(Column(heading, meaning, numeric=False, csv=csv), [Cell(text) for text in texts])


def number_column(
    heading: str, values: Sequence[float], texts: Iterable[str], meaning: str = "", csv: str = ""
) -> Filled:
    """A column of numbers and how they are written; csv: heading of the exact values, with their unit."""
    cells = [Cell(text, value) for text, value in zip(texts, values, strict=True)]
    return Filled(Column(heading, meaning, csv=csv), cells)


def row_column(frame: DataFrame) -> Filled:
    """Which row of the study it is."""
    return text_column("row", map(str, frame["row"].tolist()))


def workload_columns(frame: DataFrame, names: Iterable[str]) -> Iterator[Filled]:
    """Network, data set and trace, as far as they are among the names."""
    for name in names:
        yield text_column(name, [_workload(name, value) for value in settings_of(frame, name)])


def _workload(name: str, value: Any) -> str:
    if value is None:
        return ""
    return shown_name(PurePath(str(value)).name if name == "trace" else str(value))


def varied_workloads(frame: DataFrame) -> list[str]:
    """Which of network, data set and trace differ between the rows of a frame."""
    return [name for name in WORKLOAD if len(set(map(str, settings_of(frame, name)))) > 1]


def setting_columns(frame: DataFrame, settings: Sequence[str]) -> Iterator[Filled]:
    """The values of settings."""
    for setting, name in short_names(settings).items():
        values = settings_of(frame, setting)
        texts = list(map(shown_setting, values))
        meaning = shown_name(setting) if name != setting else ""
        if any(value is not None and not is_number(value) for value in values):
            yield text_column(name, texts, meaning, plain(setting))
        else:
            numbers = [math.nan if value is None else float(value) for value in values]
            yield number_column(name, numbers, texts, meaning, plain(setting))


def figure_columns(frame: DataFrame, figures: Iterable[str]) -> Iterator[Filled]:
    """The values of figures, in the units they are kept in, and as text in the units people read."""
    for figure in figures:
        values = values_of(frame, figure).tolist()
        texts = [shown_figure(figure, value) for value in values]
        known = FIGURES.get(figure)
        title = heading(figure).strip().replace("energy efficiency", "energy\nefficiency")
        yield number_column(title, values, texts, known.meaning if known else "", figure)


def rows(filled: Sequence[Filled], places: Iterable[int], layers: Mapping[int, int]) -> list[Row]:
    """The rows of a table. places: of each row among the points; layers: number of a place in the figures."""
    lines = zip(*(one.cells for one in filled), strict=True)
    return [Row(cells, layers.get(place)) for place, cells in zip(places, lines, strict=True)]


def columns(filled: Iterable[Filled]) -> list[Column]:
    """The headings."""
    return [one.column for one in filled]
