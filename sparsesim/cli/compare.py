"""`compare`: run folders side by side, in the terminal and as a page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.files import DEFAULT_FORMATS, check_formats, write_report
from reports.terminal.table import console_for
from sparsesim.cli.report import check_out
from sparsesim.results.reading import load_run

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison
    from reports.page.model import Page

FOLDER = Path("comparison")  # where a page goes that nobody gave a place


def compare_command(
    paths: Sequence[Path], run: str | None, out: Path | None, formats: Sequence[str] | None
) -> None:
    """Compare run folders with the first; UserError for what is none, before anything is written.

    out, formats: either makes a page and figures too; the other has a default then.
    """
    from reports.comparison.compare import compare  # noqa: PLC0415
    from reports.terminal.comparison import print_comparison  # noqa: PLC0415

    folder = out if out is not None or formats is None else FOLDER
    wanted = check_formats(DEFAULT_FORMATS if formats is None else formats)
    if folder is not None:
        check_out(folder)
    comparison = compare([load_run(path) for path in paths], run)
    if folder is not None:
        write_report(page_of(comparison), folder, wanted)
    print_comparison(comparison, console_for(sys.stdout), folder)


def page_of(comparison: Comparison) -> Page:
    """The page of a comparison."""
    from reports.comparison.drawings import comparison_drawings  # noqa: PLC0415
    from reports.figures.style import house_style  # noqa: PLC0415
    from reports.page.of_comparison import comparison_page  # noqa: PLC0415

    with house_style():
        drawings = comparison_drawings(comparison)
    return comparison_page(comparison, drawings)
