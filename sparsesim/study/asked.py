"""What the last run of a study asked for, as a table: the rows of its plan, or a row per design of a search.

A study keeps all rows it ever had: an edited study finds again what it simulated before. Shown is what was
asked for last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sparsesim.study.exploration import Trial, TrialStatus
from sparsesim.study.read import frame_of
from sparsesim.study.session import Question
from sparsesim.study.store import StoredRow, Study
from sparsesim.study.trials import frame_of_trials

if TYPE_CHECKING:
    import pandas

_EVERY_PLACE = 1 << 62
_OF_WORKLOAD = ("network", "dataset", "trace")


def asked_rows(study: Study, question: Question) -> set[int]:
    """Numbers of the rows that the question's points have so far."""
    return {found.row for found in study.planned(question.places, 0, _EVERY_PLACE).values()}


def frame_of_question(study: Study, question: Question) -> pandas.DataFrame:
    """A table as load_study has it, of the rows asked for; of a search a row per design that is finished."""
    if question.workloads:
        return frame_of_trials(study, list(_designs(study, question)))
    frame = frame_of(study)
    return frame[frame["row"].isin(asked_rows(study, question))].reset_index(drop=True)


def _designs(study: Study, question: Question) -> Iterator[Trial]:
    """The designs of a search all of whose points have a row, by number."""
    rows: dict[int, list[int]] = {}
    for place, found in sorted(study.planned(question.places, 0, _EVERY_PLACE).items()):
        rows.setdefault(place // question.workloads, []).append(found.row)
    for number, mine in rows.items():
        if len(mine) == question.workloads:
            yield _design(number, [study.row(row) for row in mine], question)


def _design(number: int, rows: list[StoredRow], question: Question) -> Trial:
    failed = next((row.error for row in rows if row.status == "failed"), None)
    first = rows[0].settings
    settings = {name: first[name] for name in question.varied if name in first and name not in _OF_WORKLOAD}
    status: TrialStatus = "done" if failed is None else "failed"
    return Trial(number, settings, status, rows=tuple(row.row for row in rows), error=failed or "")
