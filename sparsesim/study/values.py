"""Values of a varied setting: a list, a progression, or a range to be searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import overload

from sparsesim.machine.located import Located
from sparsesim.study.legal import check_value, shown
from sparsesim.study.point import Scalar
from sparsesim.study.settings import is_enumerated, kind_of
from workloads.errors import UserError, unknown_name

MOST_VALUES = 10**9  # of an arithmetic progression, which is never written out
MOST_FACTORS = 10_000  # values of a geometric one, which is
CHECKED_VALUES = 10_000  # legal values are an interval or fewer than this: these and the last decide
_RANGE_KEYS = ("from", "to", "step", "factor", "log")
_FORMS = "a list of values, {from: 0, to: 0.9, step: 0.3} or {from: 64, to: 1024, factor: 2}"


@dataclass(frozen=True)
class Range:
    """Numbers low..high, both included, to be searched.

    step: distance of the values, counted from low, None for any; high is one of them. log: equal ratios are
    equally likely. whole: only whole numbers.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choices:
    """Values without an order."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Steps(Sequence[Scalar]):
    """start, start + step, ...: `size` numbers, computed when asked for; int where `whole`, else float."""

    start: Decimal
    step: Decimal
    size: int
    whole: bool

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> Scalar: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Scalar, ...]: ...
    def __getitem__(self, index: int | slice) -> Scalar | tuple[Scalar, ...]:
        places = range(self.size)[index]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    def _at(self, place: int) -> Scalar:
        value = self.start + place * self.step
        return int(value) if self.whole else float(value)


@dataclass(frozen=True)
class _Bounds:
    """The numbers of a range as they were written, in decimal so that 0.3 is 0.3."""

    where: str
    low: Decimal
    high: Decimal
    step: Decimal | None
    factor: Decimal | None
    log: bool


def axis_values(name: str, given: Located, folder: Path) -> Sequence[Scalar]:
    """The values of an axis of a grid: a list, or {from, to, step} or {from, to, factor}, `to` included.

    name: canonical. folder: of relative file names. Raises UserError with the place for values that are
    illegal, given twice, none at all, or more than a grid may have.
    """
    if isinstance(given.value, list):
        return _listed(name, given, folder)
    bounds = _bounds(name, given)
    if bounds.log:
        raise UserError(f"{given.where}: log is for ranges that are searched; give {name} a factor instead.")
    if bounds.step is None and bounds.factor is None:
        raise UserError(f"{given.where}: the range of {name} needs a step or a factor.")
    return _progression(name, bounds)


def search_space(name: str, given: Located, folder: Path) -> Range | Choices:
    """What a search may try: a list or {from, to, factor} as Choices; {from, to}, with step or log, as Range.

    Arguments and errors as of `axis_values`.
    """
    if isinstance(given.value, list):
        return Choices(tuple(_listed(name, given, folder)))
    bounds = _bounds(name, given)
    if bounds.factor is not None:
        return Choices(tuple(_progression(name, bounds)))
    return _searched(name, bounds)


def is_open_range(given: Located) -> bool:
    """Whether values are given as a range that can only be searched: without step and factor."""
    return isinstance(given.value, dict) and not {"step", "factor"} & given.value.keys()


def _listed(name: str, given: Located, folder: Path) -> tuple[Scalar, ...]:
    if not given.value:
        raise UserError(f"{given.where}: {name} has no values; give at least one.")
    first: dict[Scalar, str] = {}
    for entry in given.value:
        value = check_value(name, entry.value, entry.where, folder)
        if value in first:
            raise UserError(f"{entry.where}: {name} has the value {value} twice, first at {first[value]}.")
        first[value] = entry.where
    return tuple(first)


def _bounds(name: str, given: Located) -> _Bounds:
    if not isinstance(given.value, dict):
        raise UserError(f"{given.where}: {name} must be {_FORMS} (got {shown(given.value)}).")
    for key, entry in given.value.items():
        if key not in _RANGE_KEYS:
            raise UserError(f"{entry.key_where}: {unknown_name('field of a range', key, _RANGE_KEYS)}")
    if kind_of(name) not in ("whole", "number"):
        raise UserError(f"{given.where}: {name} is not a number and has no range; list its values.")
    low, high = (_number(name, given, key) for key in ("from", "to"))
    step, factor = (_number(name, given, key) if key in given.value else None for key in ("step", "factor"))
    bounds = _Bounds(given.where, low, high, step, factor, _log(given))
    _check_order(name, bounds)
    return bounds


def _number(name: str, given: Located, key: str) -> Decimal:
    entry = given.value.get(key)
    if entry is None:
        raise UserError(f"{given.where}: the range of {name} needs {key}, a number.")
    value = entry.value
    number = Decimal(str(value)) if type(value) in (int, float) else Decimal("nan")
    if not number.is_finite():
        raise UserError(f"{entry.where}: {key} of {name} must be a number (got {shown(value)}).")
    return number


def _log(given: Located) -> bool:
    entry = given.value.get("log")
    if entry is not None and not isinstance(entry.value, bool):
        raise UserError(f"{entry.where}: log must be true or false (got {shown(entry.value)}).")
    return entry is not None and entry.value


def _check_order(name: str, bounds: _Bounds) -> None:
    """UserError for ranges that are empty, endless or contradict themselves."""
    logarithmic = bounds.factor is not None or bounds.log
    problem = ""
    if bounds.high < bounds.low:
        problem = f"must not end before it begins ({bounds.low} to {bounds.high})"
    elif bounds.step is not None and bounds.factor is not None:
        problem = "has a step and a factor; keep one"
    elif bounds.step is not None and bounds.log:
        problem = "has a step and is logarithmic; keep one"
    elif bounds.step is not None and bounds.step <= 0:
        problem = f"must have a step above 0 (got {bounds.step})"
    elif bounds.factor is not None and bounds.factor <= 1:
        problem = f"must have a factor above 1 (got {bounds.factor})"
    elif logarithmic and bounds.low <= 0:
        problem = f"must begin above 0 to grow by factors (got {bounds.low})"
    if problem:
        raise UserError(f"{bounds.where}: the range of {name} {problem}.")


def _as_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _progression(name: str, bounds: _Bounds) -> Sequence[Scalar]:
    if bounds.factor is not None:
        values = list(islice(_multiples(bounds), MOST_FACTORS + 1))
        _check_count(name, bounds.where, len(values), MOST_FACTORS)
        return tuple(check_value(name, _as_number(value), bounds.where) for value in values)
    assert bounds.step is not None
    count = _steps_within(bounds.low, bounds.high, bounds.step)
    _check_count(name, bounds.where, count, MOST_VALUES)
    for place in [*range(min(count, CHECKED_VALUES)), count - 1]:
        check_value(name, _as_number(bounds.low + place * bounds.step), bounds.where)
    return Steps(bounds.low, bounds.step, count, kind_of(name) == "whole")


def _multiples(bounds: _Bounds) -> Iterator[Decimal]:
    value = bounds.low
    while value <= bounds.high:
        yield value
        value *= bounds.factor or 1


def _steps_within(low: Decimal, high: Decimal, step: Decimal) -> int:
    return int((high - low) / step) + 1


def _check_count(name: str, where: str, count: int, most: int) -> None:
    if count > most:
        raise UserError(f"{where}: the range of {name} has more than {most} values; give it larger steps.")


def _searched(name: str, bounds: _Bounds) -> Range:
    if is_enumerated(name):
        raise UserError(f"{bounds.where}: only some numbers are legal for {name}; list them.")
    if bounds.low == bounds.high:
        raise UserError(f"{bounds.where}: the range of {name} is a single value; put it under set.")
    high = bounds.high
    if bounds.step is not None:
        high = bounds.low + (_steps_within(bounds.low, high, bounds.step) - 1) * bounds.step
    whole = kind_of(name) == "whole"
    step = None if bounds.step is None else _as_number(bounds.step)
    if whole and isinstance(step, float):
        raise UserError(f"{bounds.where}: {name} is a whole number; its step must be one (got {step}).")
    for end in (bounds.low, high):
        check_value(name, _as_number(end), bounds.where)
    return Range(_as_number(bounds.low), _as_number(high), step, bounds.log, whole)
