"""The options of `run` about a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from sparsesim.cli.options import option

TimelineFile = Annotated[
    Path | None,
    option("--timeline", metavar="FILE.json", help="Write what the machine does when, for ui.perfetto.dev."),
]
TimelineLayer = Annotated[
    str | None,
    option(metavar="NAME", help="Of this layer (default: what takes most cycles)."),
]
TimelineStage = Annotated[
    str | None,
    option(metavar="STAGE", help="Of forward, gta or gtw (default: as above)."),
]
TimelineRun = Annotated[str | None, option(metavar="RUN", help="Of this run (default: the last one).")]
TimelineCycles = Annotated[
    str | None,
    option(metavar="FROM:TO", help="Of these cycles (default: what fits into 50 MB)."),
]


@dataclass(frozen=True)
class TimelineOptions:
    """What was given of them; None where nothing was."""

    file: Path | None = None
    layer: str | None = None
    stage: str | None = None
    run: str | None = None
    cycles: str | None = None
