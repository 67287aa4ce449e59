"""One number for every row of a table: a column of it, or a draw from its ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Rows = Callable[[str], float]
"""From "component.action" to a number in the unit of the row; KeyError for a name without a row."""


@dataclass(frozen=True)
class TableValues:
    """rows: of the building blocks. actions: energies in pJ given directly, by action of the machine."""

    rows: Rows
    actions: Mapping[str, float]
