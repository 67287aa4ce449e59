"""Sentences about a result, for the terminal and the page alike."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reports import published
from reports.numbers import percent, short, times
from sparsesim.results.model import DENSE, Result

TITLES = {
    "on_chip": "On chip (the published accounting: convolution and FC layers, no wait for memory, no "
    "off-chip energy)",
    "with_dram": "With DRAM (the whole training step: memory stalls, batch-norm, pooling, weight update, "
    "off-chip energy)",
}
LEGEND = (
    "I, dO: densities of non-zeros. mask: share of dI that is needed. busy: at work on useful products; "
    "reject: on ch0 entries without one; waiting for a slower neighbour (imbal.), for rows from the buffer, "
    "for the ppu, for the controller (disp.)."
)


def what(result: Result) -> str:
    """What was simulated, in a sentence or two."""
    machine = result.machine
    array = f"{machine.array.groups} groups x {machine.array.pes_per_group} PEs"
    samples = f"{result.samples} sample{'s' if result.samples > 1 else ''} simulated"
    memory = f"{machine.memory.kind} of {machine.memory.bandwidth_gbytes_per_second:g} GB/s"
    return (
        f"{result.network} on {result.dataset}, batch {result.batch}, {samples}; machine {machine.name}: "
        f"{array}, {machine.pe.macs_per_pe} MAC/cycle each, {machine.buffer.kilobytes} KB buffer, "
        f"{memory}. All numbers are per sample."
    )


def remarks(result: Result) -> Iterator[str]:
    """What a reader should know of a result: why it is what it is, where its sparsity is from, what was
    published.
    """
    yield from _idealised(result)
    used = result.runs[DENSE].pe_utilization
    for run, fewer in result.work_ratio.items():
        if math.isnan(fewer):
            yield f"{run}: no useful MACs at all; one operand of every product is zero."
            continue
        yield (
            f"{run}: {times(fewer)} fewer MACs than dense; with all PEs always busy the speedup on chip "
            f"would be {times(fewer / used)}, over a baseline that uses {percent(used)} of its PEs."
        )
    yield from _sparsity(result)
    yield from _published(result)
    yield from _groups_of_samples(result)
    if result.speedup_half_width:
        yield f"+- is the 95 % confidence interval of the mean over {result.samples} samples."
    if not result.has_other_work:
        yield "A trace holds convolutions and FC layers only: 'with DRAM' has no other work in it."
    yield from result.notes
    yield _speed(result)


def _idealised(result: Result) -> Iterator[str]:
    free = [f"ideal.{name}" for name, is_free in result.machine.ideal if is_free]
    if free:
        yield (
            f"IDEALISED ({', '.join(free)}): this is no machine that can be built, but a bound that shows "
            "what a limit costs; energies are those of the machine with its limits."
        )


def _sparsity(result: Result) -> Iterator[str]:
    profile = result.profile
    pruning = f", pruning rate {result.prune:g}" if result.prune else ""
    yield f"Sparsity: {profile.kind} {profile.name!r}{pruning}. Source: {profile.source}."
    if profile.transferred_from:
        workload = f"{result.network} and {result.dataset}"
        yield f"TRANSFERRED, not all of it recorded on {workload}: {profile.transferred_from}."


def _published(result: Result) -> Iterator[str]:
    if result.network not in published.NETWORKS or "pruned" not in result.runs:
        return
    speedup = result.speedup["pruned"].on_chip
    efficiency = result.energy_efficiency["pruned"].on_chip
    yield (
        f"Published (DAC 2020, abstract): {published.SPEEDUP}x speedup, {published.EFFICIENCY}x energy "
        f"efficiency, an average over AlexNet and ResNets, not this network's figure; here {times(speedup)} "
        f"and {times(efficiency)} on chip."
    )


def _groups_of_samples(result: Result) -> Iterator[str]:
    most = result.machine.policy.accumulated_samples
    if result.profile.kind == "profile" and most > 1 and result.batch > 1:
        yield (
            f"GTW may accumulate over up to {most} samples (policy.accumulated_samples) and is simulated for "
            "whole groups of them, so its densities differ a little from those of the other stages."
        )


def _speed(result: Result) -> str:
    engine = result.engine
    seconds = engine.seconds or float("inf")
    return (
        f"Engine: {short(engine.simulated_cycles / seconds)} simulated cycles/s, "
        f"{short(engine.dense_macs / seconds)} dense-equivalent MAC/s; {result.wall_seconds:.1f} s in all."
    )
