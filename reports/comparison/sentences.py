"""What the numbers of a comparison say, and what they do not, in sentences."""

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
        f"{side.label}: {_workload(side)}, batch {result.batch}, {result.samples} sample{plural}, machine "
        f"{shown_name(result.machine.name)}"
    )


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
            "The versions of what numbers can depend on are not the same: they may differ for that reason "
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
            difference = signed(after[name] - before[name], quantity)
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
        f"{_layers(len(texts))} without a counterpart: {', '.join(texts[:_MOST_NAMES])}{more}; together "
        f"{signed(alone, 'cycles')} of the {signed(account.total, 'cycles')} cycles with DRAM."
    )


def notes(comparison: Comparison) -> Iterator[str]:
    """What is not comparable, or only with care."""
    for attribution in comparison.attributions:
        yield from _notes(attribution.reference, attribution.side, attribution)


def _notes(reference: Side, side: Side, attribution: Attribution) -> Iterator[str]:
    before, after = reference.result, side.result
    pair = f"{side.letter} and {reference.letter}"
    if side.run != reference.run:
        yield (
            f"{pair} have no run in common but the dense one: {side.run} of {side.letter} is compared with "
            f"{reference.run} of {reference.letter}."
        )
    yield from _workloads(pair, reference, side, attribution)
    if before.profile.kind != after.profile.kind:
        yield f"{pair}: zeros of a {after.profile.kind} and of a {before.profile.kind}, so not the same ones."
    elif before.seed != after.seed and after.profile.kind != "trace":
        yield f"{pair}: masks drawn with different seeds; a part of the difference is chance."
    if before.samples != after.samples:
        yield (
            f"{pair}: means over {after.samples} and {before.samples} samples; all numbers are per sample, "
            "differences smaller than their spread mean nothing."
        )
    yield from _other_samples(pair, reference, side)
    yield from _tables(pair, reference, side)


def _workloads(pair: str, reference: Side, side: Side, attribution: Attribution) -> Iterator[str]:
    before, after = reference.result, side.result
    if not attribution.matched:
        yield f"{pair} have no layer in common: only the totals by stage, cause and component are attributed."
    if any(attribution.renamed(line) for line in attribution.matched):
        yield f"{pair} call their layers differently: they are matched by place and size."
    if (before.network, before.dataset) != (after.network, after.dataset):
        yield (
            f"{pair} are not of the same work ({_workload(side)}; {_workload(reference)}): what differs is "
            "more than the machines."
        )
    other_work = [any(layer.stage == "other" for layer in result.layers) for result in (before, after)]
    if other_work[0] != other_work[1]:
        lacking = side if other_work[0] else reference
        yield (
            f"{lacking.letter} is a trace, which holds convolutions and FC layers only: with DRAM its other "
            "work is missing; on chip the two are comparable."
        )


def _workload(side: Side) -> str:
    return f"{shown_name(side.result.network)} on {shown_name(side.result.dataset)}"


def _other_samples(pair: str, reference: Side, side: Side) -> Iterator[str]:
    """The same masks, and yet not the same work: GTW is simulated for as many samples as are accumulated."""
    inputs = ("network", "dataset", "profile", "prune", "seed", "samples", "batch")
    if reference.run != side.run or any(
        getattr(reference.result, name) != getattr(side.result, name) for name in inputs
    ):
        return
    after = side.result.of_run(side.run)
    unlike = [
        key
        for key, layer in reference.result.of_run(reference.run).items()
        if key in after and not math.isclose(layer.useful_macs, after[key].useful_macs)
    ]
    if unlike and {stage for _, stage in unlike} == {"gtw"}:
        yield (
            f"{pair}: GTW has other useful MACs in {_layers(len(unlike))}, since the mapper accumulates over "
            "another number of samples there, and as many are simulated."
        )


def _layers(count: int) -> str:
    return f"{count} layer{'s' if count > 1 else ''}"


def _tables(pair: str, reference: Side, side: Side) -> Iterator[str]:
    clocks = [one.result.machine.array.clock_mhz for one in (reference, side)]
    if clocks[0] != clocks[1]:
        on_chip = factors(reference, side).cycles_on_chip * clocks[0] / clocks[1]
        yield (
            f"{pair} have clocks of {clocks[1]:g} and {clocks[0]:g} MHz: in time, not cycles, "
            f"{side.letter} takes {factor(on_chip)} of {reference.letter} on chip."
        )
    digests = [one.manifest.get("inputs_sha256") for one in (reference, side)]
    known = [digest.get("energy") if isinstance(digest, dict) else None for digest in digests]
    if reference.result.energy_table != side.result.energy_table or known[0] != known[1]:
        yield f"{pair} are charged with different energy tables: their energies differ for that reason too."
