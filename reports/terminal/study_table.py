"""A study in the terminal: what was done, what failed, the best points, and which setting matters most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.numbers import times
from reports.study.effects import are_all_combinations, main_effects
from reports.study.labels import heading, short_names, shown_figure, shown_setting
from reports.study.points import WORKLOAD, Mask, allowed, done_points, settings_of, values_of, workloads
from reports.study.selection import best_points
from reports.study.sentences import apart_words, counts, effect_heading, effect_words, errors, meeting, said
from reports.terminal.table import paragraph
from reports.text import plain
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_AREA = "area_mm2"
_MOST_BEST = 5  # points, where there is one objective
_MOST_FRONT = 20  # points of a front, of all workloads together twice as many, but
_LEAST_FRONT = 5  # of each as many
_PADDING = 2


@dataclass(frozen=True)
class _Column:
    """A column of a table. heading: lines separated by newlines."""

    heading: str
    cells: Sequence[str]
    justify: Literal["left", "right"] = "right"

    @property
    def width(self) -> int:
        return max(map(cell_len, [*self.heading.split("\n"), *self.cells])) + _PADDING


def print_study(
    frame: DataFrame,
    varied: Sequence[str],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    console: Console,
) -> None:
    """Print a study: counts, commonest errors, the best points of every workload, effects of the settings.

    frame: a row per point with the columns row, status, error, settings and figures by canonical names.
    varied: the settings that differ between points. With one objective the best points are printed, with more
    the Pareto front; points that break a constraint are left out of both.
    """
    for sentence in (counts(frame), *(f"  {error}" for error in errors(frame))):
        paragraph(console, sentence)
    done = done_points(frame)
    if done.empty or not objectives:
        return
    permitted = allowed(done, constraints)
    if constraints:
        paragraph(console, f"{meeting(permitted, constraints)}; the others are not listed.")
    of_workloads = workloads(done)
    for name, mine in of_workloads.items():
        _print_best(
            done, name, mine & permitted, _Shown(varied, objectives, constraints, len(of_workloads)), console
        )
    _print_effects(done, varied, objectives[0], console)


@dataclass(frozen=True)
class _Shown:
    """What is shown of a point, and of how many workloads there are tables."""

    varied: Sequence[str]
    objectives: Sequence[Objective]
    constraints: Sequence[Constraint]
    workloads: int

    @property
    def figures(self) -> list[str]:
        limited = [constraint.figure for constraint in self.constraints]
        return list(dict.fromkeys([*(one.figure for one in self.objectives), *limited, _AREA]))

    @property
    def most(self) -> int:
        return max(_LEAST_FRONT, min(_MOST_FRONT, 2 * _MOST_FRONT // self.workloads))


def _print_best(done: DataFrame, name: str, among: Mask, shown: _Shown, console: Console) -> None:
    found = best_points(done, among, shown.objectives, _MOST_BEST, shown.most)
    if not len(found.places):
        paragraph(console, f"{name}: no point meets the constraints and has figures for every objective.")
        return
    columns = list(_columns(done, found.places, shown))
    if any(found.remarks):
        # Beside the row's number, so that it stays there when columns go into a table below.
        columns.insert(1, _Column("\n", found.remarks, "left"))
    _print_title(console, f"{name}: {found.what}")
    for chunk in _fitting(columns, console.width):
        console.print(_table(chunk))


def _columns(done: DataFrame, places: NDArray[np.intp], shown: _Shown) -> Iterator[_Column]:
    chosen = done.iloc[places]
    yield _Column("\nrow", [str(row) for row in chosen["row"]])
    settings = [name for name in shown.varied if name not in WORKLOAD]
    for setting, name in short_names(settings).items():
        values = settings_of(chosen, setting)
        justify: Literal["left", "right"] = (
            "left" if any(isinstance(value, str) for value in values) else "right"
        )
        yield _Column(f"\n{name}", [shown_setting(value) for value in values], justify)
    for figure in shown.figures:
        if figure in done:
            values = values_of(chosen, figure).tolist()
            yield _Column(heading(figure), [shown_figure(figure, value) for value in values])


def _fitting(columns: Sequence[_Column], width: int) -> Iterator[list[_Column]]:
    """As many columns as fit side by side; the first column begins every table."""
    key, chunk, left = columns[0], [columns[0]], width - columns[0].width
    for column in columns[1:]:
        if column.width > left and len(chunk) > 1:
            yield chunk
            chunk, left = [key], width - key.width
        chunk.append(column)
        left -= column.width
    yield chunk


def _table(columns: Sequence[_Column]) -> Table:
    table = Table(box=None, padding=(0, _PADDING, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        # Text is never read as markup, whatever the console does with strings.
        table.add_column(Text(column.heading), justify=column.justify, no_wrap=True)
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _print_title(console: Console, text: str) -> None:
    console.print()
    console.print(Text(plain(text), style="bold"))


def _print_effects(done: DataFrame, varied: Sequence[str], objective: Objective, console: Console) -> None:
    effects = main_effects(done, varied, objective)
    if not effects:
        return
    names = short_names(varied)
    grid = are_all_combinations(done, varied, [objective])
    _print_title(console, f"What matters most for {said(objective.figure)}")
    columns = [
        _Column("setting", [names[effect.setting] for effect in effects], "left"),
        _Column(effect_heading(grid), [times(effect.ratio) for effect in effects]),
        _Column("best at", [effect.best for effect in effects]),
        _Column("worst at", [effect.worst for effect in effects]),
    ]
    for chunk in _fitting(columns, console.width):
        console.print(_table(chunk))
    words = effect_words(said(objective.figure), grid)
    paragraph(console, f"{words}{apart_words(effects, names)}")
