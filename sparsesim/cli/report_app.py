"""The commands about reports and their options; what they do is in the modules they call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsesim.cli.options import folder_option, option
from sparsesim.cli.study_app import app
from sparsesim.cli.texts import names

__all__ = ["app"]

Formats = Annotated[
    str,
    option(
        "--format",
        metavar="A,B",
        help="html (the page), png, svg, pdf (the figures); data is always CSV.",
        show_default=True,
    ),
]


@app.command()
def report(
    path: Annotated[Path, typer.Argument(metavar="RUN|STUDY", help="Folder of a run or of a study.")],
    *,
    out: Annotated[Path | None, folder_option(help="Where to (default: report in that folder).")] = None,
    formats: Formats = "html,svg",
) -> None:
    """Write a run or a study as one page (a single HTML file), with every figure and its data as files."""
    from sparsesim.cli.report import report_command  # noqa: PLC0415

    report_command(path, out, names(formats))


@app.command()
def compare(
    paths: Annotated[
        list[Path], typer.Argument(metavar="A B [C...]", help="Run folders; the others are compared with A.")
    ],
    *,
    run: Annotated[
        str | None,
        option(metavar="NAME", help="Which run to explain (default: the last that all have)."),
    ] = None,
    out: Annotated[
        Path | None,
        folder_option(
            help="Write a page and figures too, into this folder (default with --format: ./comparison)."
        ),
    ] = None,
    formats: Annotated[
        str | None, option("--format", metavar="A,B", help="As of report, also without --out.")
    ] = None,
) -> None:
    """Compare runs: what differs in them, and where the difference in cycles and energy comes from."""
    from sparsesim.cli.compare import compare_command  # noqa: PLC0415

    compare_command(paths, run, out, None if formats is None else names(formats))
