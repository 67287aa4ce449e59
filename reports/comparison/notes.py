"""What a reader of a comparison must know: what is not comparable, or only with care."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.comparison.attribution import Attribution
from reports.comparison.factors import factors
from reports.comparison.numbers import factor
from reports.comparison.sentences import layers, workload
from reports.comparison.settings import differing
from reports.text import plain, shown_name
from sparsesim.results.model import DENSE
from sparsesim.results.parts import TOLERANCE

if TYPE_CHECKING:
    from reports.comparison.compare import Comparison
    from reports.comparison.sides import Side

_ZEROS = {
    "trace": "the zeros of a recorded trace",
    "profile": "zeros drawn from a profile",
    "uniform": "independent zeros",
    "dense": "no zeros",
}
_DRAWN = ("profile", "uniform")  # kinds whose masks depend on the seed
# Of a machine: what reaches the on-chip cycles through the choice of tiles only.
_OF_MEMORY = ("name", "description", "memory.", "array.clock_mhz")


def notes(comparison: Comparison) -> Iterator[str]:
    """What is not comparable, or only with care, in sentences of printable characters."""
    yield from _transferred(comparison.sides)
    for attribution in comparison.attributions:
        yield from _notes(attribution)
    yield from _spread(comparison.sides)


def _notes(attribution: Attribution) -> Iterator[str]:
    reference, side = attribution.reference, attribution.side
    pair = f"{side.letter} and {reference.letter}"
    yield from _runs(pair, reference, side)
    yield from _layers_and_work(pair, attribution)
    yield from _zeros(pair, reference, side)
    yield from _samples(pair, reference, side)
    yield from _tiles(pair, reference, side)
    yield from _clocks(pair, reference, side)
    yield from _energy_tables(pair, reference, side)


def _transferred(sides: Sequence[Side]) -> Iterator[str]:
    """Sparsity that was recorded on something else; sides of which the same is true share a sentence."""
    found: dict[str, list[str]] = {}
    for side in sides:
        if text := side.result.profile.transferred_from:
            about = f"TRANSFERRED sparsity, not all of it recorded on {workload(side)}: {plain(text)}."
            found.setdefault(about, []).append(side.letter)
    for about, letters in found.items():
        yield f"{', '.join(letters)}: {about}"


def _runs(pair: str, reference: Side, side: Side) -> Iterator[str]:
    if side.run != reference.run:
        yield (
            f"{pair} have no run in common but the dense one: {side.run} of {side.letter} is compared with "
            f"{reference.run} of {reference.letter}."
        )
        return
    for one, other in ((reference, side), (side, reference)):
        more = [shown_name(run) for run in one.result.runs if run not in other.result.runs]
        if more:
            yield (
                f"{one.letter} also has the run{'s' if len(more) > 1 else ''} {', '.join(more)}, "
                f"{other.letter} does not; {shown_name(side.run)} is compared."
            )


def _layers_and_work(pair: str, attribution: Attribution) -> Iterator[str]:
    reference, side = attribution.reference, attribution.side
    before, after = reference.result, side.result
    if not attribution.matched:
        yield f"{pair} have no layer in common: only the totals by stage, cause and component are attributed."
    if any(attribution.renamed(line) for line in attribution.matched):
        yield f"{pair} call their layers differently: they are matched by place and size."
    if (before.network, before.dataset) != (after.network, after.dataset):
        yield (
            f"{pair} are not of the same work ({workload(side)}; {workload(reference)}): what differs is "
            "more than the machines."
        )
    if before.has_other_work != after.has_other_work:
        lacking = side if before.has_other_work else reference
        yield (
            f"{lacking.letter} is a trace, which holds convolutions and FC layers only: with DRAM its other "
            "work is missing; on chip the two are comparable."
        )


def _zeros(pair: str, reference: Side, side: Side) -> Iterator[str]:
    """A dense run has no masks, whatever they would have been."""
    if reference.run == side.run == DENSE:
        return
    before, after = reference.result, side.result
    if before.profile.kind != after.profile.kind:
        yield (
            f"{side.letter} has {_ZEROS[after.profile.kind]}, {reference.letter} has "
            f"{_ZEROS[before.profile.kind]}: the work differs, not only how it is done."
        )
    elif before.seed != after.seed and after.profile.kind in _DRAWN:
        yield f"{pair}: masks drawn with different seeds; a part of the difference is chance."


def _samples(pair: str, reference: Side, side: Side) -> Iterator[str]:
    before, after = reference.result, side.result
    if before.samples != after.samples:
        yield f"{pair}: means over {after.samples} and {before.samples} samples; all numbers are per sample."


def _spread(sides: Sequence[Side]) -> Iterator[str]:
    """What +- is in the totals, where it is."""
    known = {side.letter: side.measures.cycles_half_width is not None for side in sides}
    if not any(known.values()):
        return
    yield (
        "+- in the totals is half of the 95 % confidence interval of a mean over samples; where the masks "
        "are not the same, a smaller difference may be chance."
    )
    unknown = [letter for letter, spread in known.items() if not spread]
    if unknown:
        yield f"{', '.join(unknown)}: a single sample, of which no spread is known."


def _same_work(reference: Side, side: Side) -> bool:
    """Whether both simulate the same run with the same masks."""
    inputs = ("network", "dataset", "profile", "prune", "seed", "samples", "batch")
    digests = [one.noted("inputs_sha256") for one in (reference, side)]
    return (
        reference.run == side.run
        and all(getattr(reference.result, name) == getattr(side.result, name) for name in inputs)
        and all(digests[0].get(name) == digests[1].get(name) for name in ("network", "profile", "trace"))
    )


def _tiles(pair: str, reference: Side, side: Side) -> Iterator[str]:
    """What another choice of tiles changes where nobody would look for a change.

    The mapper weighs the cycles of the array against those of the memory, so the memory and the clock decide
    about tiles, whose cycles on chip differ; and GTW is simulated for as many samples as are accumulated.
    """
    if not _same_work(reference, side):
        return
    after = side.result.of_run(side.run)
    unlike = [
        stage
        for (name, stage), layer in reference.result.of_run(reference.run).items()
        if (name, stage) in after and not math.isclose(layer.useful_macs, after[name, stage].useful_macs)
    ]
    if set(unlike) == {"gtw"}:
        yield (
            f"{pair}: GTW has other useful MACs in {layers(len(unlike))}, since the mapper accumulates over "
            "another number of samples there, and as many are simulated."
        )
    yield from _other_memory(pair, reference, side)


def _other_memory(pair: str, reference: Side, side: Side) -> Iterator[str]:
    settings = differing((reference, side))
    unlike = [] if settings.versions else [setting.name for setting in settings.machine]
    cycles = [one.measures.cycles.on_chip for one in (reference, side)]
    if (
        unlike
        and all(name.startswith(_OF_MEMORY) for name in unlike)
        and not math.isclose(*cycles, rel_tol=TOLERANCE)
    ):
        yield (
            f"{pair} have the same array, and yet other cycles on chip: the mapper chooses tiles by the "
            "speed of the memory too."
        )


def _clocks(pair: str, reference: Side, side: Side) -> Iterator[str]:
    before, after = (one.result.machine.array.clock_mhz for one in (reference, side))
    if before != after:
        on_chip = factors(reference, side).cycles_on_chip * before / after
        yield (
            f"{pair} have clocks of {after:g} and {before:g} MHz: in time, not cycles, {side.letter} takes "
            f"{factor(on_chip)} of {reference.letter} on chip."
        )


def _energy_tables(pair: str, reference: Side, side: Side) -> Iterator[str]:
    """By name, and by contents where both are known."""
    digests = [one.noted("inputs_sha256").get("energy") for one in (reference, side)]
    other_contents = None not in digests and digests[0] != digests[1]
    if other_contents or reference.result.energy_table != side.result.energy_table:
        yield f"{pair} are charged with different energy tables: their energies differ for that reason too."
