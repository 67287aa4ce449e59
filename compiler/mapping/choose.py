"""The mapper: candidates, their estimates, the best one, and why."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

from compiler.mapping.blocks import BlockShape, block_shapes
from compiler.mapping.candidates import Candidates
from compiler.mapping.estimate import Estimate, Estimator
from compiler.mapping.infeasible import MappingError, does_not_fit
from compiler.mapping.mapping import Mapping
from compiler.mapping.off_chip import OffChipTraffic
from compiler.mapping.problem import Problem
from compiler.program import RowOperation
from compiler.target import AUTO

MOST_REFINED = 12  # mappings of a row block that are tried over several samples
_Rated = tuple[Mapping, Estimate]


@dataclass(frozen=True)
class Choice:
    """The mapping chosen for a problem."""

    problem: Problem
    mapping: Mapping
    estimate: Estimate

    @property
    def candidates(self) -> tuple[_Rated, ...]:
        """Everything the mapping was compared with, best first.

        Rated again each time: kept, they would be nearly all that a long study holds in memory.
        """
        for wanted in _wishes(self.problem):
            rated = [rated for block in _blocks(self.problem, wanted) for rated in block.rated()]
            if rated:
                break
        return tuple(sorted(rated, key=_rank))


class _Wish(NamedTuple):
    """What a machine's description asks of mappings; "auto" leaves it open."""

    stays: str
    broadcast: str


_NO_WISH = _Wish(AUTO, AUTO)


def _wishes(problem: Problem) -> Sequence[_Wish]:
    """What is asked for; and, where no mapping is like that, any."""
    if problem.operation is RowOperation.OSRC:
        wanted = _Wish(AUTO, problem.target.gtw_broadcast)
    else:
        wanted = _Wish(problem.target.stays, AUTO)
    return (_NO_WISH,) if wanted == _NO_WISH else (wanted, _NO_WISH)


@lru_cache(maxsize=4096)
def choose_mapping(problem: Problem) -> Choice:
    """The mapping with the lowest estimated cycles; ties go to the smaller buffer.

    For OSRC mappings that broadcast dO and such that broadcast I compete. What the machine's description
    asks for (mapping.stays, mapping.gtw_broadcast) is done wherever it fits. Raises MappingError where
    nothing fits, naming demand, bound, gap and parameter.
    """
    for wanted in _wishes(problem):
        found = _best(_blocks(problem, wanted))
        if found is not None:
            return Choice(problem, *found)
    raise _nothing_fits(problem)


def _best(blocks: Sequence[_Block]) -> _Rated | None:
    """The best mapping of all row blocks; None where none fits."""
    best: tuple[tuple[float, int], int, _Rated] | None = None
    bounds = [block.estimator.least_cycles() for block in blocks]
    # The most promising row blocks first: most of the others cannot do better and are not looked at.
    for place in sorted(range(len(blocks)), key=bounds.__getitem__):
        if best is not None and bounds[place] > best[0][0]:
            break
        found = min(blocks[place].rated(), key=_rank, default=None)
        if found is not None and (best is None or (_rank(found), place) < best[:2]):
            best = _rank(found), place, found
    return None if best is None else best[2]


def _rank(rated: _Rated) -> tuple[float, int]:
    """Lowest estimate first, the smaller buffer breaks ties."""
    return rated[1].cycles, rated[1].buffer_bytes


class _Block:
    """One row block of a problem and the mappings with it that keep in the buffer what is wished."""

    def __init__(self, problem: Problem, shape: BlockShape, traffic: OffChipTraffic, stays: str) -> None:
        self.stays = stays
        self.candidates = Candidates(problem, shape)
        self.estimator = Estimator(problem, shape, traffic)

    def rated(self) -> list[_Rated]:
        """Every mapping that fits, with its estimate."""
        found = [self._rate(mapping) for mapping in self.candidates if self.stays in (AUTO, mapping.stays)]
        if self.candidates.problem.operation is not RowOperation.OSRC:
            return found
        # Accumulating over samples changes costs by what it saves in writes: worth it for good mappings only.
        best = sorted(found, key=_rank)[:MOST_REFINED]
        several = (m for mapping, _ in best for m in self.candidates.several_samples(mapping))
        return found + [self._rate(mapping) for mapping in several]

    def _rate(self, mapping: Mapping) -> _Rated:
        return mapping, self.estimator.estimate(mapping, self.candidates.space.n_bytes(mapping))


def _blocks(problem: Problem, wanted: _Wish) -> list[_Block]:
    """Row blocks of the wanted forms of a problem that fit the registers."""
    blocks: list[_Block] = []
    for form in problem.forms:
        if wanted.broadcast not in (AUTO, form.broadcast):
            continue
        traffic = OffChipTraffic(form)
        with suppress(MappingError):
            shapes = list(block_shapes(form.geometry, form.operation, form.target, form.broadcast))
            blocks += [_Block(form, shape, traffic, wanted.stays) for shape in shapes]
    return blocks


def _nothing_fits(problem: Problem) -> MappingError:
    """The error for a problem whose row blocks do not fit the registers or, in no tile, the buffer."""
    shapes = block_shapes(problem.geometry, problem.operation, problem.target, problem.broadcast)
    candidates = Candidates(problem, next(shapes))
    smallest = candidates.space.n_bytes(candidates.smallest())
    return does_not_fit(
        "the smallest tile (one row block of one cluster, double-buffered)", smallest,
        problem.target.buffer_bytes, "bytes of buffer", "buffer.kilobytes",
        f"Set it to at least {-(-smallest // 1024)}",
    )  # fmt: skip


def explain(choice: Choice, count: int = 5) -> str:
    """The best candidates side by side: what was chosen, and what it was chosen over."""
    candidates = choice.candidates
    lines = ["rank  est. cycles  array cycles  memory cycles  buffer bytes  bound  mapping"]
    for rank, (mapping, cost) in enumerate(candidates[:count], 1):
        values = ", ".join(f"{field.name}={getattr(mapping, field.name)}" for field in fields(mapping))
        lines.append(
            f"{rank:>4}  {cost.cycles:>11,.0f}  {cost.array_cycles:>12,.0f}  {cost.dram_cycles:>13,.0f}  "
            f"{cost.buffer_bytes:>12,}  {cost.bound:>5}  {values}"
        )
    lines.append(f"{len(candidates)} candidates; the lowest estimate wins, the smaller buffer breaks ties")
    return "\n".join(lines)
