"""`run --timeline FILE`: record before the simulation, so that mistakes show at once; write after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from reports.terminal.table import console_for
from reports.text import plain
from sparsesim import __version__
from sparsesim.cli.timeline_options import TimelineOptions
from sparsesim.request import Request
from sparsesim.simulation import plan_of, request_workload, runs_of
from sparsesim.timeline import Timeline, check_file, record_timeline, write_trace
from workloads.errors import UserError


@dataclass(frozen=True)
class Recorded:
    """A timeline to be written. about: what its file says of the run."""

    file: Path
    timeline: Timeline
    about: Mapping[str, Any]


def recorded(options: TimelineOptions, request: Request, threads: int | None) -> Recorded:
    """The timeline that is asked for; UserError for what the run has not and for what cannot be written."""
    file = _checked_file(options)
    workload = request_workload(request)
    plan = plan_of(workload, runs_of(request, workload), request.load.batch)
    timeline = record_timeline(
        plan,
        layer=options.layer,
        stage=options.stage,
        run=options.run,
        cycles=options.cycles,
        threads=threads,
    )
    about = {
        "program": f"sparsesim {__version__}",
        "network": workload.network,
        "dataset": workload.dataset,
        "machine": request.machine.name,
        "clock_mhz": request.machine.array.clock_mhz,
        "seed": request.load.seed,
    }
    return Recorded(file, timeline, about)


def write_recorded(what: Recorded, file: TextIO) -> None:
    """Write the timeline, and say in `file` where it is and what it shows."""
    timeline = what.timeline
    write_trace(timeline, what.file, what.about)
    sentence = (
        f"timeline of {timeline.subject}, cycles {timeline.window} of {timeline.cycles}, in {what.file}; "
        f"open it in ui.perfetto.dev (1 us there is 1 cycle)"
    )
    console_for(file).print(plain(sentence), soft_wrap=True)


def _checked_file(options: TimelineOptions) -> Path:
    """The file to write; UserError where it cannot be written, and for options without one."""
    if options.file is None:
        name = next(
            name for name in ("layer", "stage", "run", "cycles") if getattr(options, name) is not None
        )
        raise UserError(f"--timeline-{name} is about a timeline; give --timeline FILE, too.")
    check_file(options.file)
    return options.file
