"""A study read back: one table, a row per point."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsesim.request import (
    DEFAULT_ACTIVATIONS,
    DEFAULT_BATCH,
    DEFAULT_DATASET,
    DEFAULT_MACHINE,
    DEFAULT_NETWORK,
    DEFAULT_PRUNE,
)
from sparsesim.study.figures import FIGURES
from sparsesim.study.point import Scalar
from sparsesim.study.store import StoredRow, Study, read_study

if TYPE_CHECKING:
    import pandas

_DEFAULTS: Mapping[str, Scalar] = {
    "network": DEFAULT_NETWORK,
    "dataset": DEFAULT_DATASET,
    "machine": DEFAULT_MACHINE,
    "batch": DEFAULT_BATCH,
    "samples": 1,
    "prune": DEFAULT_PRUNE,
    "seed": 0,
    "activations": DEFAULT_ACTIVATIONS,
}
_OF_TRACE = ("network", "dataset", "samples", "prune", "activations")
_OF_PROFILE = ("prune", "activations")
_DENSITIES = ("density_input", "density_grad_output")
_COLUMNS_OF_TABLE = ("low", "centre", "high")


def load_study(path: str | Path) -> pandas.DataFrame:
    """All rows of a study, in the order in which they landed; also while it is being written.

    path: the study's folder. Columns: row (number, from 1), status ("done" or "failed"), every setting that
    any row was given, by its canonical name (array.groups; the value in force also where a row was not given
    it), every figure by its name (sparsesim.study.figures.FIGURES, unit in the name; NaN where a row has
    none), seconds, finished (UTC) and error ("" where done). Raises UserError where there is no study.
    """
    with read_study(Path(path)) as study:
        return frame_of(study)


def frame_of(study: Study) -> pandas.DataFrame:
    """The rows of an open study, as load_study has them."""
    import pandas  # noqa: PLC0415

    rows, figures = _rows_and_figures(study)
    settings = _in_order(rows)
    described = _Described(study)
    table: dict[str, Any] = {"row": [row.row for row in rows], "status": [row.status for row in rows]}
    for name in settings:
        table[name] = [described.value(row, name) for row in rows]
    table |= {name: np.frombuffer(figures[name]) for name in FIGURES if name in figures}
    table["seconds"] = [row.seconds for row in rows]
    table["finished"] = [row.finished for row in rows]
    table["error"] = [row.error or "" for row in rows]
    return pandas.DataFrame(table)


def _rows_and_figures(study: Study) -> tuple[list[StoredRow], dict[str, array[float]]]:
    """The rows without their figures, and the figures by name, NaN where a row has none.

    Side by side they take a tenth of the room that a mapping for each row takes.
    """
    rows: list[StoredRow] = []
    figures: dict[str, array[float]] = {}
    for row in study.rows():
        for name, value in row.figures.items():
            _pad(figures.setdefault(name, array("d")), len(rows)).append(value)
        rows.append(replace(row, figures={}, traceback=""))
    return rows, {name: _pad(column, len(rows)) for name, column in figures.items()}


def _pad(column: array[float], length: int) -> array[float]:
    """The column with NaN up to a length."""
    column.extend([math.nan] * (length - len(column)))
    return column


def _in_order(rows: list[StoredRow]) -> list[str]:
    """All settings any row was given, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row.settings))


class _Described:
    """Values of settings that a row was not given, from the descriptions it was simulated with."""

    def __init__(self, study: Study) -> None:
        self._text = lru_cache(maxsize=256)(lambda digest: json.loads(study.text(digest)))

    def value(self, row: StoredRow, name: str) -> Scalar | None:
        """The value in force; None where there is none (a trace that a row was not given)."""
        if name in row.settings:
            return row.settings[name]
        if "." not in name:
            return _default(row, name)
        digest = row.energy if name.startswith("energy.") else row.machine
        return _at(self._text(digest), list(_path(name))) if digest else None


def _default(row: StoredRow, name: str) -> Scalar | None:
    """What holds where a setting was not given, as in sparsesim.request; a trace says its part itself."""
    if "trace" in row.settings and name in _OF_TRACE:
        return None
    if any(density in row.settings for density in _DENSITIES):
        return None if name in _OF_PROFILE else 1.0 if name in _DENSITIES else _DEFAULTS.get(name)
    return _DEFAULTS.get(name)


def _path(name: str) -> Iterator[str]:
    """Where a setting stands in the description of a machine, or of an energy table."""
    parts = name.split(".")
    if parts[0] != "energy":
        yield from parts
        return
    yield from ("components", *parts[1:])
    if parts[-1] not in _COLUMNS_OF_TABLE:
        yield "centre"


def _at(tree: Any, path: list[str]) -> Any:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
