"""Where a difference comes from: every cycle and pJ of two runs, by layer, stage and cause or component.

Exact books: cycles of the PE groups by cause, as the mean over the groups, add up to the cycles of a run, and
the components to its energy, in each accounting; so the differences add up to the difference of the runs.
Whatever stands on one side only counts in full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports.comparison.lineup import Lineup
from reports.comparison.sides import Side
from reports.text import shown_names
from sparsesim.energy import COMPONENTS
from sparsesim.results.model import LayerResult
from sparsesim.results.parts import ACCOUNTINGS, CAUSES, ON_CHIP_CAUSES, STAGES, Measures, added

FloatArray = NDArray[np.float64]
Quantity = Literal["cycles", "energy_pj"]
Triple = tuple[float, float, float]  # before, after and their difference
QUANTITIES: tuple[Quantity, ...] = ("cycles", "energy_pj")
# What a quantity is split by in an accounting.
KINDS: Mapping[tuple[Quantity, str], tuple[str, ...]] = {
    ("cycles", "on_chip"): ON_CHIP_CAUSES,
    ("cycles", "with_dram"): CAUSES,
    ("energy_pj", "on_chip"): tuple(name for name in COMPONENTS if name != "dram"),
    ("energy_pj", "with_dram"): COMPONENTS,
}
OTHER_WORK = "other work"
_OTHER = "other"
_ROUNDING = 1e-13  # relative, of a quotient or two


@dataclass(frozen=True)
class Part:
    """A layer and stage; line: place of the layer in the line-up, None for all other work together."""

    line: int | None
    stage: str


@dataclass(frozen=True)
class Account:
    """One quantity in one accounting, on both sides: [part, kind], kinds as in KINDS; centre values."""

    kinds: tuple[str, ...]
    before: FloatArray
    after: FloatArray

    @property
    def difference(self) -> FloatArray:
        """After less before; what is no more than rounding is 0, so that it does not look like a finding."""
        return _difference(self.before, self.after)

    @property
    def total(self) -> float:
        """The whole difference."""
        return self.together()[2]

    def by_kind(self) -> dict[str, Triple]:
        """Before, after and difference by cause or component."""
        return {kind: self._sums((slice(None), at)) for at, kind in enumerate(self.kinds)}

    def together(self) -> Triple:
        """Before, after and difference of all causes or components."""
        return self._sums(...)

    def by_part(self) -> list[float]:
        """The difference of every layer and stage."""
        return [self.of_parts([row]) for row in range(len(self.before))]

    def of_parts(self, rows: Sequence[int]) -> float:
        """The difference of some layers and stages together, by their places."""
        return self._sums(list(rows))[2]

    def _sums(self, where: Any) -> Triple:
        tables = self.before[where], self.after[where]
        before, after, found = map(exact_sum, (*tables, _difference(*tables)))
        return before, after, 0.0 if abs(found) <= _ROUNDING * max(before, after) else found


@dataclass(frozen=True)
class Attribution:
    """The difference between a side and the reference.

    place: of the side in the lines of the line-up. names: what the two call the layer of each line, as it is
    shown. matched: lines that both have; alone: those that only one has, and which. accounts: by quantity and
    accounting.
    """

    reference: Side
    side: Side
    lineup: Lineup
    place: int
    names: Sequence[str]
    matched: tuple[int, ...]
    alone: Mapping[int, Side]
    parts: tuple[Part, ...]
    accounts: Mapping[tuple[Quantity, str], Account]

    def text(self, line: int | None) -> str:
        """What a part is called by its line; if only one of the two has a layer, that is said."""
        if line is None:
            return OTHER_WORK
        name = self.names[line]
        return f"{name} (only {self.alone[line].letter})" if line in self.alone else name

    def renamed(self, line: int) -> bool:
        """Whether both have the layer, by different names."""
        names = self.lineup.lines[line][0], self.lineup.lines[line][self.place]
        return None not in names and names[0] != names[1]

    def by_stage(self, quantity: Quantity, accounting: str) -> dict[str, float]:
        """The difference by stage, of the stages that there are."""
        account = self.accounts[quantity, accounting]
        rows = {
            stage: [row for row, part in enumerate(self.parts) if part.stage == stage] for stage in STAGES
        }
        return {stage: account.of_parts(found) for stage, found in rows.items() if found}


def _difference(before: FloatArray, after: FloatArray) -> FloatArray:
    found = after - before
    return np.where(np.abs(found) <= _ROUNDING * np.maximum(after, before), 0.0, found)


def exact_sum(values: FloatArray) -> float:
    """The sum, rounded once."""
    return math.fsum(values.ravel().tolist())


def attribute(sides: Sequence[Side], place: int, lineup: Lineup) -> Attribution:
    """Side number `place` less side 0."""
    columns = [[line[at] for line in lineup.lines] for at in (0, place)]
    pairs = list(enumerate(zip(*columns, strict=True)))
    spent = [_measures(sides[at], column) for at, column in zip((0, place), columns, strict=True)]
    parts = tuple(sorted({*spent[0], *spent[1]}, key=_order))
    return Attribution(
        reference=sides[0],
        side=sides[place],
        lineup=lineup,
        place=place,
        names=shown_names([line[0] or line[place] or "" for line in lineup.lines]),
        matched=tuple(line for line, names in pairs if None not in names),
        alone={
            line: sides[place if names[0] is None else 0] for line, names in pairs if names.count(None) == 1
        },
        parts=parts,
        accounts={
            (quantity, accounting): Account(
                kinds,
                _table(sides[0], spent[0], parts, quantity, accounting),
                _table(sides[place], spent[1], parts, quantity, accounting),
            )
            for (quantity, accounting), kinds in KINDS.items()
        },
    )


def _order(part: Part) -> tuple[float, int]:
    return math.inf if part.line is None else part.line, STAGES.index(part.stage)


def _measures(side: Side, names: Sequence[str | None]) -> dict[Part, Measures]:
    """What the run of a side spends on every part that it has."""
    layers = side.result.of_run(side.run)
    found: dict[Part, Measures] = {
        Part(line, stage): layers[name, stage]
        for line, name in enumerate(names)
        for stage in STAGES[:3]
        if name is not None and (name, stage) in layers
    }
    others: list[LayerResult] = [layer for layer in layers.values() if layer.stage == _OTHER]
    if others:
        found[Part(None, _OTHER)] = added(others)
    return found


def _table(
    side: Side, spent: Mapping[Part, Measures], parts: Sequence[Part], quantity: Quantity, accounting: str
) -> FloatArray:
    kinds = KINDS[quantity, accounting]
    groups = side.result.machine.array.groups

    def row(measures: Measures | None) -> list[float]:
        if measures is None:
            return [0.0] * len(kinds)
        if quantity == "cycles":
            return [measures.group_cycles[kind] / groups for kind in kinds]
        energies = getattr(measures.energy_pj, f"{accounting}_components")
        return [energies[kind].centre for kind in kinds]

    return np.array([row(spent.get(part)) for part in parts], dtype=np.float64).reshape(-1, len(kinds))


def totals(side: Side, quantity: Quantity) -> dict[str, float]:
    """What the run of a side takes as a whole, by accounting."""
    if quantity == "cycles":
        return {name: float(getattr(side.measures.cycles, name)) for name in ACCOUNTINGS}
    return {name: float(getattr(side.measures.energy_pj, name).centre) for name in ACCOUNTINGS}
