"""`report`: a run or a study as one page, figures and their data."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reports.files import DEFAULT_FORMATS, PAGE, check_formats, write_report
from reports.terminal.table import console_for
from reports.text import plain
from sparsesim.results.model import Result
from sparsesim.results.reading import STUDY_INDEX, load_run
from workloads.errors import UserError

if TYPE_CHECKING:
    from reports.page.model import Page

FOLDER = "report"  # inside the folder of the run or study


def report_command(path: Path, out: Path | None, formats: Sequence[str]) -> None:
    """Write the report of a run folder or a study; UserError for what is neither."""
    wanted = check_formats(formats)
    folder = out if out is not None else _home(path) / FOLDER
    check_out(folder)
    page = _study_page(path) if (path / STUDY_INDEX).is_file() else _run_page(path)
    write_report(page, folder, wanted)
    say_where(folder, sys.stdout, wanted)


def _home(path: Path) -> Path:
    """The folder of a run whose summary.json may have been named instead."""
    return path.parent if path.is_file() else path


def _run_page(path: Path) -> Page:
    from reports.page.of_run import page_of_run  # noqa: PLC0415

    saved = load_run(path)
    return page_of_run(saved.result, saved.manifest)


def _study_page(path: Path) -> Page:
    from reports.page.of_study import page_of_study  # noqa: PLC0415
    from sparsesim.study.store import read_study  # noqa: PLC0415

    with read_study(path) as study:
        return page_of_study(study)


def check_out(folder: Path, option: str = "--out") -> None:
    """UserError for what can be no folder to write into, before anything is computed."""
    above = folder.absolute()
    try:
        if (folder / PAGE).is_dir():
            raise UserError(f"{folder / PAGE}: is a folder, the page needs the name; give another {option}.")
        while not os.path.lexists(above):
            above = above.parent
        Path(tempfile.mkdtemp(prefix=".report.partial-", dir=above)).rmdir()
    except OSError as error:
        raise UserError(
            f"{option} {folder}: cannot be written, {above}: {error.strerror}; give a place that can be."
        ) from None


def save_report(result: Result, manifest: Mapping[str, Any], folder: Path) -> None:
    """Write the report into a run folder that is being made."""
    from reports.page.of_run import page_of_run  # noqa: PLC0415

    write_report(page_of_run(result, manifest), folder / FOLDER, DEFAULT_FORMATS)


def say_where(folder: Path, file: TextIO, formats: Sequence[str] = DEFAULT_FORMATS) -> None:
    """Print where a report is. folder: of the report."""
    where = folder / PAGE if "html" in formats else folder
    console_for(file).print(plain(f"report in {where}"), soft_wrap=True)
