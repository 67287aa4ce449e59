"""The tables of a comparison on its page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.comparison.attribution import KINDS, QUANTITIES, Account, Attribution, Quantity
from reports.comparison.contributors import dominating
from reports.comparison.numbers import SPLIT_BY, TEXTS, WORDS, factor, signed
from reports.comparison.settings import Difference
from reports.comparison.totals import Total
from reports.figures.kinds import kind_word
from reports.language import ACCOUNTING_WORDS, CAUSE_WORDS, STAGE_WORDS
from reports.numbers import energy, percent, short, times
from reports.page.model import Cell, Column, Row, Table
from reports.remarks import TITLES
from reports.text import shown_name
from sparsesim.results.parts import ACCOUNTINGS, CAUSES

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison

TOGETHER, OTHER_WORK = "together", "other work"
_EMPTY = Cell("", math.nan)


def settings_tables(comparison: Comparison) -> list[Table]:
    """What differs, a table for machines, inputs and versions each, where there is something in it."""
    settings = comparison.settings
    labels = [side.label for side in comparison.sides]
    return [
        _settings(stem, caption, found, labels)
        for stem, caption, found in (
            ("table-machines", "Machines", settings.machine),
            ("table-inputs", "Inputs", settings.inputs),
            ("table-versions", "Versions", settings.versions),
        )
        if found
    ]


def _settings(stem: str, caption: str, found: Sequence[Difference], labels: Sequence[str]) -> Table:
    columns = [Column(name, numeric=False) for name in ("setting", *labels, "unit")]
    rows = [
        Row([Cell(shown_name(row.name)), *(Cell(shown_name(value)) for value in row.values), Cell(row.unit)])
        for row in found
    ]
    return Table(stem, caption, columns, rows, sortable=False, note="Only what differs.")


def totals_table(comparison: Comparison) -> Table:
    """Every run that all sides have, in both accountings, with the ratios to A."""
    accounting = Column("accounting", "; ".join(TITLES.values()), numeric=False)
    names = [Column("run", numeric=False), accounting, Column("side", numeric=False)]
    numbers = (
        Column("cycles"),
        Column("cycles\nover A", "cycles / those of the same run of A"),
        Column("energy"),
        Column("energy\nover A", "energy / that of the same run of A, centre values"),
        Column("speedup", "dense cycles of the same side / cycles"),
        Column("energy\nefficiency", "dense energy of the same side / energy"),
        Column("PE use", "useful MACs / (cycles x PEs x MACs per PE)"),
    )
    rows = [_total(row) for row in comparison.totals]
    return Table("table-runs", "Runs side by side", [*names, *numbers], rows, sortable=False)


def _total(row: Total) -> Row:
    cells = [Cell(shown_name(row.run)), Cell(ACCOUNTING_WORDS[row.accounting]), Cell(row.side.label)]
    cells += [
        Cell(short(row.cycles), row.cycles),
        Cell(factor(row.cycles_to_reference), row.cycles_to_reference),
    ]
    cells += [Cell(energy(row.energy_pj), row.energy_pj)]
    cells += [Cell(factor(row.energy_to_reference), row.energy_to_reference)]
    cells += [Cell(times(value), value) for value in (row.speedup, row.energy_efficiency)]
    return Row([*cells, Cell(percent(row.pe_utilization), row.pe_utilization)])


def kinds_table(attribution: Attribution, quantity: Quantity) -> Table:
    """A row per cause or component, in both accountings; the last row is the sum."""
    letters = attribution.reference.letter, attribution.side.letter
    headings = [
        f"{ACCOUNTING_WORDS[accounting]}\n{name}"
        for accounting in ACCOUNTINGS
        for name in (*letters, _minus(attribution))
    ]
    splits = [attribution.accounts[quantity, accounting].by_kind() for accounting in ACCOUNTINGS]
    rows = [
        Row([Cell(kind_word(quantity, kind)), *_triples([split.get(kind) for split in splits], quantity)])
        for kind in KINDS[quantity, "with_dram"]
    ]
    sums = [_sum(split) for split in splits]
    rows.append(Row([Cell(TOGETHER), *_triples(sums, quantity)]))
    word = SPLIT_BY[quantity]
    return Table(
        f"table-{word}-{letters[1].lower()}",
        f"{WORDS[quantity].capitalize()} by {word}, {_minus(attribution)}",
        [Column(word, numeric=False), *map(Column, headings)],
        rows,
        sortable=False,
        note=f"In the CSV in {'cycles' if quantity == 'cycles' else 'pJ'}.",
    )


Triple = tuple[float, float, float]


def _sum(split: dict[str, Triple]) -> Triple:
    before, after, difference = (math.fsum(column) for column in zip(*split.values(), strict=True))
    return before, after, difference


def _triples(triples: Sequence[Triple | None], quantity: Quantity) -> Iterator[Cell]:
    for triple in triples:
        if triple is None:
            yield from (_EMPTY, _EMPTY, _EMPTY)
        else:
            yield from (Cell(TEXTS[quantity](value), value) for value in triple[:2])
            yield _difference(triple[2], quantity)


def _difference(value: float, quantity: Quantity) -> Cell:
    return Cell(signed(value, quantity), value)


def _minus(attribution: Attribution) -> str:
    return f"{attribution.side.letter} - {attribution.reference.letter}"


def stages_table(attribution: Attribution) -> Table:
    """The difference by stage, cycles and energy in both accountings."""
    kinds = [(quantity, accounting) for quantity in QUANTITIES for accounting in ACCOUNTINGS]
    splits = {kind: attribution.by_stage(*kind) for kind in kinds}
    rows = [
        Row([Cell(STAGE_WORDS[stage]), *(_difference(splits[kind][stage], kind[0]) for kind in kinds)])
        for stage in splits[kinds[0]]
    ]
    headings = [f"{WORDS[quantity]}\n{ACCOUNTING_WORDS[accounting]}" for quantity, accounting in kinds]
    return Table(
        f"table-stage-{attribution.side.letter.lower()}",
        f"By stage, {_minus(attribution)}",
        [Column("stage", numeric=False), *map(Column, headings)],
        rows,
        sortable=False,
        note="In the CSV in cycles and pJ.",
    )


def layers_table(attribution: Attribution) -> Table:
    """A row per layer and stage: both sides, the differences, and of cycles each cause by itself."""
    change = _minus(attribution)
    letters = attribution.reference.letter, attribution.side.letter
    columns = [
        Column("layer", numeric=False),
        Column("stage", numeric=False),
        *(Column(f"cycles {letter}\nwith DRAM") for letter in letters),
        Column(f"cycles {change}\nwith DRAM"),
        Column("mostly", "the cause with most of the difference in cycles with DRAM", numeric=False),
        Column(f"cycles {change}\non chip"),
        Column(f"energy {change}\nwith DRAM"),
        Column("mostly", "the component with most of the difference in energy with DRAM", numeric=False),
        Column(f"energy {change}\non chip"),
        *(Column(f"cycles {change}\n{cause}", CAUSE_WORDS[cause]) for cause in CAUSES),
    ]
    return Table(
        f"table-layers-{letters[1].lower()}",
        f"Every layer and stage, {change}",
        columns,
        list(_layers(attribution)),
        note="A click on a heading sorts, one on a row shows the layer in all figures. In the CSV in cycles "
        "and pJ.",
    )


def _layers(attribution: Attribution) -> Iterator[Row]:
    differences = {key: account.by_part() for key, account in attribution.accounts.items()}
    cycles = attribution.accounts["cycles", "with_dram"]
    for at, part in enumerate(attribution.parts):
        found = {key: values[at] for key, values in differences.items()}
        name = OTHER_WORK if part.line is None else attribution.text(part.line)
        sides = (math.fsum(cycles.before[at]), math.fsum(cycles.after[at]))
        yield Row(
            [
                Cell(name),
                Cell(STAGE_WORDS[part.stage]),
                *(Cell(short(value), value) for value in sides),
                *_split(attribution, found, "cycles", at),
                *_split(attribution, found, "energy_pj", at),
                *(_difference(value, "cycles") for value in cycles.difference[at].tolist()),
            ],
            part.line,
        )


def _split(
    attribution: Attribution, found: dict[tuple[Quantity, str], float], quantity: Quantity, at: int
) -> Iterator[Cell]:
    """The difference with DRAM, what dominates it, and the difference on chip."""
    whole: Account = attribution.accounts[quantity, "with_dram"]
    value = found[quantity, "with_dram"]
    kind = dominating(whole, at, value)
    yield _difference(value, quantity)
    yield Cell(kind_word(quantity, kind) if kind else "")
    yield _difference(found[quantity, "on_chip"], quantity)
