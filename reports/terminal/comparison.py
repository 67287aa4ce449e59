"""A comparison in the terminal: what differs, the totals, and where the differences come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reports.comparison.attribution import KINDS, QUANTITIES, Attribution, Part, Quantity
from reports.comparison.compare import Comparison
from reports.comparison.contributors import Contributors, contributors
from reports.comparison.numbers import SPLIT_BY, TEXTS, WORDS, factor, signed
from reports.comparison.sentences import BOOKS, heading, notes, same, side_sentence, verdict
from reports.comparison.settings import Difference
from reports.comparison.totals import Total
from reports.language import ACCOUNTING_WORDS, STAGE_WORDS
from reports.numbers import energy, percent, short, times
from reports.remarks import TITLES
from reports.terminal.table import paragraph
from reports.text import plain, shown_name
from sparsesim.results.parts import ACCOUNTINGS

TOGETHER = "together"
OTHER_WORK = "other work"


def print_comparison(comparison: Comparison, console: Console, folder: Path | None = None) -> None:
    """Print a comparison. folder: where its page and figures were written, printed last."""
    for side in comparison.sides:
        paragraph(console, side_sentence(side))
    _print_settings(comparison, console)
    for accounting in ACCOUNTINGS:
        console.print(_totals([row for row in comparison.totals if row.accounting == accounting], accounting))
    for attribution in comparison.attributions:
        _print_attribution(attribution, console)
    for sentence in ("", BOOKS, *notes(comparison)):
        paragraph(console, sentence)
    if folder is not None:
        console.print(plain(f"comparison in {folder}"), soft_wrap=True)


def _print_settings(comparison: Comparison, console: Console) -> None:
    settings = comparison.settings
    letters = [side.letter for side in comparison.sides]
    for title, found in (
        ("What differs in the machines", settings.machine),
        ("What differs in the inputs", settings.inputs),
        ("What differs in the versions", settings.versions),
    ):
        if found:
            console.print(_settings(title, found, letters))
    for sentence in same(comparison):
        paragraph(console, sentence)


def _settings(title: str, found: Sequence[Difference], letters: Sequence[str]) -> Table:
    table = _table(f"\n{title}")
    table.add_column("setting", overflow="fold")
    for letter in letters:
        # Names are folded into their column; where zeros come from is a long sentence, and shortened.
        table.add_column(letter, overflow="fold")
    table.add_column("unit", no_wrap=True)
    for row in found:
        table.add_row(shown_name(row.name), *map(shown_name, row.values), row.unit)
    return table


def _totals(rows: Sequence[Total], accounting: str) -> Table:
    table = _table(f"\n{TITLES[accounting]}")
    for name in ("run", ""):
        table.add_column(name, no_wrap=True)
    headings = ["cycles", "of A", "energy", "of A", "speedup", "energy\nefficiency"]
    for name in (*headings, *(["PE use"] if accounting == "on_chip" else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.side.letter == "A":
            table.add_section()
        cells = [short(row.cycles), factor(row.cycles_to_reference)]
        cells += [energy(row.energy_pj), factor(row.energy_to_reference)]
        cells += [times(row.speedup), times(row.energy_efficiency)]
        cells += [percent(row.pe_utilization)] if accounting == "on_chip" else []
        table.add_row(shown_name(row.run), row.side.letter, *cells)
    return table


def _print_attribution(attribution: Attribution, console: Console) -> None:
    console.print()
    console.print(heading(attribution), style="bold", soft_wrap=True)
    for sentence in verdict(attribution):
        paragraph(console, sentence)
    for quantity in QUANTITIES:
        console.print(_by_kind(attribution, quantity))
    console.print(_by_stage(attribution))
    if attribution.matched:
        _print_largest(attribution, console)


def _by_kind(attribution: Attribution, quantity: Quantity) -> Table:
    """A row per cause or component: both sides and the difference, in both accountings."""
    letters = attribution.reference.letter, attribution.side.letter
    table = _table(f"\n{WORDS[quantity].capitalize()} by {SPLIT_BY[quantity]}")
    table.add_column(SPLIT_BY[quantity], no_wrap=True)
    for accounting in ACCOUNTINGS:
        for name in (*letters, f"{letters[1]} - {letters[0]}"):
            table.add_column(f"{ACCOUNTING_WORDS[accounting]}\n{name}", justify="right", no_wrap=True)
    splits = [attribution.accounts[quantity, accounting].by_kind() for accounting in ACCOUNTINGS]
    for kind in KINDS[quantity, "with_dram"]:
        cells = [_triple(split.get(kind), quantity) for split in splits]
        table.add_row(kind, *cells[0], *cells[1])
    table.add_section()
    table.add_row(
        TOGETHER, *(cell for split in splits for cell in _triple(_sum(split), quantity)), style="bold"
    )
    return table


Triple = tuple[float, float, float]


def _sum(split: dict[str, Triple]) -> Triple:
    before, after, change = (math.fsum(column) for column in zip(*split.values(), strict=True))
    return before, after, change


def _triple(values: Triple | None, quantity: Quantity) -> Sequence[str]:
    if values is None:
        return "", "", ""
    text = TEXTS[quantity]
    return text(values[0]), text(values[1]), signed(values[2], quantity)


def _by_stage(attribution: Attribution) -> Table:
    table = _table(f"\n{attribution.side.letter} - {attribution.reference.letter} by stage")
    table.add_column("stage", no_wrap=True)
    columns = [(quantity, accounting) for quantity in QUANTITIES for accounting in ACCOUNTINGS]
    for quantity, accounting in columns:
        heading = f"{WORDS[quantity]}\n{ACCOUNTING_WORDS[accounting]}"
        table.add_column(heading, justify="right", no_wrap=True)
    splits = [(quantity, attribution.by_stage(quantity, accounting)) for quantity, accounting in columns]
    for stage in splits[0][1]:
        table.add_row(STAGE_WORDS[stage], *(signed(values[stage], quantity) for quantity, values in splits))
    return table


def _largest(attribution: Attribution, quantity: Quantity, found: Contributors) -> Table:
    """The layers and stages that make up most of the difference, and what is left."""
    change = f"{attribution.side.letter} - {attribution.reference.letter}"
    table = _table(f"\nLargest differences in {WORDS[quantity]} with DRAM, {change}")
    # A long name is folded; numbers are not.
    table.add_column("layer", overflow="fold")
    table.add_column("stage", no_wrap=True)
    for accounting in ACCOUNTINGS:
        table.add_column(ACCOUNTING_WORDS[accounting], justify="right", no_wrap=True)
        table.add_column("mostly", no_wrap=True)
    for one in found.largest:
        cells = [(getattr(one.difference, name), one.dominating[name]) for name in ACCOUNTINGS]
        row = (text for value, kind in cells for text in (signed(value, quantity), kind))
        table.add_row(*_where(attribution, one.part), *row)
    if found.others:
        table.add_section()
        rest = [signed(getattr(found.rest, name), quantity) for name in ACCOUNTINGS]
        table.add_row(f"{found.others} more", "", rest[0], "", rest[1], "")
    return table


def _print_largest(attribution: Attribution, console: Console) -> None:
    for quantity in QUANTITIES:
        found = contributors(attribution, quantity)
        if found.largest:
            console.print(_largest(attribution, quantity, found))


def _where(attribution: Attribution, part: Part) -> tuple[str, str]:
    if part.line is None:
        return OTHER_WORK, ""
    return attribution.text(part.line), STAGE_WORDS[part.stage]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        header_style="dim",
        pad_edge=False,
    )
