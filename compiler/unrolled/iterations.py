"""Iterations of nested loops as arrays: one element for each.

Expressions over loop variables become array operations, so that what unrolling a loop costs hardly depends
on how often it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.expressions import Binary, Const, Expression, Variable
from compiler.ir.nodes import Loop

Whole = NDArray[np.int64]
_Number = Whole | np.int64

_OPERATORS: dict[str, Callable[[_Number, _Number], _Number]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": np.floor_divide,
    "%": np.remainder,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "and": np.logical_and,
    "min": np.minimum,
    "max": np.maximum,
}


def _value(expression: Expression, values: Mapping[str, Whole]) -> _Number:
    """Value in every iteration; a single number where it is the same in all."""
    if isinstance(expression, Const):
        return np.int64(expression.value)
    if isinstance(expression, Variable):
        return values[expression.name]
    assert isinstance(expression, Binary)
    left, right = _value(expression.left, values), _value(expression.right, values)
    # Conditions are numbers, 1 or 0.
    return _OPERATORS[expression.operator](left, right).astype(np.int64, copy=False)


@dataclass(frozen=True)
class Iterations:
    """Iterations of nested loops, in the order in which they run.

    values: of each loop variable, int64[count]; origin int64[count]: which iteration of the loops outside
    each belongs to, ascending.
    """

    count: int
    values: Mapping[str, Whole]
    origin: Whole

    def of(self, expression: Expression) -> Whole:
        """Values of an expression, int64[count]."""
        value = _value(expression, self.values)
        return value if isinstance(value, np.ndarray) else np.full(self.count, value)

    def columns(self, expressions: Iterable[Expression]) -> Whole:
        """Values of several expressions, int64[count, expressions]."""
        return np.stack([self.of(expression) for expression in expressions], axis=1)

    def lengths(self, loop: Loop) -> Whole:
        """How often a loop runs in each iteration, its condition left aside."""
        runs: Whole = -((self.of(loop.start) - self.of(loop.stop)) // self.of(loop.step))
        return runs.clip(min=0)

    def inside(self, loop: Loop) -> Iterations:
        """The iterations of a loop that runs in each of these, without those that its condition skips."""
        lengths = self.lengths(loop)
        origin = np.repeat(np.arange(self.count), lengths)
        started: Whole = np.cumsum(lengths) - lengths
        turn: Whole = np.arange(len(origin)) - started[origin]
        value: Whole = self.of(loop.start)[origin] + turn * self.of(loop.step)[origin]
        around = {name: outside[origin] for name, outside in self.values.items()}
        found = Iterations(len(origin), {**around, loop.variable: value}, origin)
        return found if loop.where is None else found.these(np.flatnonzero(found.of(loop.where)))

    def these(self, chosen: Whole) -> Iterations:
        """Only the chosen iterations."""
        values = {name: value[chosen] for name, value in self.values.items()}
        return Iterations(len(chosen), values, self.origin[chosen])

    def bound(self, variable: str, values: Whole) -> Iterations:
        """The same iterations with one more variable, int64[count]."""
        return Iterations(self.count, {**self.values, variable: values}, self.origin)

    def distinct(self, variables: Iterable[str]) -> tuple[Whole, Whole]:
        """(first, which): iterations with new values of some variables, ascending, and for every iteration
        the place in `first` of the one that it is like. Names of other variables are ignored.
        """
        code, extent = np.zeros(self.count, dtype=np.int64), 1
        for name in sorted(set(variables) & set(self.values)):
            value = self.values[name]
            low, span = int(value.min(initial=0)), int(value.max(initial=0)) + 1
            if extent * (span - low) > np.iinfo(np.int64).max:
                code, extent = np.unique(code, return_inverse=True)[1], self.count
            code, extent = code * (span - low) + (value - low), extent * (span - low)
        _, first, which = np.unique(code, return_index=True, return_inverse=True)
        order = np.argsort(first)
        return first[order], np.argsort(order)[which]


ONCE = Iterations(1, {}, np.zeros(1, dtype=np.int64))
"""What runs outside of all loops."""
