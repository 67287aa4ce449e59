"""A comparison in the terminal: what differs, the totals, and where the differences come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from reports.comparison.attribution import KINDS, QUANTITIES, Attribution, Quantity, Triple
from reports.comparison.compare import Comparison
from reports.comparison.contributors import Contributor, Contributors, contributors
from reports.comparison.notes import notes
from reports.comparison.numbers import SPLIT_BY, TEXTS, TOGETHER, WORDS, factor, signed
from reports.comparison.sentences import BOOKS, heading, same, side_sentence, verdict
from reports.comparison.totals import Total
from reports.language import ACCOUNTING_WORDS, STAGE_WORDS
from reports.numbers import energy, percent, short, times
from reports.remarks import TITLES
from reports.terminal.differing import settings_grids
from reports.terminal.grid import Column, Grid, print_grid
from reports.terminal.table import paragraph
from reports.text import plain, shown_name
from sparsesim.results.parts import ACCOUNTINGS, ratio

_FOLDED = 24  # characters from which on the name of a layer may take another line


def print_comparison(comparison: Comparison, console: Console, folder: Path | None = None) -> None:
    """Print a comparison. folder: where its page and figures were written, printed last."""
    for side in comparison.sides:
        paragraph(console, side_sentence(side))
    for grid in settings_grids(comparison.settings, [side.letter for side in comparison.sides]):
        print_grid(grid, console)
    for sentence in same(comparison):
        paragraph(console, sentence)
    for accounting in ACCOUNTINGS:
        rows = [row for row in comparison.totals if row.accounting == accounting]
        print_grid(_totals(rows, accounting), console)
    for attribution in comparison.attributions:
        _print_attribution(attribution, console)
    for sentence in ("", BOOKS, *notes(comparison)):
        paragraph(console, sentence)
    if folder is not None:
        console.print(plain(f"comparison in {folder}"), soft_wrap=True)


def _totals(rows: Sequence[Total], accounting: str) -> Grid:
    """A row per run and side, runs apart."""
    blocks = [
        [
            Column(
                "cycles", [short(row.cycles) + _spread(row.cycles_half_width, row.cycles) for row in rows]
            ),
            Column("of A", [factor(row.cycles_to_reference) for row in rows]),
        ],
        [
            Column(
                "energy",
                [energy(row.energy_pj) + _spread(row.energy_half_width_pj, row.energy_pj) for row in rows],
            ),
            Column("of A", [factor(row.energy_to_reference) for row in rows]),
        ],
        [
            Column("speedup", [_gain(row.speedup, row.speedup_half_width) for row in rows]),
            Column(
                "energy\nefficiency",
                [_gain(row.energy_efficiency, row.energy_efficiency_half_width) for row in rows],
            ),
        ],
    ]
    if accounting == "on_chip":
        blocks.append([Column("PE use", [percent(row.pe_utilization) for row in rows])])
    names = [
        Column("run", [shown_name(row.run) for row in rows], numeric=False),
        Column("", [row.side.letter for row in rows], numeric=False),
    ]
    gaps = [at for at, row in enumerate(rows) if at and row.side.letter == "A"]
    return Grid(TITLES[accounting], names, blocks, gaps)


def _spread(half_width: float, mean: float) -> str:
    """Half the confidence interval as a share of the mean; "" where there is none."""
    return f" +-{percent(ratio(half_width, mean))}" if half_width > 0 else ""


def _gain(gain: float, half_width: float) -> str:
    return times(gain) + (f" +-{half_width:.2f}" if half_width > 0 else "")


def _print_attribution(attribution: Attribution, console: Console) -> None:
    console.print()
    console.print(heading(attribution), style="bold", soft_wrap=True)
    for sentence in verdict(attribution):
        paragraph(console, sentence)
    for grid in _grids(attribution):
        print_grid(grid, console)


def _grids(attribution: Attribution) -> Iterator[Grid]:
    for quantity in QUANTITIES:
        yield _by_kind(attribution, quantity)
    yield _by_stage(attribution)
    if attribution.matched:
        for quantity in QUANTITIES:
            found = contributors(attribution, quantity)
            if found.largest:
                yield _largest(attribution, quantity, found)


def _by_kind(attribution: Attribution, quantity: Quantity) -> Grid:
    """A row per cause or component: both sides and the difference, in both accountings."""
    kinds = KINDS[quantity, "with_dram"]
    names = [Column(SPLIT_BY[quantity], [*kinds, TOGETHER], numeric=False)]
    blocks = []
    for accounting in ACCOUNTINGS:
        account = attribution.accounts[quantity, accounting]
        split = account.by_kind()
        cells = [_triple(split.get(kind), quantity) for kind in kinds]
        cells.append(_triple(account.together(), quantity))
        headings = attribution.reference.letter, attribution.side.letter, _minus(attribution)
        blocks.append(
            [
                Column(f"{ACCOUNTING_WORDS[accounting]}\n{heading}", values)
                for heading, values in zip(headings, zip(*cells, strict=True), strict=True)
            ]
        )
    title = f"{WORDS[quantity].capitalize()} by {SPLIT_BY[quantity]}"
    return Grid(title, names, blocks, bold=[len(kinds)])


def _triple(values: Triple | None, quantity: Quantity) -> Sequence[str]:
    if values is None:
        return "", "", ""
    text = TEXTS[quantity]
    return text(values[0]), text(values[1]), signed(values[2], quantity)


def _minus(attribution: Attribution) -> str:
    return f"{attribution.side.letter} - {attribution.reference.letter}"


def _by_stage(attribution: Attribution) -> Grid:
    blocks = [
        [_stages(attribution, quantity, accounting) for accounting in ACCOUNTINGS] for quantity in QUANTITIES
    ]
    stages = [STAGE_WORDS[stage] for stage in attribution.by_stage("cycles", "with_dram")]
    names = [Column("stage", stages, numeric=False)]
    return Grid(f"{_minus(attribution)} by stage", names, blocks)


def _stages(attribution: Attribution, quantity: Quantity, accounting: str) -> Column:
    values = attribution.by_stage(quantity, accounting).values()
    title = f"{WORDS[quantity]}\n{ACCOUNTING_WORDS[accounting]}"
    return Column(title, [signed(value, quantity) for value in values])


def _largest(attribution: Attribution, quantity: Quantity, found: Contributors) -> Grid:
    """The layers and stages that make up most of the difference, and what is left."""
    rows = [_where(attribution, one) for one in found.largest]
    rows += [(f"{found.others} more", "")] if found.others else []
    names = [
        Column("layer", [layer for layer, _ in rows], numeric=False, folded=_FOLDED),
        Column("stage", [stage for _, stage in rows], numeric=False),
    ]
    blocks = [_share(found, quantity, accounting) for accounting in ACCOUNTINGS]
    return Grid(f"Largest differences in {WORDS[quantity]} with DRAM, {_minus(attribution)}", names, blocks)


def _where(attribution: Attribution, one: Contributor) -> tuple[str, str]:
    stage = STAGE_WORDS[one.part.stage] if one.part.line is not None else ""
    return attribution.text(one.part.line), stage


def _share(found: Contributors, quantity: Quantity, accounting: str) -> list[Column]:
    values = [getattr(one.difference, accounting) for one in found.largest]
    kinds = [one.dominating[accounting] for one in found.largest]
    if found.others:
        values, kinds = [*values, getattr(found.rest, accounting)], [*kinds, ""]
    numbers = Column(ACCOUNTING_WORDS[accounting], [signed(value, quantity) for value in values])
    return [numbers, Column("mostly", kinds, numeric=False)]
