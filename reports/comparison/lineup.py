"""Which layer of one run is which layer of another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.comparison.sides import Side
from reports.text import shown_names
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import TOLERANCE

Line = tuple[str | None, ...]  # a layer by its name on every side, None where a side does not have it
Sizes = Mapping[str, float]


@dataclass(frozen=True)
class Lineup:
    """The convolutions and FC layers of all sides, in the order of A; what A lacks after the layer before it.

    texts: what a line is called; where not all sides have it, it says which do.
    """

    lines: Sequence[Line]
    texts: Sequence[str]


def line_up(sides: Sequence[Side]) -> Lineup:
    """Layers of one name are one layer in the same network; in another one if their dense MACs are equal.

    Networks without a common name, as a trace names its layers as it likes, are matched by place: layers
    that have equal dense MACs at the same place of as many layers.
    """
    sizes = [_dense_macs(side.result) for side in sides]
    lines: list[list[str | None]] = []
    for place, side in enumerate(sides):
        known = [_counterparts(sides[other], side, sizes[other], sizes[place]) for other in range(place)]
        at = 0
        for name in side.result.layer_names():
            found = _found(lines, [of_other.get(name) for of_other in known])
            if found is None:
                lines.insert(at, [None] * len(sides))
                found = at
            lines[found][place] = name
            at = found + 1
    whole = [tuple(line) for line in lines]
    names = shown_names([next(filter(None, line), "") for line in whole])
    return Lineup(whole, [_text(name, line, sides) for name, line in zip(names, whole, strict=True)])


def _dense_macs(result: Result) -> Sizes:
    return {name: measures.dense_macs for name, measures in result.whole_layers(DENSE).items()}


def _counterparts(one: Side, other: Side, sizes: Sizes, other_sizes: Sizes) -> dict[str, str]:
    """The name in `one` of what is the same layer in `other`, by the name it has there."""
    same = one.result.network == other.result.network
    common = [name for name in other_sizes if name in sizes]
    by_name = {name: name for name in common if same or _alike(sizes[name], other_sizes[name])}
    if by_name or len(sizes) != len(other_sizes):
        return by_name
    pairs = zip(sizes.items(), other_sizes.items(), strict=True)
    return {theirs: ours for (ours, size), (theirs, other_size) in pairs if _alike(size, other_size)}


def _alike(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=TOLERANCE)


def _found(lines: Sequence[Sequence[str | None]], names: Sequence[str | None]) -> int | None:
    """The line of a layer, of which the names on earlier sides are known."""
    for at, line in enumerate(lines):
        if any(name is not None and line[other] == name for other, name in enumerate(names)):
            return at
    return None


def _text(name: str, line: Line, sides: Sequence[Side]) -> str:
    having = [side.letter for side, found in zip(sides, line, strict=True) if found is not None]
    where = "" if len(having) == len(sides) else f" (only {', '.join(having)})"
    return name + where
