"""`sweep`: all points of a study."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path

from sparsesim.cli.study import (
    FAILED,
    StudyOptions,
    check_options,
    expected_workers,
    folder_of,
    open_study,
    say,
    settings_words,
    show_study,
    workers_of,
)
from sparsesim.cli.study_progress import StudyProgress, duration
from sparsesim.study.checks import check
from sparsesim.study.definition import Definition, define
from sparsesim.study.estimate import worker_seconds
from sparsesim.study.flags import Flags
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point, Row
from sparsesim.study.runner import Runner
from sparsesim.study.session import Question, question_of
from sparsesim.study.store import Counts, StudyWriter
from sparsesim.study.sweep import missing_points, places_digest


def sweep_command(
    path: Path | None,
    flags: Flags,
    options: StudyOptions,
    *,
    skip_invalid: bool = False,
    only_plan: bool = False,
) -> int:
    """Check and announce the plan, run what is missing, show the study; the exit status.

    1 where no point of the study is done. only_plan: announce it and stop.
    """
    check_options(options)
    definition = define(path, flags)
    plan = Plan(definition, skip_invalid=skip_invalid)
    check(plan)
    folder = folder_of(definition, options)
    if only_plan:
        _announce(plan, definition, folder, options, Counts(0, 0), None)
        return 0
    question = question_of(definition, places_digest(plan))
    with open_study(folder, definition, question) as study:
        stored = study.counts(question.places)
        _announce(plan, definition, folder, options, stored, study)
        _run(plan, study, question, options, stored)
        return 0 if show_study(study, question, options) else FAILED


def _announce(
    plan: Plan,
    definition: Definition,
    folder: Path,
    options: StudyOptions,
    stored: Counts,
    study: StudyWriter | None,
) -> None:
    varied = settings_words(question_of(definition).varied)
    most = "at most " if plan.skip_invalid else ""
    product = f" ({varied})" if varied else ""
    say(f"{folder}: {most}{len(plan):,} point{'' if len(plan) == 1 else 's'}{product}.")
    missing = len(plan) - (stored.done if options.retry_failed else sum(stored))
    if sum(stored):
        say(f"{sum(stored):,} of them are stored already, {stored.failed:,} of these failed.")
    seconds = worker_seconds(plan, study) * (missing / len(plan))
    if missing and options.scheduler is None:
        workers = expected_workers(options)
        plural = "" if workers == 1 else "s"
        say(f"About {duration(math.ceil(seconds / workers))} on {workers} worker{plural}.")
    elif missing:
        say(f"About {duration(math.ceil(seconds))} divided by the workers of {options.scheduler}.")


def _run(plan: Plan, study: StudyWriter, question: Question, options: StudyOptions, stored: Counts) -> None:
    kept = stored.done if options.retry_failed else sum(stored)
    missing = missing_points(plan, study, retry_failed=options.retry_failed)
    # Points that are left out because they are invalid have no rows: only looking tells that none is missing.
    first = next(missing, None) if kept < len(plan) else None
    if first is None:
        return
    with (
        workers_of(options) as client,
        StudyProgress(question, len(plan), kept) as progress,
    ):
        progress.remember(study)
        runner = Runner(client, study, plan=question.places, retry_failed=options.retry_failed)

        def finished(point: Point, row: Row) -> None:
            del point
            progress.row(row)

        runner.run(chain([first], missing), finished)
