"""Designs that are not simulated: known ones, ones no machine can have, ones known to break a constraint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sparsesim.study.point import Point, Scalar
from sparsesim.study.search.aims import Aims
from sparsesim.study.search.space import Space
from workloads.errors import UserError

Precheck = Callable[[Point], Mapping[str, float]]
Design = Mapping[str, Scalar]


@dataclass(frozen=True)
class Refusal:
    """Why a design is not simulated. violations: of the constraints its figures known in advance break."""

    kind: Literal["known", "rule", "constraint"]
    reason: str
    violations: Mapping[str, float] = field(default_factory=dict)


class Gate:
    """Decides what is simulated. precheck: figures of a design that are known without simulating (its area),
    of the point on its first workload; a UserError it raises says that there is no such machine.
    """

    def __init__(self, space: Space, aims: Aims, precheck: Precheck | None) -> None:
        self._space = space
        self._aims = aims
        self._precheck = precheck
        self._numbers: dict[tuple[Scalar, ...], int] = {}

    @property
    def everything_known(self) -> bool:
        """Whether no design is left."""
        return len(self._numbers) >= self._space.size

    def note(self, number: int, design: Design) -> None:
        """Remember that the design is that of trial `number`."""
        self._numbers.setdefault(tuple(design.values()), number)

    def refusal(self, number: int, design: Design) -> Refusal | None:
        """Why trial `number` is not to be simulated; None where it is."""
        twin = self._numbers.get(tuple(design.values()))
        if twin is not None:
            return Refusal("known", f"the same design as trial {twin}")
        if self._precheck is None:
            return None
        try:
            figures = self._precheck(self._space.points(number, design)[0])
        except UserError as error:
            return Refusal("rule", str(error))
        return self._broken(self._aims.violations(figures))

    def _broken(self, violations: Mapping[str, float]) -> Refusal | None:
        broken = [name for name, violation in violations.items() if violation > 0]
        return Refusal("constraint", f"breaks {', '.join(broken)}", violations) if broken else None
