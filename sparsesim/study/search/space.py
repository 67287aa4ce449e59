"""The space of a search: what is chosen, what a design is judged on, and the points of a design."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sparsesim.study.definition import Axis, Definition
from sparsesim.study.point import Point, Scalar
from sparsesim.study.values import Choices, Range, Steps
from workloads.errors import UserError

WORKLOAD_SETTINGS = ("network", "dataset")


@dataclass(frozen=True)
class Space:
    """axes: what is searched, by canonical setting name, in the order of the names. base: fixed settings.
    workloads: the settings of each network and dataset that every design is judged on; at least one.
    """

    base: Mapping[str, Scalar]
    workloads: tuple[Mapping[str, Scalar], ...]
    axes: Mapping[str, Choices | Range]

    @property
    def size(self) -> float:
        """Number of designs; infinite where a range has no step."""
        return math.prod(_count(space) for space in self.axes.values())

    def distributions(self) -> dict[str, BaseDistribution]:
        """The axes as Optuna samples them."""
        return {name: _distribution(space) for name, space in self.axes.items()}

    def design(self, params: Mapping[str, Any]) -> dict[str, Scalar]:
        """The searched settings that Optuna's parameters stand for: values of a range with a step are the
        decimal numbers a grid would have (0.3, not 0.30000000000000004), so that they are the same points.
        """
        return {name: _value(space, params[name]) for name, space in self.axes.items()}

    def points(self, number: int, design: Mapping[str, Scalar]) -> list[Point]:
        """The points of trial `number`, one per workload. Their indices are number x workloads + place."""
        first = number * len(self.workloads)
        return [
            Point({**self.base, **workload, **design}, first + place)
            for place, workload in enumerate(self.workloads)
        ]


def search_space(definition: Definition) -> Space:
    """The space of a study. Axes over networks and datasets are the workloads (all combinations); every other
    axis is searched. UserError where none is left, or where the study is a list of points.
    """
    if definition.points is not None:
        raise UserError(f"{definition.source}: a list of points is not searched; `sweep` simulates it.")
    spaces = {axis.name: _of_axis(axis) for axis in definition.axes}
    spaces |= {axis.name: axis.space for axis in definition.search}
    workloads = {name: _names(name, spaces.pop(name)) for name in WORKLOAD_SETTINGS if name in spaces}
    if not spaces:
        raise UserError(
            f"{definition.source}: nothing is searched; name settings with their values or ranges under "
            '"search" or "vary", for example "groups: [14, 28, 56]".'
        )
    together = itertools.product(*workloads.values())
    return Space(
        base=dict(definition.base),
        workloads=tuple(dict(zip(workloads, names, strict=True)) for names in together),
        axes=dict(sorted(spaces.items())),
    )


def _of_axis(axis: Axis) -> Choices | Range:
    """A grid's progression is a range with a step: it has an order, and may be too long to list."""
    values = axis.values
    if isinstance(values, Steps) and len(values) > 1:
        ends = (values.start, values.start + (len(values) - 1) * values.step)
        return Range(float(ends[0]), float(ends[1]), float(values.step), whole=values.whole)
    return Choices(tuple(values))


def _names(name: str, space: Choices | Range) -> tuple[Scalar, ...]:
    if isinstance(space, Range):
        raise UserError(f"{name}: workloads are listed by name, not searched as a range.")
    return space.values


def _steps(space: Range) -> int:
    """How many steps lie between low and high."""
    step = 1 if space.step is None else space.step
    return int((_decimal(space.high) - _decimal(space.low)) // _decimal(step))


def _count(space: Choices | Range) -> float:
    if isinstance(space, Choices):
        return len(space.values)
    return _steps(space) + 1 if space.whole or space.step is not None else math.inf


def _distribution(space: Choices | Range) -> BaseDistribution:
    if isinstance(space, Choices):
        if _ordered(space):
            return IntDistribution(0, len(space.values) - 1)
        return CategoricalDistribution(space.values)
    if space.whole:
        step = 1 if space.step is None else int(space.step)
        high = int(space.low) + _steps(space) * step
        return IntDistribution(int(space.low), high, log=space.log, step=step)
    if space.step is None:
        return FloatDistribution(float(space.low), float(space.high), log=space.log)
    return FloatDistribution(float(space.low), float(_at(space, _steps(space))), step=float(space.step))


def _ordered(space: Choices) -> bool:
    """Whether the choices are numbers. A sampler is then given their places in ascending order: told that
    they are unrelated names, TPE and NSGA-II find a front considerably later.
    """
    return len(_numbers(space)) == len(space.values)


def _numbers(space: Choices) -> list[int | float]:
    values = (value for value in space.values if not isinstance(value, bool | str))
    return sorted(values)


def _value(space: Choices | Range, value: Any) -> Scalar:
    if isinstance(space, Choices) and _ordered(space):
        return _numbers(space)[int(value)]
    if isinstance(space, Range) and space.step is not None and not space.whole:
        return float(_at(space, round((value - space.low) / space.step)))
    found: Scalar = value
    return found


def _at(space: Range, steps: int) -> Decimal:
    return _decimal(space.low) + steps * _decimal(1 if space.step is None else space.step)


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
