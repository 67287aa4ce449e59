"""The commands about reports and their options; what they do is in the modules they call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsesim.cli.study_app import app
from sparsesim.cli.texts import folder, names

__all__ = ["app"]

Formats = Annotated[
    str,
    typer.Option(
        "--format", metavar="A,B", help="html (the page), png, svg, pdf (the figures); data is always CSV."
    ),
]


@app.command()
def report(
    path: Annotated[Path, typer.Argument(metavar="RUN|STUDY", help="Folder of a run or of a study.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder,
            metavar="DIR",
            help="Where to (default: report in that folder).",
            show_default=False,
        ),
    ] = None,
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
        typer.Option(
            metavar="NAME",
            help="Which run to explain (default: the last that all have).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder,
            metavar="DIR",
            help="Write a page and figures too, into this folder (default with --format: ./comparison).",
            show_default=False,
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="A,B", help="As of report, also without --out.", show_default=False),
    ] = None,
) -> None:
    """Compare runs: what differs in them, and where the difference in cycles and energy comes from."""
    from sparsesim.cli.compare import compare_command  # noqa: PLC0415

    compare_command(paths, run, out, None if formats is None else names(formats))
