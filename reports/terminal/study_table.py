"""A study in the terminal: what was done, what failed, the best points, and which setting matters most."""

from __future__ import annotations

from collections import Counter
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
from reports.study.effects import main_effects
from reports.study.labels import heading, short_names, shown_figure, shown_setting, words
from reports.study.points import (
    WORKLOAD,
    Mask,
    allowed,
    best_first,
    done_points,
    knee,
    on_front,
    settings_of,
    values_of,
    workloads,
)
from reports.terminal.table import paragraph
from reports.text import plain
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_AREA = "area_mm2"
_MOST_ERRORS = 5
_LONGEST_ERROR = 300  # characters of an error's sentence
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
    for sentence in (*_counts(frame), *_errors(frame)):
        paragraph(console, sentence)
    done = done_points(frame)
    if done.empty or not objectives:
        return
    permitted = allowed(done, constraints)
    if constraints:
        paragraph(console, _constraints(permitted, constraints))
    of_workloads = workloads(done)
    for name, mine in of_workloads.items():
        _print_best(
            done, name, mine & permitted, _Shown(varied, objectives, constraints, len(of_workloads)), console
        )
    _print_effects(done, varied, objectives[0], console)


def _counts(frame: DataFrame) -> Iterator[str]:
    statuses = Counter(frame["status"]) if "status" in frame else Counter()
    if not statuses:
        yield "No point is done yet."
        return
    failed = f", {_points(statuses['failed'])} failed" if statuses["failed"] else ""
    yield f"{_points(statuses['done'])} done{failed}."


def _points(count: int) -> str:
    return f"{count:,} point{'' if count == 1 else 's'}"


def _errors(frame: DataFrame) -> Iterator[str]:
    if "error" not in frame or "status" not in frame:
        return
    errors = Counter(str(error) for error in settings_of(frame[frame["status"] == "failed"], "error"))
    for error, count in errors.most_common(_MOST_ERRORS):
        sentence = error if len(error) <= _LONGEST_ERROR else f"{error[:_LONGEST_ERROR]}..."
        yield f"  {count:,} x {sentence}"
    if len(errors) > _MOST_ERRORS:
        rest = sum(errors.values()) - sum(count for _, count in errors.most_common(_MOST_ERRORS))
        yield f"  {rest:,} x one of {len(errors) - _MOST_ERRORS:,} other errors"


def _constraints(permitted: Mask, constraints: Sequence[Constraint]) -> str:
    limits = " and ".join(map(str, constraints))
    return f"{_points(int(permitted.sum()))} of {len(permitted):,} meet {limits}; the others are not listed."


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
    places, remarks, what = _best(done, among, shown)
    if not len(places):
        paragraph(console, f"{name}: no point meets the constraints and has figures for every objective.")
        return
    columns = list(_columns(done, places, shown))
    if any(remarks):
        # Beside the row's number, so that it stays there when columns go into a table below.
        columns.insert(1, _Column("\n", remarks, "left"))
    _print_title(console, f"{name}: {what}")
    for chunk in _fitting(columns, console.width):
        console.print(_table(chunk))


def _best(done: DataFrame, among: Mask, shown: _Shown) -> tuple[NDArray[np.intp], list[str], str]:
    """The points to be shown, a remark on each, and what they are."""
    first = shown.objectives[0]
    figures = values_of(done, first.figure)
    if len(shown.objectives) == 1:
        figures[~among] = np.nan
        order = best_first(figures, first)
        places = order[np.isfinite(figures[order])][:_MOST_BEST]
        return places, [""] * len(places), f"best {_points(len(places))}, {_said(first)}"
    members = np.flatnonzero(on_front(done, shown.objectives, among))
    members = members[best_first(figures[members], first)]
    remarks = _remarks(done, members, shown.objectives)
    kept = _thinned(len(members), [place for place, remark in enumerate(remarks) if remark], shown.most)
    what = f"Pareto front, {_points(len(members))}"
    if len(kept) < len(members):
        what += f" ({len(kept)} of them shown)"
    return members[kept], [remarks[place] for place in kept], f"{what}; {_goals(shown.objectives)}"


def _said(objective: Objective) -> str:
    direction = "lowest" if objective.goal == "minimize" else "highest"
    return f"{direction} {' '.join(part for part in words(objective.figure) if part)} first"


def _goals(objectives: Sequence[Objective]) -> str:
    return ", ".join(f"{one.goal} {words(one.figure)[0]}" for one in objectives)


def _remarks(done: DataFrame, members: NDArray[np.intp], objectives: Sequence[Objective]) -> list[str]:
    """Which objective a point of a front is best at, and the knee."""
    found: list[list[str]] = [[] for _ in members]
    if not found:
        return []
    for objective in objectives:
        best = best_first(values_of(done, objective.figure)[members], objective)[0]
        found[best].append(f"best {words(objective.figure)[0]}")
    if len(objectives) == 2:
        columns = [values_of(done, objective.figure)[members] for objective in objectives]
        place = knee(np.column_stack(columns), objectives)
        if place is not None:
            found[place].append("knee")
    return [", ".join(remarks) for remarks in found]


def _thinned(count: int, kept: Sequence[int], most: int) -> list[int]:
    """At most `most` places of `count`, evenly spread, all of `kept` among them."""
    spread = np.linspace(0, count - 1, max(0, min(count, most - len(kept)))).round().astype(int).tolist()
    return sorted({*kept, *spread})


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
    said = " ".join(part for part in words(objective.figure) if part)
    _print_title(console, f"What matters most for {said}")
    columns = [
        _Column("setting", [names[effect.setting] for effect in effects], "left"),
        _Column("effect", [times(effect.ratio) for effect in effects]),
        _Column("best at", [effect.best for effect in effects]),
        _Column("worst at", [effect.worst for effect in effects]),
    ]
    for chunk in _fitting(columns, console.width):
        console.print(_table(chunk))
    paragraph(
        console,
        f"effect: geometric mean of {said} at the worst value of a setting over that at its best (or the "
        "inverse, where more is better), over all points done, those that break a constraint too.",
    )
