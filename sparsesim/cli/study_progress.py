"""Progress of a study: a live line in a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from itertools import islice
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from reports.study.labels import shown_figure, shown_setting, words
from sparsesim.cli.ending import end_if_asked
from sparsesim.study.asked import asked_rows
from sparsesim.study.objectives import Objective
from sparsesim.study.point import Row, Scalar
from sparsesim.study.session import Question
from sparsesim.study.store import Study

LOG_SECONDS = 30.0
MOST_REMEMBERED = 20_000
MOST_WORKLOADS = 64  # whose best point is remembered; a grid may have as many as points
_OF_WORKLOAD = ("network", "dataset", "trace", "batch", "samples")
_Workload = tuple[Scalar | None, ...]
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class StudyProgress:
    """A context manager that is told every row as it lands. total: points; stored: of them before.

    The best point is that of the first objective, of those that break no constraint; where workloads vary,
    that of the workload simulated last. names_best: whether it is said.
    """

    def __init__(self, question: Question, total: int, stored: int = 0, *, names_best: bool = True) -> None:
        self._names_best = names_best
        self._question = question
        self._total = total
        self._stored = stored
        self._new = self._failed = 0
        self._best: dict[_Workload, Row] = {}
        self._workload: _Workload = ()
        self._started = self._logged = time.monotonic()
        console = Console(stderr=True)
        self._live = console.is_terminal
        self._bar = Bar(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not self._live,
        )
        self._task = self._bar.add_task("", total=total, completed=stored)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def remember(self, study: Study) -> None:
        """Take the best point from rows that are stored already, as far as a moment's look reaches."""
        asked = asked_rows(study, self._question) if self._stored else set()
        for row in islice(study.rows("done"), MOST_REMEMBERED):
            if row.row in asked:
                self._note(row)

    def _note(self, row: Row) -> None:
        """Keep the row if it is the best of its workload."""
        self._workload = tuple(row.settings.get(name) for name in _OF_WORKLOAD)
        if self._is_better(row):
            self._best[self._workload] = row
            if len(self._best) > MOST_WORKLOADS:
                del self._best[next(iter(self._best))]

    def row(self, row: Row) -> None:
        """A point has its row. Raises for a signal that could not (sparsesim.cli.ending)."""
        end_if_asked()
        self._new += 1
        self._failed += row.status == "failed"
        self._note(row)
        now = time.monotonic()
        if self._live:
            self._bar.update(self._task, completed=self._stored + self._new, description=self.sentence(now))
        elif now - self._logged >= LOG_SECONDS:
            self._logged = now
            done = f"{self._stored + self._new:,} of {self._total:,} points"
            print(f"{done}, {self.sentence(now)}", file=sys.stderr, flush=True)

    def _is_better(self, row: Row) -> bool:
        objective = self._question.objectives[0]
        if row.status == "failed" or objective.figure not in row.figures:
            return False
        if any(limit.violation(row.figures) > 0 for limit in self._question.constraints):
            return False
        best = self._best.get(self._workload)
        return best is None or _beats(row, best, objective)

    def sentence(self, now: float) -> str:
        """Rate, remaining time, failures and the best point so far. now: of time.monotonic."""
        rate = self._new / max(now - self._started, 1e-9)
        left = (self._total - self._stored - self._new) / rate if rate else 0.0
        parts = [_rate(rate), f"{duration(left)} left"]
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        return ", ".join([*parts, *self._best_words()])

    def _best_words(self) -> list[str]:
        best = self._best.get(self._workload)
        if best is None or not self._names_best:
            return []
        objective = self._question.objectives[0]
        name = " ".join(filter(None, words(objective.figure)))
        value = shown_figure(objective.figure, best.figures[objective.figure])
        at = " ".join(
            f"{setting.rpartition('.')[2]}={shown_setting(best.settings[setting])}"
            for setting in self._question.varied
            if setting in best.settings
        )
        return [f"best {name} {value} ({at})"]


def _beats(row: Row, best: Row, objective: Objective) -> bool:
    mine, other = row.figures[objective.figure], best.figures[objective.figure]
    return mine < other if objective.goal == "minimize" else mine > other


def _rate(points_per_second: float) -> str:
    if points_per_second >= 1:
        return f"{points_per_second:.1f} points/s"
    return f"{points_per_second * _MINUTE:.1f} points/min"


def duration(seconds: float) -> str:
    """A time as people say it, two digits: 45 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _DAY:.1f} days"
