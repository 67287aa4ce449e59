"""What each of several factors does to a number, the others held fixed, also where designs are not a grid.

The model is a sum of one term per level of every factor, fitted by least squares. Where all combinations of
levels are there, the terms are the means at the levels; where they are not, the terms are what means would
be on the whole grid if the factors did not act on each other (the "least-squares means" of an unbalanced
analysis of variance; Searle, Speed, Milliken, The American Statistician 34(4), 1980).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Codes = NDArray[np.intp]

_ZERO = 1e-10  # of the largest eigenvalue: counts of points, exact, make all others much larger
_ALIKE = 6  # digits of a direction that the points do not fix


@dataclass(frozen=True)
class Terms:
    """The terms of a factor, one per level, up to a constant.

    of_level: logarithms or whatever was fitted. part: levels of the same part can be compared; the difference
    of others is not fixed by the points.
    """

    of_level: Values
    part: Codes


def fitted(numbers: Values, factors: Sequence[Codes], slopes: Sequence[Values] = ()) -> list[Terms]:
    """The terms of every factor.

    numbers: finite, one per point. factors: of every point its level, 0 .. levels - 1, each of them taken.
    slopes: numbers of every point in which the model is linear besides.
    """
    widths = [int(factor.max()) + 1 for factor in factors]
    columns = [np.eye(width)[factor] for width, factor in zip(widths, factors, strict=True)]
    table = np.column_stack([*columns, *slopes])
    eigenvalues, directions = np.linalg.eigh(table.T @ table)
    fixed = eigenvalues > _ZERO * eigenvalues[-1]
    kept, free = directions[:, fixed], directions[:, ~fixed]
    terms = kept @ ((kept.T @ (table.T @ numbers)) / eigenvalues[fixed])
    ends = np.cumsum([0, *widths])
    return [Terms(terms[first:last], _parts(free[first:last])) for first, last in itertools.pairwise(ends)]


def _parts(free: Values) -> Codes:
    """Levels that every direction the points leave free moves alike are of one part."""
    _, part = np.unique(np.round(free, _ALIKE) + 0.0, axis=0, return_inverse=True)
    return np.asarray(part, dtype=np.intp).reshape(-1)
