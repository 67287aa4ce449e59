"""A point of a study, and the row that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scalar = int | float | str | bool
Status = Literal["done", "failed"]


@dataclass(frozen=True)
class Point:
    """One simulation that a study asks for.

    settings: every setting that is not left at its default, canonical name -> value
    (sparsesim/study/settings.py). index: place in the plan, or number of the trial.
    """

    settings: Mapping[str, Scalar]
    index: int


@dataclass(frozen=True)
class Row:
    """What a study keeps of a point.

    row: number in the study, from 1. figures: by name (sparsesim/study/figures.py); empty where it failed.
    error: why it failed, one sentence; "" where it did not. seconds: processor time spent on it; what it
    shares with points before it was theirs.
    """

    row: int
    settings: Mapping[str, Scalar]
    status: Status
    figures: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
