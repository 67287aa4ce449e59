"""The page of one run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.language import ACCOUNTING_WORDS
from reports.numbers import extremes, times
from reports.page.layer_table import layer_table
from reports.page.model import Card, Page, Section, anchor
from reports.page.run_table import run_table
from reports.remarks import remarks, what
from reports.text import shown_name
from sparsesim.machine import export_yaml
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing


def page_of_run(result: Result, manifest: Mapping[str, Any]) -> Page:
    """The page of a result with all its figures. manifest: of its run folder, {} if there is none."""
    from reports.figures.of_run import run_drawings  # noqa: PLC0415
    from reports.figures.style import house_style  # noqa: PLC0415

    with house_style():
        drawings = run_drawings(result)
    return run_page(result, manifest, drawings)


def run_page(result: Result, manifest: Mapping[str, Any], drawings: Mapping[str, Sequence[Drawing]]) -> Page:
    """The page of a result. manifest: of its run folder; drawings: by part, of reports.figures.of_run."""
    return Page(
        title=f"{shown_name(result.network)} on {shown_name(result.dataset)}: "
        f"what {shown_name(result.machine.name)} gains, and why",
        subtitle=what(result),
        cards=list(_cards(result)),
        warnings=list(_warnings(result)),
        sections=[
            Section("summary", "Summary", list(_remarks(result)), tables=[run_table(result)]),
            *(Section(anchor(part), part, drawings=found) for part, found in drawings.items()),
            Section("table", "All layers", tables=[layer_table(result)]),
            Section("made", "How it was made", details=list(_made(result, manifest))),
        ],
        layers=result.layer_names(),
    )


def _cards(result: Result) -> Iterator[Card]:
    """The last run, the most sparse one, over dense."""
    last = result.compared[-1]
    ranges = result.energy_efficiency_range[last]
    for accounting, said in ACCOUNTING_WORDS.items():
        speedup = getattr(result.speedup[last], accounting)
        yield Card(times(speedup), f"speedup {said}", f"{last} over dense")
        efficiency = ranges[accounting]
        least, most = extremes(efficiency)
        yield Card(
            times(efficiency.centre),
            f"energy efficiency {said}",
            f"{last} over dense; {times(least)} to {times(most)} by the columns of the energy table",
        )


def _warnings(result: Result) -> Iterator[str]:
    if result.profile.transferred_from:
        yield (
            f"Sparsity is transferred: not all of it was recorded on {result.network} and {result.dataset}: "
            f"{result.profile.transferred_from}."
        )


def _remarks(result: Result) -> Iterator[str]:
    """Without what the page warns of already."""
    return (sentence for sentence in remarks(result) if not sentence.startswith("TRANSFERRED"))


def _made(result: Result, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    volatile = manifest.get("volatile", {})
    argv = [str(argument) for argument in volatile.get("argv", [])]
    if argv:
        yield "Command", f"python -m sparsesim {shlex.join(argv[1:])}"
        # Where sparsesim was installed is nobody's business.
        manifest = {**manifest, "volatile": {**volatile, "argv": [Path(argv[0]).name, *argv[1:]]}}
    yield "Machine", export_yaml(result.machine)
    yield "Manifest: arguments, digests of all inputs, versions", json.dumps(manifest, indent=2)
