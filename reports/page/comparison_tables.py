"""The tables of a comparison on its page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.comparison.attribution import KINDS, QUANTITIES, Account, Attribution, Quantity, Triple
from reports.comparison.contributors import dominating
from reports.comparison.kinds import kind_word
from reports.comparison.numbers import SPLIT_BY, TEXTS, TOGETHER, WORDS, signed
from reports.comparison.settings import Difference
from reports.language import ACCOUNTING_WORDS, CAUSE_WORDS, STAGE_WORDS
from reports.numbers import short
from reports.page.model import Cell, Column, Row, Table
from reports.text import plain
from sparsesim.results.parts import ACCOUNTINGS, CAUSES

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison

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
    rows = [Row([*map(Cell, (plain(row.name), *row.texts, row.unit))]) for row in found]
    return Table(stem, caption, columns, rows, sortable=False, note="Only what differs.")


def kinds_table(attribution: Attribution, quantity: Quantity) -> Table:
    """A row per cause or component, in both accountings; the last row is the sum."""
    letters = attribution.reference.letter, attribution.side.letter
    columns = [
        Column(f"{ACCOUNTING_WORDS[accounting]}\n{name}", csv=f"{name} {accounting}_{quantity}")
        for accounting in ACCOUNTINGS
        for name in (*letters, _minus(attribution))
    ]
    accounts = [attribution.accounts[quantity, accounting] for accounting in ACCOUNTINGS]
    splits = [account.by_kind() for account in accounts]
    rows = [
        Row([Cell(kind_word(quantity, kind)), *_triples([split.get(kind) for split in splits], quantity)])
        for kind in KINDS[quantity, "with_dram"]
    ]
    sums = [account.together() for account in accounts]
    rows.append(Row([Cell(TOGETHER), *_triples(sums, quantity)]))
    word = SPLIT_BY[quantity]
    return Table(
        f"table-{word}-{letters[1].lower()}",
        f"{WORDS[quantity].capitalize()} by {word}, {_minus(attribution)}",
        [Column(word, numeric=False), *columns],
        rows,
        sortable=False,
    )


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


def _change(attribution: Attribution, quantity: Quantity, accounting: str) -> Column:
    """The heading of a difference between the two."""
    change = _minus(attribution)
    return Column(
        f"{WORDS[quantity]} {change}\n{ACCOUNTING_WORDS[accounting]}", csv=f"{change} {accounting}_{quantity}"
    )


def stages_table(attribution: Attribution) -> Table:
    """The difference by stage, cycles and energy in both accountings."""
    kinds = [(quantity, accounting) for quantity in QUANTITIES for accounting in ACCOUNTINGS]
    splits = {kind: attribution.by_stage(*kind) for kind in kinds}
    rows = [
        Row([Cell(STAGE_WORDS[stage]), *(_difference(splits[kind][stage], kind[0]) for kind in kinds)])
        for stage in splits[kinds[0]]
    ]
    return Table(
        f"table-stage-{attribution.side.letter.lower()}",
        f"By stage, {_minus(attribution)}",
        [Column("stage", numeric=False), *(_change(attribution, *kind) for kind in kinds)],
        rows,
        sortable=False,
    )


def layers_table(attribution: Attribution) -> Table:
    """A row per layer and stage: both sides, the differences, and of cycles each cause by itself."""
    change = _minus(attribution)
    letters = attribution.reference.letter, attribution.side.letter
    columns = [
        Column("layer", numeric=False),
        Column("stage", numeric=False),
        *(Column(f"cycles {letter}\nwith DRAM", csv=f"{letter} with_dram_cycles") for letter in letters),
        _change(attribution, "cycles", "with_dram"),
        _mostly("cycles"),
        _change(attribution, "cycles", "on_chip"),
        _change(attribution, "energy_pj", "with_dram"),
        _mostly("energy_pj"),
        _change(attribution, "energy_pj", "on_chip"),
        *(
            Column(
                f"cycles {change}\n{kind_word('cycles', cause)}",
                CAUSE_WORDS[cause],
                csv=f"{change} {cause}_cycles",
            )
            for cause in CAUSES
        ),
    ]
    return Table(
        f"table-layers-{letters[1].lower()}",
        f"Every layer and stage, {change}",
        columns,
        list(_layers(attribution)),
        note="A click on a heading sorts, one on a row shows the layer in all figures.",
    )


def _mostly(quantity: Quantity) -> Column:
    kind, word = SPLIT_BY[quantity], WORDS[quantity]
    return Column(
        "mostly",
        f"the {kind} with most of the difference in {word} with DRAM",
        numeric=False,
        csv=f"{kind} with most of the difference",
    )


def _layers(attribution: Attribution) -> Iterator[Row]:
    differences = {key: account.by_part() for key, account in attribution.accounts.items()}
    cycles = attribution.accounts["cycles", "with_dram"]
    for at, part in enumerate(attribution.parts):
        found = {key: values[at] for key, values in differences.items()}
        sides = (math.fsum(cycles.before[at]), math.fsum(cycles.after[at]))
        yield Row(
            [
                Cell(attribution.text(part.line)),
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
