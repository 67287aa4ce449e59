"""What a search aims at: figures to be minimised or maximised, and limits on figures."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sparsesim.study.figures import canonical_figure
from workloads.errors import UserError

Goal = Literal["minimize", "maximize"]
Relation = Literal["<=", ">="]

_CONSTRAINT = re.compile(r"\s*([A-Za-z][\w.]*)\s*(<=|>=)\s*(\S+)\s*")


@dataclass(frozen=True)
class Objective:
    """One figure (canonical name, in the unit sparsesim.study.figures gives it) and its direction."""

    figure: str
    goal: Goal

    def __str__(self) -> str:
        return f"{self.goal} {self.figure}"


@dataclass(frozen=True)
class Constraint:
    """A limit `figure relation bound`; the bound is a finite number in the figure's unit."""

    figure: str
    relation: Relation
    bound: float

    def __str__(self) -> str:
        return f"{self.figure} {self.relation} {self.bound:g}"

    def violation(self, figures: Mapping[str, float]) -> float:
        """How far the figure is beyond the bound, in the figure's unit: <= 0 where it is fulfilled, and
        infinite where the design has no such figure (a run it was not simulated in) or it is not a number.
        """
        value = figures.get(self.figure, math.nan)
        if math.isnan(value):
            return math.inf
        return value - self.bound if self.relation == "<=" else self.bound - value


def parse_objective(text: str, goal: Goal, where: str) -> Objective:
    """The objective that minimises or maximises the figure named `text` (aliases are resolved).

    `where` is the place (option, or FILE:LINE:COLUMN) that the UserError for an unknown figure names.
    """
    return Objective(canonical_figure(text.strip(), where), goal)


def parse_constraint(text: str, where: str) -> Constraint:
    """The constraint written as `FIGURE <= NUMBER` or `FIGURE >= NUMBER`.

    UserError, naming `where`, for another form, an unknown figure, or a bound that is not a finite number.
    """
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        raise UserError(
            f"{where}: {text!r} is not a constraint; write FIGURE <= NUMBER or FIGURE >= NUMBER, "
            'for example "area <= 2".'
        )
    figure, relation, bound = match.groups()
    return Constraint(
        canonical_figure(figure, where), "<=" if relation == "<=" else ">=", _bound(bound, text, where)
    )


def _bound(number: str, text: str, where: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"{where}: the bound {number!r} of the constraint {text!r} must be a finite number, "
            "in the unit of the figure."
        )
    return value
