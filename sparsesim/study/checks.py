"""Combinations of a plan that break rules, found before anything is simulated."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sparsesim.study.grid import digits_of, spread
from sparsesim.study.plan import Plan
from sparsesim.study.point import Scalar
from sparsesim.study.resolve import text_of
from sparsesim.study.rules import is_ruled
from workloads.errors import UserError

SHOWN = 3  # wrong combinations in the sentence
_CLOCK_EVERY = 64  # combinations between two looks at the clock

Settings = Mapping[str, Scalar]


class Checked(NamedTuple):
    """Different machines and energy tables of a plan, how many were checked, and how many break a rule."""

    combinations: int
    checked: int
    broken: int


def check(plan: Plan, budget_seconds: float = 2.0) -> Checked:
    """Check the machines and energy tables of a plan: as many as there is time for, evenly spread.

    Raises UserError naming the first wrong combinations and what to do; where the plan leaves invalid points
    out, only if all that were checked are wrong.
    """
    combinations = _Combinations(plan)
    deadline = time.monotonic() + budget_seconds
    checked = 0
    examples: list[tuple[Settings, str]] = []
    broken = 0
    for varied in combinations:
        checked += 1
        sentence = plan.rules.broken({**plan.definition.base, **varied})
        if sentence:
            broken += 1
            examples = [*examples, (varied, sentence)][:SHOWN]
        if checked % _CLOCK_EVERY == 0 and time.monotonic() > deadline:
            break
    found = Checked(len(combinations), checked, broken)
    if broken and not (plan.skip_invalid and broken < checked):
        raise UserError(_sentence(plan, found, examples))
    return found


class _Combinations:
    """The settings of a plan that rules are about, in all their combinations, evenly spread."""

    def __init__(self, plan: Plan) -> None:
        axes = [axis for axis in plan.definition.axes if is_ruled(axis.name)]
        self._names = [axis.name for axis in axes]
        self._values = [axis.values for axis in axes]
        points = [_ruled(point) for point in plan.definition.points or ({},)]
        self._listed = list({frozenset(point.items()): point for point in points}.values())
        self._sizes = (*map(len, self._values), len(self._listed))

    def __len__(self) -> int:
        return math.prod(self._sizes)

    def __iter__(self) -> Iterator[Settings]:
        for place in spread(len(self)):
            *digits, listed = digits_of(place, self._sizes)
            chosen = (values[digit] for values, digit in zip(self._values, digits, strict=True))
            yield {**dict(zip(self._names, chosen, strict=True)), **self._listed[listed]}


def _ruled(point: Settings) -> Settings:
    return {name: value for name, value in point.items() if is_ruled(name)}


def _sentence(plan: Plan, found: Checked, examples: list[tuple[Settings, str]]) -> str:
    source = plan.definition.source
    if not examples[0][0]:
        return f"{source}: {examples[0][1]}"
    some = "" if found.checked == found.combinations else f" that were checked (of {found.combinations})"
    head = f"{source}: {found.broken} of {found.checked} combinations{some} break a rule, for example:"
    lines = [f"  {_shown(settings)}: {sentence}" for settings, sentence in examples]
    remedy = "Give other values, list the points that are wanted (points:)"
    if not plan.skip_invalid:
        remedy += ", or leave the others out with --skip-invalid"
    return "\n".join([head, *lines, f"{remedy}."])


def _shown(settings: Settings) -> str:
    return ", ".join(f"{name}={text_of(value)}" for name, value in settings.items())
