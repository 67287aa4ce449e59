"""`reproduce`: the whole evaluation of the publication, as a study that goes on where it was ended."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from reports.files import DEFAULT_FORMATS, write_report
from reports.terminal.reproduction import print_reproduction
from reports.terminal.table import console_for, paragraph
from sparsesim.cli.report import check_out, say_where
from sparsesim.cli.study import StudyOptions, check_options, expected_workers, open_study, say, workers_of
from sparsesim.cli.study_progress import StudyProgress, duration
from sparsesim.cli.texts import workload_names
from sparsesim.reproduction.asked import QUICK, Asked
from sparsesim.reproduction.collect import collect, rows_of
from sparsesim.reproduction.generator import generator_errors
from sparsesim.reproduction.model import Reproduction
from sparsesim.reproduction.points import NAME, Purpose, definition_of, settings_of
from sparsesim.request import MOST_SAMPLES, check_count, make_request
from sparsesim.results.folder import RUNS
from sparsesim.study.checks import check
from sparsesim.study.estimate import worker_seconds
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point, Row
from sparsesim.study.resolve import overrides_of
from sparsesim.study.runner import Runner
from sparsesim.study.session import Question, question_of
from sparsesim.study.store import StudyWriter
from sparsesim.study.sweep import missing_points, places_digest
from workloads.catalog import load_network
from workloads.errors import UserError

QUICK_NAME = f"{NAME}-quick"


@dataclass(frozen=True)
class ReproduceOptions:
    """Where the outcome goes. report: folder of the page and the figures; document: Markdown file."""

    report: Path | None = None
    document: Path | None = None


def asked_for(
    networks: str | None,
    datasets: str | None,
    machine: str,
    overrides: Sequence[str],
    rates: Sequence[float],
    samples: int | None,
    quick: bool,
) -> Asked:
    """What the options ask for; UserError for what cannot be used. None and (): not given."""
    if samples is not None:
        check_count("samples", samples, MOST_SAMPLES)
    for rate in rates:
        if not 0 < rate < 1:
            raise UserError(f"--prune must be above 0 and below 1 (got {rate:g}).")
    usual = QUICK if quick else Asked()
    return replace(
        usual,
        networks=usual.networks if networks is None else _names("--networks", networks),
        datasets=usual.datasets if datasets is None else _names("--datasets", datasets),
        rates=tuple(dict.fromkeys(rates)) or usual.rates,
        samples=samples or usual.samples,
        machine=machine,
        base=settings_of(overrides),
    )


def _names(option: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(workload_names(option, text)))


def reproduce_command(asked: Asked, study: StudyOptions, options: ReproduceOptions) -> None:
    """Simulate what is missing, and show everything; UserError for what cannot be used."""
    check_options(study)
    _check(asked, options)
    definition, purposes = definition_of(asked)
    plan = Plan(definition, skip_invalid=True)
    check(plan)
    question = question_of(definition, places_digest(plan))
    folder = study.out or RUNS / (QUICK_NAME if asked.quick else NAME)
    with open_study(folder, definition, question) as written:
        _run(plan, written, question, study)
        reproduction = _collected(written, asked, plan, purposes)
    _show(reproduction, folder, options)


def _check(asked: Asked, options: ReproduceOptions) -> None:
    for workload in asked.workloads():
        load_network(*workload)
    if options.report is not None:
        check_out(options.report, "--report")
    if options.document is not None and not options.document.parent.is_dir():
        raise UserError(f"--document {options.document}: there is no folder {options.document.parent}.")


def _run(plan: Plan, study: StudyWriter, question: Question, options: StudyOptions) -> None:
    """Simulate all points that the study does not have."""
    kept = study.counts(question.places).done if options.retry_failed else sum(study.counts(question.places))
    missing = missing_points(plan, study, retry_failed=options.retry_failed)
    first = next(missing, None)
    if first is None:
        return
    seconds = worker_seconds(plan, study) * (len(plan) - kept) / len(plan) / expected_workers(options)
    stored = f", {kept:,} of them stored already" if kept else ""
    say(f"{study.folder}: {len(plan):,} points{stored}; about {duration(math.ceil(seconds))}.")
    with (
        workers_of(options) as client,
        StudyProgress(question, len(plan), kept, names_best=False) as progress,
    ):
        runner = Runner(client, study, plan=question.places, retry_failed=options.retry_failed)

        def finished(point: Point, row: Row) -> None:
            del point
            progress.row(row)

        runner.run(chain([first], missing), finished)


def _collected(study: StudyWriter, asked: Asked, plan: Plan, purposes: Sequence[Purpose]) -> Reproduction:
    request = make_request(machine=asked.machine, overrides=overrides_of(asked.base))
    recorded = generator_errors(
        request, study.folder, quick=asked.quick, progress=lambda trace: say(f"Generator against {trace}.")
    )
    return collect(study, asked, rows_of(study, plan, purposes), recorded)


def _show(reproduction: Reproduction, folder: Path, options: ReproduceOptions) -> None:
    console = console_for(sys.stdout)
    print_reproduction(reproduction, console)
    if options.document is not None:
        from reports.reproduction.document import write_document  # noqa: PLC0415

        write_document(reproduction, options.document)
        paragraph(console, f"Document: {options.document}.")
    if options.report is not None:
        from reports.page.of_reproduction import reproduction_page  # noqa: PLC0415

        write_report(reproduction_page(reproduction, sys.argv), options.report, DEFAULT_FORMATS)
        say_where(options.report, sys.stdout)
    shown = shlex.quote(str(folder))
    paragraph(console, f"Study: {folder}; `python -m sparsesim show {shown} ROW` tells more of a row.")
