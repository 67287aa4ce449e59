"""A result in the terminal: per layer and stage, then the headline."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table

from reports.numbers import energy, percent, short, times
from reports.remarks import LEGEND, TITLES, remarks, what
from reports.terminal.grid import plain_table
from reports.terminal.layer_table import print_layers
from reports.text import plain
from sparsesim.results.model import DENSE, Result, RunResult
from sparsesim.results.parts import CAUSES, Accounts, ratio

PIPED_WIDTH = 120  # characters, where there is no terminal that has a width
NARROW = 100  # below it the headline makes do with three digits and fewer columns


def console_for(file: TextIO, width: int | None = None) -> Console:
    """A console as wide as the terminal, PIPED_WIDTH where there is none; colours only in a terminal."""
    # Neither markup nor emoji: "[red]" and ":smile:" in a name are that name.
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False)
    if width is None and not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def print_result(result: Result, console: Console, folder: Path | None = None, layers: bool = True) -> None:
    """Print a result: what was simulated, every layer and stage (unless `layers` is False), the headline.

    folder: where the run was saved, printed last.
    """
    paragraph(console, what(result))
    if layers:
        print_layers(result, console)
        paragraph(console, LEGEND)
    for accounting in TITLES:
        console.print(_headline(result, accounting, console.width < NARROW))
    console.print(_causes(result))
    console.print(_components(result))
    for sentence in ("", *remarks(result)):
        paragraph(console, sentence)
    if folder is not None:
        console.print(plain(f"saved in {folder}"), soft_wrap=True)


def paragraph(console: Console, text: str) -> None:
    """Print a text, wrapped at words, later lines indented; what is not printable becomes "?"."""
    text = plain(" ".join(text.split()))
    wrapped = textwrap.fill(text, console.width, subsequent_indent="  ", break_on_hyphens=False)
    console.print(wrapped, markup=False, no_wrap=True, overflow="ignore", crop=False)


def _headline(result: Result, accounting: str, narrow: bool) -> Table:
    table = plain_table("\n" + TITLES[accounting])
    table.add_column("run")
    columns = ["cycles", "speedup", "energy", "energy\nefficiency", "low .. high"]
    if accounting == "on_chip":
        columns += ["PE use"] if narrow else ["PE use", "useful\nMACs"]
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, run in result.runs.items():
        style = "bold" if name == list(result.runs)[-1] else None
        cells = [_cycles(run, accounting, narrow), *_ratios(result, name, accounting)]
        if accounting == "on_chip":
            cells += [percent(run.pe_utilization), short(run.useful_macs)]
        table.add_row(name, *cells[: len(columns)], style=style)
    return table


def _cycles(run: RunResult, accounting: str, narrow: bool) -> str:
    cycles = getattr(run.cycles, accounting)
    width = run.cycles_half_width
    spread = f" +-{percent(getattr(width, accounting) / cycles)}" if width and width.on_chip else ""
    return (short(cycles) if narrow else f"{cycles:,.0f}") + spread


def _ratios(result: Result, name: str, accounting: str) -> list[str]:
    """Speedup, energy, energy efficiency and its range; the baseline has no ratios."""
    spent = energy(getattr(result.runs[name].energy_pj, accounting).centre)
    if name == DENSE:
        return ["", spent, "", ""]
    speedup = getattr(result.speedup[name], accounting)
    ranges = result.energy_efficiency_range[name][accounting]
    low, high = sorted((ranges.low, ranges.high))
    return [
        times(speedup) + _half_width(result.speedup_half_width, name, accounting),
        spent,
        times(ranges.centre) + _half_width(result.energy_efficiency_half_width, name, accounting),
        "-" if math.isnan(low) else f"{low:.2f} .. {high:.2f}",
    ]


def _half_width(widths: Mapping[str, Accounts], name: str, accounting: str) -> str:
    found = widths.get(name)
    return f" +-{getattr(found, accounting):.2f}" if found else ""


def _causes(result: Result) -> Table:
    table = plain_table("\nWhere the cycles of the PE groups went, with DRAM")
    return _shares(table, result, CAUSES, lambda run: run.group_cycles)


def _components(result: Result) -> Table:
    table = plain_table("\nWhere the energy went, with DRAM")
    names = list(result.runs[DENSE].energy_pj.with_dram_components)
    return _shares(table, result, names, lambda run: run.energy_pj.by_component)


def _shares(
    table: Table, result: Result, names: Sequence[str], of_run: Callable[[RunResult], Mapping[str, float]]
) -> Table:
    table.add_column("run")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for run in result.runs.values():
        parts = of_run(run)
        total = sum(parts.values())
        table.add_row(run.name, *(percent(ratio(parts[name], total)) for name in names))
    return table
