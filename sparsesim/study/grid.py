"""Places in a grid: a number of mixed radix instead of a list of all combinations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence


def digits_of(place: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The digits of a place 0..prod(sizes) - 1, one per size, the last varies fastest."""
    digits = [0] * len(sizes)
    for position in range(len(sizes) - 1, -1, -1):
        place, digits[position] = divmod(place, sizes[position])
    return tuple(digits)


def place_of(digits: Sequence[int], sizes: Sequence[int]) -> int:
    """The place that has these digits: the inverse of `digits_of`."""
    place = 0
    for digit, size in zip(digits, sizes, strict=True):
        place = place * size + digit
    return place


def spread(size: int) -> Iterator[int]:
    """Every number 0..size - 1 once, in an order of which any beginning is evenly spread.

    Multiples of a stride without a common divisor, near the golden section of `size` (additive recurrence).
    """
    stride = max(1, round(size * (math.sqrt(5) - 1) / 2))
    while math.gcd(stride, size) != 1:
        stride += 1
    return (place * stride % size for place in range(size))
