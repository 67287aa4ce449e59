"""What a comparison says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.comparison.attribution import Attribution, totals
from reports.comparison.factors import factors
from reports.comparison.numbers import WORDS, change, factor, signed
from reports.language import ACCOUNTING_WORDS
from reports.text import shown_name
from sparsesim.results.parts import ACCOUNTINGS

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison
    from reports.comparison.sides import Side

BOOKS = (
    "Cycles by cause are the mean over the PE groups of a machine, so they add up to its cycles; energies "
    "are centre values."
)
_MOST_NAMES = 6


def side_sentence(side: Side) -> str:
    """What a side is, in a sentence."""
    result = side.result
    plural = "s" if result.samples > 1 else ""
    return (
        f"{side.label}: {workload(side)}, batch {result.batch}, {result.samples} sample{plural}, machine "
        f"{shown_name(result.machine.name)}"
    )


def workload(side: Side) -> str:
    """The network and the data set of a side."""
    return f"{shown_name(side.result.network)} on {shown_name(side.result.dataset)}"


def layers(count: int) -> str:
    """A number of layers."""
    return f"{count} layer{'s' if count > 1 else ''}"


def heading(attribution: Attribution) -> str:
    """What is subtracted from what: "B groups112 less A base (pruned)"."""
    before, after = attribution.reference, attribution.side
    runs = before.run if before.run == after.run else f"{after.run} less {before.run}"
    return f"{after.label} less {before.label} ({shown_name(runs)})"


def same(comparison: Comparison) -> Iterator[str]:
    """What does not differ at all."""
    settings = comparison.settings
    if not settings.machine:
        yield "The same machine."
    if not settings.inputs:
        yield "The same inputs."
    if settings.versions:
        yield (
            "The versions of what numbers can depend on are not the same: numbers may differ for that reason "
            "alone."
        )


def verdict(attribution: Attribution) -> Iterator[str]:
    """How much more or less, and how much of it is work."""
    letter, reference = attribution.side.letter, attribution.reference.letter
    if not any(account.difference.any() for account in attribution.accounts.values()):
        yield f"{letter} and {reference}: the same cycles and the same energy, in every layer."
        return
    yield f"{letter} over {reference}: {_ratios(attribution)}."
    found = factors(attribution.reference, attribution.side)
    if math.isfinite(found.macs * found.multipliers * found.utilization):
        yield (
            f"Cycles {letter} / {reference} on chip: {factor(found.cycles_on_chip)} = {factor(found.macs)} "
            f"(useful MACs) x {factor(found.multipliers)} (multipliers {reference} / {letter}) x "
            f"{factor(found.utilization)} (PE use {reference} / {letter}); with DRAM: "
            f"{factor(found.cycles_with_dram)} = that x {factor(found.waiting)} (waits for DRAM, other work)."
        )
    yield from _alone(attribution)


def _ratios(attribution: Attribution) -> str:
    texts = []
    for quantity, words in WORDS.items():
        before, after = totals(attribution.reference, quantity), totals(attribution.side, quantity)
        for name in ACCOUNTINGS:
            difference = signed(attribution.accounts[quantity, name].total, quantity)
            texts.append(
                f"{words} {ACCOUNTING_WORDS[name]} {change(before[name], after[name])} ({difference})"
            )
    return ", ".join(texts)


def _alone(attribution: Attribution) -> Iterator[str]:
    """The layers that have no counterpart, and how much of the difference they are."""
    if not attribution.alone or not attribution.matched:
        return
    account = attribution.accounts["cycles", "with_dram"]
    differences = zip(attribution.parts, account.by_part(), strict=True)
    alone = math.fsum(change for part, change in differences if part.line in attribution.alone)
    texts = [attribution.text(line) for line in attribution.alone]
    more = f" and {len(texts) - _MOST_NAMES} more" if len(texts) > _MOST_NAMES else ""
    yield (
        f"{layers(len(texts))} without a counterpart: {', '.join(texts[:_MOST_NAMES])}{more}; together "
        f"{signed(alone, 'cycles')} of the {signed(account.total, 'cycles')} cycles with DRAM."
    )
