"""What `sweep` and `explore` share: the study's folder, the workers, and what is shown in the end."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.terminal.table import console_for, paragraph
from sparsesim.cli.ending import TERMINATED
from sparsesim.results.folder import RUNS
from sparsesim.study.asked import frame_of_question
from sparsesim.study.cluster import (
    ClusterLost,
    existing_cluster,
    local_cluster,
    usable_cores,
    worker_threads,
)
from sparsesim.study.definition import Definition
from sparsesim.study.session import Question, begin
from sparsesim.study.store import Study, StudyWriter
from workloads.errors import UserError

if TYPE_CHECKING:
    from distributed import Client
    from pandas import DataFrame

INTERRUPTED = 130
FAILED = 1
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
LEAST_MEMORY = 512 * 1024**2
MOST_WORKERS = 1024


@dataclass(frozen=True)
class StudyOptions:
    """How a study is run: none of it changes a number.

    out: folder, default runs/NAME. memory: of each worker, such as 2GiB. csv: also write the table there.
    """

    out: Path | None = None
    workers: int | None = None
    memory: str | None = None
    scheduler: str | None = None
    retry_failed: bool = False
    csv: Path | None = None
    figure: bool = True


def folder_of(definition: Definition, options: StudyOptions) -> Path:
    """The study's folder."""
    return options.out if options.out is not None else RUNS / definition.name


def check_options(options: StudyOptions) -> None:
    """UserError for options that cannot be used, before anything is done."""
    if options.scheduler is not None and (options.workers is not None or options.memory is not None):
        raise UserError(
            "--scheduler contradicts --workers and --memory: an existing cluster has its own workers."
        )
    if options.workers is not None and not 1 <= options.workers <= MOST_WORKERS:
        raise UserError(f"--workers must be a whole number from 1 to {MOST_WORKERS} (got {options.workers}).")
    if options.memory is not None:
        memory_bytes(options.memory)
    if options.csv is not None:
        check_csv(options.csv)


def check_csv(path: Path) -> None:
    """UserError for what cannot be the path of a file."""
    if path.is_dir():
        raise UserError(f"--csv {path}: is a folder; give the name of a file.")
    if not path.parent.is_dir():
        raise UserError(f"--csv {path}: there is no folder {path.parent}; make it first.")


def memory_bytes(text: str) -> int:
    """Bytes of a size such as 800MiB or 2G (powers of 1024); UserError for what is none or too little."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if match is None:
        raise UserError(f"--memory must be a size such as 2GiB (got {text!r}).")
    size = int(float(match[1]) * _UNITS[match[2]])
    if size < LEAST_MEMORY:
        raise UserError(
            f"--memory must be at least {LEAST_MEMORY >> 20}MiB for a worker to start (got {text!r})."
        )
    return size


@contextlib.contextmanager
def workers_of(options: StudyOptions) -> Iterator[Client]:
    """The workers the options ask for."""
    if options.scheduler is not None:
        with existing_cluster(options.scheduler) as client:
            if not worker_threads(client):
                say(f"{options.scheduler} has no workers yet; the study goes on as soon as one joins.")
            yield client
        return
    limit = memory_bytes(options.memory) if options.memory is not None else None
    with local_cluster(options.workers, limit) as client:
        yield client


def expected_workers(options: StudyOptions) -> int:
    """Simulations at once, as far as it is known before a cluster is asked."""
    return options.workers or usable_cores()


@contextlib.contextmanager
def open_study(folder: Path, definition: Definition, question: Question) -> Iterator[StudyWriter]:
    """The study, locked; what ends a run before its end becomes a sentence that says what is safe.

    Ends the process with status 130 for Ctrl-C, 143 for SIGTERM and 1 where the cluster is lost.
    """
    with begin(folder, definition, sys.argv, question) as study:
        try:
            yield study
        except KeyboardInterrupt:
            _end(f"interrupted; {safe(study)}", INTERRUPTED)
        except ClusterLost as error:
            _end(f"{error}; {safe(study)}", FAILED)
        except SystemExit as ended:
            if ended.code == TERMINATED:
                _end(f"terminated; {safe(study)}", TERMINATED)
            raise


def safe(study: Study) -> str:
    """How much is stored, and how to go on."""
    stored = sum(study.counts())
    rows = f"{stored:,} point is" if stored == 1 else f"{stored:,} points are"
    return f"{rows} stored in {study.folder}, and the same command goes on from there."


def _end(sentence: str, status: int) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(status)


def say(sentence: str) -> None:
    """A sentence about what is going to happen, wrapped to the terminal."""
    paragraph(console_for(sys.stderr), sentence)


def show_study(study: Study, question: Question, options: StudyOptions) -> int:
    """Print what was asked, draw its figures into the study's folder, write the CSV; how many are done."""
    from reports.terminal.study_table import print_study  # noqa: PLC0415

    frame = frame_of_question(study, question)
    console = console_for(sys.stdout)
    print_study(frame, question.varied, question.objectives, question.constraints, console)
    if options.csv is not None:
        write_csv(frame, options.csv)
    if options.figure:
        _save_figures(frame, question, study.folder)
    shown = shlex.quote(str(study.folder))
    paragraph(console, f"Study: {study.folder}; `python -m sparsesim show {shown} ROW` tells more of a row.")
    return int((frame["status"] == "done").sum())


def _save_figures(frame: DataFrame, question: Question, folder: Path) -> None:
    from reports.study.figure import save_study_figures  # noqa: PLC0415

    written = save_study_figures(frame, question.varied, question.objectives, question.constraints, folder)
    pictures = [path.name for path in written if path.suffix == ".png"]
    if pictures:
        paragraph(console_for(sys.stdout), f"Figures: {', '.join(pictures)} in {folder}.")


def write_csv(frame: DataFrame, path: Path) -> None:
    """The table as CSV, complete or not there at all; OSError names the path."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        frame.to_csv(partial, index=False)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None


def settings_words(names: Sequence[str]) -> str:
    """Names of settings as a product: groups x banks."""
    return " x ".join(name.rpartition(".")[2] for name in names)
