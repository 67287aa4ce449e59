"""The page of one run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.language import ACCOUNTING_WORDS
from reports.numbers import energy, percent, short, times
from reports.page.layer_table import layer_table
from reports.page.model import Card, Cell, Column, Page, Row, Section, Table, anchor
from reports.remarks import TITLES, remarks, what
from reports.text import shown_name
from sparsesim.machine import export_yaml
from sparsesim.results.model import DENSE, Result

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
            Section("summary", "Summary", list(_remarks(result)), tables=[_summary(result)]),
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
        low, high = sorted((efficiency.low, efficiency.high))
        yield Card(
            times(efficiency.centre),
            f"energy efficiency {said}",
            f"{last} over dense; {times(low)} to {times(high)} with low and high energies",
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


def _summary(result: Result) -> Table:
    columns = [Column("run", numeric=False), Column("accounting", "; ".join(TITLES.values()), numeric=False)]
    headings = ("cycles", "speedup", "energy", "energy\nefficiency", "low", "high", "PE use", "useful\nMACs")
    rows = [
        Row([Cell(name), Cell(said), *_numbers(result, name, accounting)])
        for accounting, said in ACCOUNTING_WORDS.items()
        for name in result.runs
    ]
    return Table("table-runs", "All runs", [*columns, *map(Column, headings)], rows, sortable=False)


def _numbers(result: Result, name: str, accounting: str) -> Iterator[Cell]:
    run = result.runs[name]
    cycles, spent = getattr(run.cycles, accounting), getattr(run.energy_pj, accounting).centre
    yield Cell(short(cycles), cycles)
    nothing = Cell("")
    if name == DENSE:
        yield from (nothing, Cell(energy(spent), spent), nothing, nothing, nothing)
    else:
        speedup, gained = getattr(result.speedup[name], accounting), result.energy_efficiency_range[name]
        found = gained[accounting]
        yield Cell(times(speedup), speedup)
        yield Cell(energy(spent), spent)
        yield from (Cell(times(one), one) for one in (found.centre, *sorted((found.low, found.high))))
    if accounting == "on_chip":
        yield Cell(percent(run.pe_utilization), run.pe_utilization)
        yield Cell(short(run.useful_macs), run.useful_macs)
    else:
        yield from (nothing, nothing)


def _made(result: Result, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    argv = manifest.get("volatile", {}).get("argv", [])
    if argv:
        yield "Command", f"python -m sparsesim {shlex.join(map(str, argv[1:]))}"
    yield "Machine", export_yaml(result.machine)
    yield "Manifest: arguments, digests of all inputs, versions", json.dumps(manifest, indent=2)
