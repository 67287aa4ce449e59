"""The tables of a study on the page: the best designs, effects of settings, all points, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.numbers import times
from reports.page.model import Cell, Row, Table
from reports.page.study_columns import (
    Filled,
    columns,
    figure_columns,
    number_column,
    row_column,
    rows,
    setting_columns,
    text_column,
    varied_workloads,
    workload_columns,
)
from reports.study.effects import all_effects, are_all_combinations
from reports.study.labels import excluded_text, short_names
from reports.study.points import (
    WORKLOAD,
    Mask,
    allowed,
    on_front,
    settings_of,
    values_of,
    workloads,
)
from reports.study.ranking import best_first, shown_objectives
from reports.study.selection import best_points
from reports.study.sentences import (
    LONGEST_ERROR,
    apart_words,
    cut,
    effect_heading,
    effect_words,
    points_text,
    said,
)
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_BEST, _MOST_FRONT = 20, 200  # of a workload
_MAIN_FIGURES = (
    "area_mm2",
    "on_chip_speedup",
    "on_chip_energy_efficiency",
    "with_dram_speedup",
    "with_dram_energy_efficiency",
    "pe_utilization",
)
_MOST_BYTES = 4_100_000  # of the table of all points: with figures, a page stays below 5 MB
_NUMBER_BYTES, _TEXT_BYTES, _ROW_BYTES = 36, 9, 40  # of tags
_MANY_FAILED, _SHORT_ERROR = 1000, 100  # points, beyond which errors are cut to so many characters


@dataclass(frozen=True)
class Asked:
    """What a study asks, all its rows, those that are done, and which of these the figures know."""

    frame: DataFrame
    done: DataFrame
    varied: Sequence[str]
    objectives: Sequence[Objective]
    constraints: Sequence[Constraint]
    marked: Sequence[int]

    @property
    def settings(self) -> list[str]:
        """The settings that are varied and do not say what the workload is."""
        return [name for name in dict.fromkeys(self.varied) if name not in WORKLOAD]

    @property
    def figures(self) -> list[str]:
        """The figures of a point that tables show: the objectives, what is limited, then the main ones."""
        names = [*(one.figure for one in self.objectives), *(one.figure for one in self.constraints)]
        return [
            name
            for name in dict.fromkeys((*names, *_MAIN_FIGURES))
            if np.isfinite(values_of(self.done, name)).any()
        ]

    @property
    def layers(self) -> dict[int, int]:
        """The number by which the figures know a place in `done`."""
        return {place: number for number, place in enumerate(self.marked)}


def best_table(asked: Asked) -> Table | None:
    """The best points of every workload, or its Pareto front; None where no point is allowed."""
    permitted = allowed(asked.done, asked.constraints)
    found = [
        best_points(asked.done, mine & permitted, asked.objectives, _MOST_BEST, _MOST_FRONT)
        for mine in workloads(asked.done).values()
    ]
    places = [int(place) for one in found for place in one.places]
    if not places:
        return None
    filled = list(_of_points(asked, asked.done.iloc[places]))
    remarks = [remark for one in found for remark in one.remarks]
    if any(remarks):
        filled.insert(1, text_column("best at", remarks))
    what = found[0].what if len(found) == 1 else "the best points of every workload"
    return Table(
        "table-best", what[:1].upper() + what[1:], columns(filled), rows(filled, places, asked.layers)
    )


def _of_points(asked: Asked, chosen: DataFrame) -> Iterator[Filled]:
    """What all tables say of points that are done."""
    yield row_column(chosen)
    yield from workload_columns(chosen, varied_workloads(asked.frame))
    yield from setting_columns(chosen, asked.settings)
    yield from figure_columns(chosen, asked.figures)


def effects_table(asked: Asked) -> Table | None:
    """The effect of every setting on every objective; None where no setting has two values."""
    found = all_effects(asked.done, asked.varied, asked.objectives)
    effects = [(objective, effect) for objective, mine in found.items() for effect in mine]
    if not effects:
        return None
    names = short_names(asked.varied)
    grid = are_all_combinations(asked.done, asked.varied, found)
    filled = [
        text_column("objective", [said(objective.figure) for objective, _ in effects]),
        text_column("setting", [names[one.setting] for _, one in effects]),
        number_column(
            effect_heading(grid), [one.ratio for _, one in effects], [times(one.ratio) for _, one in effects]
        ),
        text_column("best at", [one.best for _, one in effects]),
        text_column("worst at", [one.worst for _, one in effects]),
    ]
    note = effect_words("the objective", grid) + apart_words((one for _, one in effects), names)
    caption = f"{_sentence(effect_heading(grid))}s of the settings"
    return Table("table-effects", caption, columns(filled), _plain_rows(filled), note=_sentence(note))


def _plain_rows(filled: Sequence[Filled]) -> list[Row]:
    return rows(filled, range(len(filled[0].cells)), {})


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def points_table(asked: Asked) -> Table:
    """All points that are done; of very many the best, and a sentence that says so."""
    row, *others = _of_points(asked, asked.done)
    filled = [row, _state(asked), *others]
    places = _fitting(filled, asked)
    chosen = [Filled(one.column, [one.cells[place] for place in places]) for one in filled]
    note = "A click on a heading sorts; one on a row that is in the figures too shows it there."
    if len(places) < len(asked.done):
        note = (
            f"The best {len(places):,} of {points_text(len(asked.done))}: fronts first, then by "
            f"{said(asked.objectives[0].figure)}. `python -m sparsesim show STUDY --csv FILE` "
            f"writes all. {note}"
        )
    return Table(
        "table-points",
        "Every point" if len(places) == len(asked.done) else "The best points",
        columns(chosen),
        rows(chosen, places, asked.layers),
        note=note,
    )


def _state(asked: Asked) -> Filled:
    permitted, members = allowed(asked.done, asked.constraints), _members(asked)
    texts = ["front" if on else "" if may else "excluded" for on, may in zip(members, permitted, strict=True)]
    meaning = "front: on the Pareto front of its workload"
    if asked.constraints:
        meaning += f"; excluded: {excluded_text(asked.constraints)}"
    return text_column("state", texts, meaning)


def _members(asked: Asked) -> Mask:
    """The points on the Pareto fronts of what the figures show."""
    shown = shown_objectives(asked.done, asked.objectives)
    permitted = allowed(asked.done, asked.constraints)
    found = np.zeros(len(asked.done), dtype=bool)
    for mine in workloads(asked.done).values():
        found |= on_front(asked.done, shown, mine & permitted)
    return found


def _fitting(filled: Sequence[Filled], asked: Asked) -> list[int]:
    """The places of the points a page has room for: all of them, or the best."""
    sizes = _ROW_BYTES + np.sum([[_size(cell) for cell in one.cells] for one in filled], axis=0)
    if sizes.sum() <= _MOST_BYTES:
        return list(range(len(sizes)))
    order = _best_first(asked)
    count = int(np.searchsorted(np.cumsum(sizes[order]), _MOST_BYTES))
    return sorted(order[:count].tolist())


def _size(cell: Cell) -> int:
    """Bytes of a cell in HTML."""
    text = len(cell.text.encode())
    return text + (_TEXT_BYTES if cell.value is None else _NUMBER_BYTES + len(repr(cell.value)))


def _best_first(asked: Asked) -> NDArray[np.intp]:
    """Places by what readers look for first: fronts, then the best of every workload, the excluded last."""
    order = best_first(asked.done, asked.objectives[0], asked.objectives)
    rank = np.zeros(len(order))
    for mine in workloads(asked.done).values():
        rank[order[mine[order]]] = np.arange(mine.sum())
    return np.lexsort((rank, ~allowed(asked.done, asked.constraints), ~_members(asked)))


def failed_table(asked: Asked) -> Table | None:
    """Every point that failed, and why; None where none did."""
    failed = asked.frame[asked.frame["status"] == "failed"] if "status" in asked.frame else asked.frame[:0]
    if failed.empty:
        return None
    longest = LONGEST_ERROR if len(failed) <= _MANY_FAILED else _SHORT_ERROR
    errors = [cut(str(error or ""), longest) for error in settings_of(failed, "error")]
    filled = [
        row_column(failed),
        *workload_columns(failed, varied_workloads(asked.frame)),
        *setting_columns(failed, asked.settings),
        text_column("error", errors),
    ]
    note = "`python -m sparsesim show STUDY ROW` shows an error in full; --retry-failed runs them again."
    return Table("table-failed", "Points that failed", columns(filled), _plain_rows(filled), note=note)
