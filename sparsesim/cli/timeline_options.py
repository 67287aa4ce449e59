"""The options of `run` about a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

TimelineFile = Annotated[
    Path | None,
    typer.Option(
        "--timeline",
        metavar="FILE.json",
        help="Write what the machine does when, for ui.perfetto.dev.",
        show_default=False,
    ),
]
TimelineLayer = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of this layer (default: what takes most cycles).", show_default=False),
]
TimelineStage = Annotated[
    str | None,
    typer.Option(metavar="STAGE", help="Of forward, gta or gtw (default: as above).", show_default=False),
]
TimelineRun = Annotated[
    str | None, typer.Option(metavar="RUN", help="Of this run (default: the last one).", show_default=False)
]
TimelineCycles = Annotated[
    str | None,
    typer.Option(
        metavar="FROM:TO", help="Of these cycles (default: what fits into 50 MB).", show_default=False
    ),
]


@dataclass(frozen=True)
class TimelineOptions:
    """What was given of them; None where nothing was."""

    file: Path | None = None
    layer: str | None = None
    stage: str | None = None
    run: str | None = None
    cycles: str | None = None
