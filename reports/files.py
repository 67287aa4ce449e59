"""Reports as files: the page, the figures and their data, complete or not there at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from reports.figures.files import FORMATS as FIGURE_FORMATS
from reports.figures.files import save
from reports.figures.style import house_style
from reports.page.model import Page
from reports.page.render import drawings_of, pictures_of, render, table_csv
from workloads.errors import UserError, unknown_name

PAGE = "report.html"
FORMATS = ("html", *FIGURE_FORMATS)
DEFAULT_FORMATS = ("html", "svg")
_PARTIAL = ".report.partial-"
_ABANDONED_SECONDS = 600.0  # no report takes that long


def check_formats(names: Collection[str]) -> tuple[str, ...]:
    """The formats in their usual order; UserError for one that does not exist, or none at all."""
    if not names:
        raise UserError(f"--format needs at least one of {', '.join(FORMATS)}.")
    for name in names:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    return tuple(name for name in FORMATS if name in names)


def write_report(page: Page, folder: Path, formats: Collection[str]) -> list[Path]:
    """Write a page and its figures into a folder, each with its data as CSV; what was written.

    Files of the same names are replaced one by one, each complete; equal pages give equal files. Raises
    OSError with the folder's name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _written(page, folder, formats)
    except OSError as error:
        reason = f"{error.strerror or error}; the report is not complete"
        raise OSError(error.errno, reason, str(folder)) from None


def _written(page: Page, folder: Path, formats: Collection[str]) -> list[Path]:
    with _scratch(folder) as scratch:
        pictures = pictures_of(page) if {"html", "svg"} & set(formats) else {}
        if "html" in formats:
            (scratch / PAGE).write_text(render(page, pictures), encoding="utf-8")
        figures = [name for name in formats if name in FIGURE_FORMATS]
        with house_style():
            for drawing in drawings_of(page):
                save(drawing, scratch, figures, pictures.get(drawing.stem))
        for section in page.sections:
            for table in section.tables:
                (scratch / f"{table.stem}.csv").write_text(table_csv(table), encoding="utf-8", newline="")
        return [_moved(path, folder) for path in sorted(scratch.iterdir())]


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside what will be written, gone at the end; so are those that were killed long ago."""
    for left in folder.glob(f"{_PARTIAL}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left)
    path = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _moved(path: Path, folder: Path) -> Path:
    target = folder / path.name
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)
    path.replace(target)
    return target
