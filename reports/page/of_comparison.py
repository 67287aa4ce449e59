"""The page of a comparison."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reports.comparison.attribution import QUANTITIES, Attribution, totals
from reports.comparison.drawings import CAUSES, GAINS, LAYERS
from reports.comparison.notes import notes
from reports.comparison.numbers import WORDS, change, signed
from reports.comparison.sentences import BOOKS, heading, same, side_sentence, verdict
from reports.language import ACCOUNTING_WORDS
from reports.page.comparison_tables import (
    kinds_table,
    layers_table,
    settings_tables,
    stages_table,
)
from reports.page.comparison_totals import totals_table
from reports.page.model import Card, Page, Section, Table, anchor
from reports.remarks import remarks, what
from sparsesim.machine import export_yaml

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison
    from reports.comparison.sides import Side
    from reports.figures.drawing import Drawing

_MOST_IN_CARDS = 4  # sides beside A


def comparison_page(comparison: Comparison, drawings: Mapping[str, Sequence[Drawing]]) -> Page:
    """The page of a comparison. drawings: by part, of reports.comparison.drawings."""
    labels = [side.label for side in comparison.sides]
    return Page(
        title=f"{', '.join(labels[1:])} against {labels[0]}",
        subtitle="; ".join(side_sentence(side) for side in comparison.sides)
        + ". All numbers are per sample.",
        cards=list(_cards(comparison)),
        warnings=list(notes(comparison)),
        sections=list(_sections(comparison, drawings)),
        layers=comparison.lineup.texts,
    )


def _sections(comparison: Comparison, drawings: Mapping[str, Sequence[Drawing]]) -> Iterator[Section]:
    yield _section("Summary", [*_summary(comparison)], tables=[totals_table(comparison)])
    yield _section("What differs", list(same(comparison)), tables=settings_tables(comparison))
    if drawings[GAINS]:
        yield _section(GAINS, drawings=drawings[GAINS])
    yield _section(
        CAUSES,
        [BOOKS],
        drawings=drawings[CAUSES],
        tables=[
            table
            for attribution in comparison.attributions
            for table in (
                *(kinds_table(attribution, quantity) for quantity in QUANTITIES),
                stages_table(attribution),
            )
        ],
    )
    matched = [attribution for attribution in comparison.attributions if attribution.matched]
    if matched:
        yield _section(LAYERS, drawings=drawings[LAYERS], tables=[layers_table(one) for one in matched])
    details = [detail for side in comparison.sides for detail in _made(side)]
    yield Section("made", "How they were made", details=details)


def _section(
    title: str,
    paragraphs: Sequence[str] = (),
    drawings: Sequence[Drawing] = (),
    tables: Sequence[Table] = (),
) -> Section:
    return Section(anchor(title), title, paragraphs, drawings, tables)


def _cards(comparison: Comparison) -> Iterator[Card]:
    """Cycles and energy over those of A, of _MOST_IN_CARDS sides or the first; with DRAM of two at most."""
    shown = comparison.attributions if _all_in_cards(comparison) else comparison.attributions[:1]
    for attribution in shown:
        for accounting in ACCOUNTING_WORDS if len(shown) <= _MOST_IN_CARDS // 2 else ("on_chip",):
            yield from _pair(attribution, accounting)


def _all_in_cards(comparison: Comparison) -> bool:
    return len(comparison.attributions) <= _MOST_IN_CARDS


def _pair(attribution: Attribution, accounting: str) -> Iterator[Card]:
    letters = f"{attribution.side.letter} over {attribution.reference.letter}"
    runs = " over ".join(dict.fromkeys((attribution.side.run, attribution.reference.run)))
    for quantity in QUANTITIES:
        before = totals(attribution.reference, quantity)[accounting]
        after = totals(attribution.side, quantity)[accounting]
        yield Card(
            change(before, after),
            f"{WORDS[quantity]} {ACCOUNTING_WORDS[accounting]}",
            f"{letters}, {runs}: {signed(attribution.accounts[quantity, accounting].total, quantity)}",
        )


def _summary(comparison: Comparison) -> Iterator[str]:
    if not _all_in_cards(comparison):
        first = comparison.attributions[0].side.letter
        yield f"The large numbers above are of {first} only; here are all sides."
    for attribution in comparison.attributions:
        yield f"{heading(attribution)}. {' '.join(verdict(attribution))}"


def _made(side: Side) -> Iterator[tuple[str, str]]:
    """Of one side: what it is, in full, and how to make it again."""
    argv = side.noted("volatile").get("argv")
    if isinstance(argv, list) and argv:
        yield f"{side.label}: command", f"python -m sparsesim {shlex.join(map(str, argv[1:]))}"
    yield f"{side.label}: what it is", "\n".join((what(side.result), *remarks(side.result)))
    yield f"{side.label}: machine", export_yaml(side.result.machine)
    yield f"{side.label}: manifest", json.dumps(side.manifest, indent=2)
