"""`explore`: a search of the design space of a study."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reports.terminal.table import console_for, paragraph
from sparsesim.cli.study import (
    FAILED,
    StudyOptions,
    check_options,
    folder_of,
    open_study,
    say,
    settings_words,
    show_study,
    workers_of,
)
from sparsesim.cli.study_progress import StudyProgress
from sparsesim.request import MOST_SEED, check_whole
from sparsesim.results.inputs import digest
from sparsesim.study.definition import Definition, define
from sparsesim.study.exploration import Exploration
from sparsesim.study.explore import SMALLEST_BATCH, explore
from sparsesim.study.flags import Flags
from sparsesim.study.point import Point, Row
from sparsesim.study.prepared import known_figures
from sparsesim.study.runner import Finished, Runner
from sparsesim.study.search.space import search_space
from sparsesim.study.session import question_of
from sparsesim.study.simulations import canonical


@dataclass(frozen=True)
class SearchOptions:
    """trials: designs to simulate in all. sampler: nsga2, tpe or random. seed: of the search. batch: designs
    asked together.
    """

    trials: int
    sampler: str
    seed: int
    batch: int


class _Watched:
    """A runner that tells the progress of every row, too."""

    def __init__(self, runner: Runner, progress: StudyProgress) -> None:
        self._runner = runner
        self._progress = progress

    def run(self, points: Iterable[Point], finished: Finished) -> None:
        """As Runner.run."""

        def both(point: Point, row: Row) -> None:
            finished(point, row)
            self._progress.row(row)

        self._runner.run(points, both)


def explore_command(path: Path | None, flags: Flags, options: StudyOptions, search: SearchOptions) -> int:
    """Search and show what was found; the exit status, 1 where no design could be simulated."""
    check_options(options)
    _check_search(search)
    definition = define(path, flags)
    definition = replace(definition, objectives=question_of(definition).objectives)
    folder = folder_of(definition, options)
    workloads = len(search_space(definition).workloads)
    question = question_of(definition, _places(definition, search), workloads)
    goals = " and ".join(map(str, question.objectives))
    say(f"{folder}: {search.trials:,} trials of {settings_words(question.varied)}, to {goals}.")
    if workloads > 1:
        say(f"Every design is judged on {workloads} workloads together.")
    with open_study(folder, definition, question) as study:
        stored = sum(study.counts(question.places))
        with (
            workers_of(options) as client,
            StudyProgress(question, search.trials * workloads, stored) as progress,
        ):
            progress.remember(study)
            runner = Runner(client, study, plan=question.places, retry_failed=options.retry_failed)
            found = explore(
                definition,
                folder,
                _Watched(runner, progress),
                trials=search.trials,
                sampler=search.sampler,
                seed=search.seed,
                batch=search.batch,
                precheck=known_figures,
                retry_failed=options.retry_failed,
            )
        _print_counts(found)
        return 0 if show_study(study, question, options) else FAILED


def _places(definition: Definition, search: SearchOptions) -> str:
    """What the points of a search are stored under: all that decides which designs are asked for."""
    aims = [*map(str, definition.objectives), *map(str, definition.constraints)]
    return digest(canonical(["search", definition.digest(), aims, search.sampler, search.seed, search.batch]))


def _check_search(search: SearchOptions) -> None:
    check_whole("trials", search.trials, 1, MOST_SEED, "a whole number from 1")
    check_whole("search-seed", search.seed, 0, MOST_SEED, "from 0 to 2^63 - 1")
    check_whole(
        "population", search.batch, SMALLEST_BATCH, MOST_SEED, f"a whole number from {SMALLEST_BATCH}"
    )


def _print_counts(found: Exploration) -> None:
    console = console_for(sys.stdout)
    refused = found.count("refused")
    if refused:
        paragraph(
            console,
            f"{refused:,} designs were not simulated: known already, impossible, or beyond a constraint that "
            f"needs no simulation.",
        )
    if found.exhausted:
        paragraph(console, "No design is left, or none that the search would choose and has not tried.")
