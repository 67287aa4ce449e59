"""Whole-number expressions over loop variables: + - * // % min max, comparisons (1 or 0) and `and`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    "==": lambda a, b: int(a == b),
    "and": lambda a, b: int(bool(a) and bool(b)),
    "min": min,
    "max": max,
}


class Expression:
    """Base of Const, Variable and Binary; Python operators build trees and fold constants."""

    def __add__(self, other: Expression | int) -> Expression:
        return binary("+", self, other)

    def __radd__(self, other: int) -> Expression:
        return binary("+", other, self)

    def __sub__(self, other: Expression | int) -> Expression:
        return binary("-", self, other)

    def __rsub__(self, other: int) -> Expression:
        return binary("-", other, self)

    def __mul__(self, other: Expression | int) -> Expression:
        return binary("*", self, other)

    def __rmul__(self, other: int) -> Expression:
        return binary("*", other, self)

    def __floordiv__(self, other: Expression | int) -> Expression:
        return binary("//", self, other)

    def __mod__(self, other: Expression | int) -> Expression:
        return binary("%", self, other)


@dataclass(frozen=True)
class Const(Expression):
    """A whole number."""

    value: int


@dataclass(frozen=True)
class Variable(Expression):
    """A loop variable."""

    name: str


@dataclass(frozen=True)
class Binary(Expression):
    """`left operator right`, or operator(left, right) for min and max; operators: OPERATORS."""

    operator: str
    left: Expression
    right: Expression


def as_expression(value: Expression | int) -> Expression:
    """The expression itself, or a number as Const."""
    return value if isinstance(value, Expression) else Const(int(value))


def binary(operator: str, left: Expression | int, right: Expression | int) -> Expression:
    """The tree `left operator right`, folded where both sides are constants or one is neutral."""
    a, b = as_expression(left), as_expression(right)
    if isinstance(a, Const) and isinstance(b, Const):
        return Const(OPERATORS[operator](a.value, b.value))
    if operator in "+-" and b == Const(0):
        return a
    if operator == "+" and a == Const(0):
        return b
    if operator in ("*", "//") and b == Const(1):
        return a
    if operator == "*" and a == Const(1):
        return b
    return Binary(operator, a, b)


def minimum(left: Expression | int, right: Expression | int) -> Expression:
    """min(left, right)"""
    return binary("min", left, right)


def maximum(left: Expression | int, right: Expression | int) -> Expression:
    """max(left, right)"""
    return binary("max", left, right)


def evaluate(expression: Expression, environment: Mapping[str, int]) -> int:
    """Value of the expression; KeyError names a variable that is not bound."""
    if isinstance(expression, Const):
        return expression.value
    if isinstance(expression, Variable):
        return environment[expression.name]
    if isinstance(expression, Binary):
        left = evaluate(expression.left, environment)
        return OPERATORS[expression.operator](left, evaluate(expression.right, environment))
    raise TypeError(f"not an expression: {expression!r}")


def variables(expression: Expression) -> set[str]:
    """Names of the variables an expression reads."""
    if isinstance(expression, Variable):
        return {expression.name}
    if isinstance(expression, Binary):
        return variables(expression.left) | variables(expression.right)
    return set()
