"""The per-layer table: a line per layer and stage, in as many tables as the terminal's width asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from reports.terminal.columns import Block, Column, Line, blocks
from reports.terminal.grid import PADDING, plain_table, side_by_side, widest
from reports.text import shown_name
from sparsesim.results.model import Result
from sparsesim.results.parts import COMPUTING_STAGES, added

Row = tuple[str, str, Line]


def print_layers(result: Result, console: Console) -> None:
    """Print a line per layer and stage, and sums; blocks of columns that do not fit go into a table below."""
    rows = [*_rows(result), *_sums(result)]
    names = widest([name for name, _, _ in rows]) + widest([stage for _, stage, _ in rows]) + 2 * PADDING
    every = blocks(result)
    for together in side_by_side(every, lambda block: _width(block, rows), console.width - names):
        console.print(_table(together, rows))


def _rows(result: Result) -> Iterator[Row]:
    runs = {run: result.of_run(run) for run in result.runs}
    for name in result.layer_names():
        shown = shown_name(name)
        for stage in COMPUTING_STAGES:
            line: Line = {run: found[name, stage] for run, found in runs.items() if (name, stage) in found}
            if line:
                yield shown, stage, line
                shown = ""


def _sums(result: Result) -> Iterator[Row]:
    shown = "all layers"
    present = {layer.stage for layer in result.layers}
    for stage in (*(stage for stage in COMPUTING_STAGES if stage in present), "together"):
        wanted = COMPUTING_STAGES if stage == "together" else (stage,)
        yield (
            shown,
            stage,
            {
                run: added(layer for layer in result.layers if layer.run == run and layer.stage in wanted)
                for run in result.runs
            },
        )
        shown = ""


def _width(block: Block, rows: Sequence[Row]) -> int:
    return sum(_column_width(column, rows) + PADDING for column in block.columns)


def _column_width(column: Column, rows: Sequence[Row]) -> int:
    return widest([*column.heading.split("\n"), *(column.cell(line) for _, _, line in rows)])


def _table(together: Sequence[Block], rows: Sequence[Row]) -> Table:
    table = plain_table("; ".join(block.title for block in together))
    columns = [column for block in together for column in block.columns]
    headings = ["\nlayer", "\nstage", *(column.heading for column in columns)]
    if all(heading.startswith("\n") for heading in headings):
        headings = [heading.removeprefix("\n") for heading in headings]
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
    for name, stage, line in rows:
        style = "bold" if stage == "together" else None
        table.add_row(name, stage, *(column.cell(line) for column in columns), style=style)
    return table
