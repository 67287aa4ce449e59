"""Loops unrolled all at once: every variable as an array with one entry per iteration.

Walking a layer of a million row operations one by one in Python takes minutes; as arrays it takes a
blink. Program order is kept in key columns, so that statements of different loops can be merged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compiler.ir.expressions import OPERATORS, Binary, Const, Expression, Variable
from compiler.ir.nodes import Loop
from workloads.errors import UserError

IntArray = NDArray[np.int64]

# Every value of an expression stays below this, so that no product of two can leave an int64.
MAX_VALUE = 2**31
# Iterations held at a time; the largest job of the zoo (VGG-16, first FC layer) has 25,088 operations.
MAX_ITERATIONS = 2**25

_VECTOR_OPERATORS: dict[str, np.ufunc] = {
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
assert _VECTOR_OPERATORS.keys() == OPERATORS.keys(), "vector and scalar operators must be the same"


@dataclass(frozen=True)
class Iterations:
    """`count` iterations: int64[count] per variable, and the key columns of their place in the program."""

    count: int
    values: Mapping[str, IntArray]
    order: tuple[IntArray, ...] = field(default=())

    def select(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Iterations:
        """The iterations of an index array, mask or slice."""
        chosen = np.arange(self.count)[index]
        return Iterations(
            len(chosen),
            {name: values[index] for name, values in self.values.items()},
            tuple(key[index] for key in self.order),
        )

    def with_value(self, name: str, values: IntArray) -> Iterations:
        """The same iterations with one more value each."""
        return Iterations(self.count, {**self.values, name: values}, self.order)

    def with_key(self, key: IntArray | int) -> Iterations:
        """The same iterations with one more key, which decides where the earlier ones are equal."""
        column = np.broadcast_to(np.asarray(key, np.int64), (self.count,))
        return Iterations(self.count, self.values, (*self.order, column))

    def without_order(self) -> Iterations:
        """The same iterations without keys, where order no longer matters."""
        return Iterations(self.count, self.values)

    def describe(self, index: int) -> str:
        """`m = 0, f = 8`: the user's variables of one iteration."""
        names = (name for name in self.values if name.isidentifier())
        return ", ".join(f"{name} = {int(self.values[name][index])}" for name in names)


ONCE = Iterations(1, {})


def evaluate_all(expression: Expression, iterations: Iterations) -> IntArray:
    """int64[count]: the expression in every iteration.

    UserError for an unbound variable, a division by zero and a value beyond MAX_VALUE.
    """
    if isinstance(expression, Const):
        return _bounded(np.full(iterations.count, expression.value, np.int64))
    if isinstance(expression, Variable):
        if expression.name not in iterations.values:
            raise UserError(f"variable {expression.name!r} is not bound")
        return iterations.values[expression.name]
    if isinstance(expression, Binary):
        left, right = evaluate_all(expression.left, iterations), evaluate_all(expression.right, iterations)
        return _apply(expression.operator, left, right)
    raise TypeError(f"not an expression: {expression!r}")


def enter(loop: Loop, iterations: Iterations) -> Iterations:
    """The iterations of a loop inside given ones, in program order, without those its condition skips.

    UserError for a step below 1 and for more than MAX_ITERATIONS iterations.
    """
    start, stop, step = (evaluate_all(bound, iterations) for bound in (loop.start, loop.stop, loop.step))
    if np.any(step < 1):
        raise UserError(f"step {int(step.min())} of the loop is below 1")
    counts = np.maximum(0, -(-(stop - start) // step))
    if int(counts.sum()) > MAX_ITERATIONS:
        raise UserError(f"{int(counts.sum())} iterations are more than the {MAX_ITERATIONS} that are checked")
    outer = np.repeat(np.arange(iterations.count), counts)
    turn = np.arange(len(outer)) - np.repeat(np.cumsum(counts) - counts, counts)
    inner = (
        iterations.select(outer).with_value(loop.variable, start[outer] + step[outer] * turn).with_key(turn)
    )
    return inner if loop.where is None else inner.select(evaluate_all(loop.where, inner) != 0)


def program_order(parts: list[Iterations]) -> NDArray[np.intp]:
    """Argsort of the concatenated iterations of several places of a program into the order of execution."""
    depth = max((len(part.order) for part in parts), default=0)
    if depth == 0:
        return np.arange(sum(part.count for part in parts))
    columns = [np.concatenate([_key(part, level) for part in parts]) for level in range(depth)]
    return np.lexsort(columns[::-1])


def _key(part: Iterations, level: int) -> IntArray:
    return part.order[level] if level < len(part.order) else np.zeros(part.count, np.int64)


def _apply(operator: str, left: IntArray, right: IntArray) -> IntArray:
    if operator not in _VECTOR_OPERATORS:
        raise UserError(f"operator {operator!r} is unknown")
    if operator in ("//", "%") and not np.all(right):
        raise UserError(f"division by zero in '{operator}'")
    return _bounded(_VECTOR_OPERATORS[operator](left, right).astype(np.int64, copy=False))


def _bounded(values: IntArray) -> IntArray:
    if values.size and max(int(values.max()), -int(values.min())) >= MAX_VALUE:
        raise UserError(f"a value reaches {MAX_VALUE}")
    return values
