"""Names, units and values of a study's figures and settings, as its tables and figures show them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.numbers import ENERGY_UNITS, energy, percent, short, times
from reports.text import shown_name
from sparsesim.study.figures import FIGURES
from sparsesim.study.objectives import Constraint

_ACCOUNTINGS = {"on_chip_": "on chip", "with_dram_": "with DRAM"}
# Suffixes of names that repeat the unit.
_SUFFIXES = ("_pj_ms", "_pj", "_ms", "_mm2", "_bytes")
_COUNTS = (("", 1.0), ("thousands", 1e3), ("millions", 1e6), ("billions", 1e9), ("trillions", 1e12))
_ENERGIES = (*reversed(ENERGY_UNITS), ("J", 1e12))
_STEPS: dict[str, Sequence[tuple[str, float]]] = {
    "pJ": _ENERGIES,
    "pJ ms": [(f"{unit} ms", size) for unit, size in _ENERGIES],
    "ms": (("us", 1e-3), ("ms", 1.0), ("s", 1e3)),
    "bytes": (("bytes", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)),
    "mm2": (("mm\N{SUPERSCRIPT TWO}", 1.0),),
    "": (("", 1.0),),
}


@dataclass(frozen=True)
class Unit:
    """What an axis is labelled with. label: words and unit; size: what 1 on the axis is of the figure."""

    label: str
    size: float


def unit_of(figure: str) -> str:
    """The unit a figure is kept in, "" for ratios."""
    known = FIGURES.get(figure)
    return known.unit if known else ""


def words(figure: str) -> tuple[str, str]:
    """What a figure is and its accounting: `pruned.on_chip_energy_pj` -> ("pruned energy", "on chip")."""
    run, _, name = figure.rpartition(".")
    accounting = ""
    for prefix, text in _ACCOUNTINGS.items():
        if name.startswith(prefix):
            name, accounting = name.removeprefix(prefix), text
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    said = name.replace("_", " ").replace("pe ", "PE ").replace("macs", "MACs")
    return f"{run} {said}".strip(), accounting


def axis_unit(figure: str, values: NDArray[np.float64]) -> Unit:
    """Label and unit of an axis that shows these values of a figure; the unit fits their median."""
    unit, size = _fitting(unit_of(figure), values)
    said = " ".join(part for part in words(figure) if part)
    return Unit(f"{said} ({unit})" if unit else said, size)


def _fitting(unit: str, values: NDArray[np.float64]) -> tuple[str, float]:
    finite = np.abs(values[np.isfinite(values)])
    middle = float(np.median(finite)) if finite.size else 0.0
    steps = _STEPS.get(unit, _COUNTS)
    return next((step for step in reversed(steps) if middle >= step[1]), steps[0])


_SIGNS = {"<=": "\N{LESS-THAN OR EQUAL TO}", ">=": "\N{GREATER-THAN OR EQUAL TO}"}
_OPPOSITES = {"<=": ">", ">=": "<"}


def limit_text(limit: Constraint) -> str:
    """A constraint with its unit: area <= 2 mm2."""
    return _compared(limit, _SIGNS[limit.relation])


def excluded_text(constraints: Sequence[Constraint]) -> str:
    """What the points have in common that are not allowed."""
    if len(constraints) == 1:
        return _compared(constraints[0], _OPPOSITES[constraints[0].relation])
    return "breaks a constraint"


def _compared(limit: Constraint, sign: str) -> str:
    unit, size = _fitting(unit_of(limit.figure), np.array([limit.bound]))
    said = " ".join(part for part in words(limit.figure) if part)
    return f"{said} {sign} {limit.bound / size:g} {unit}".rstrip()


def heading(figure: str) -> str:
    """The heading of a column, in two lines; with the unit where the cells do not carry it."""
    said, accounting = words(figure)
    unit = unit_of(figure)
    if unit in ("mm2", "ms"):
        return f"{said}, {unit}\n{accounting}" if accounting else f"{said}\n{unit}"
    return f"{said}\n{accounting}" if accounting else f"\n{said}"


def shown_figure(figure: str, value: float) -> str:
    """A figure's value in a table, a dash for nan."""
    if not math.isfinite(value):
        return "-"
    unit = unit_of(figure)
    if unit == "pJ":
        return energy(value)
    if unit in ("mm2", "ms"):
        return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".removesuffix(".")
    if unit:
        return short(value) if unit not in _STEPS else _scaled(unit, value)
    return percent(value) if figure.endswith("utilization") else times(value)


def _scaled(unit: str, value: float) -> str:
    name, size = _fitting(unit, np.array([value]))
    return f"{value / size:.3g} {name}"


def short_names(settings: Iterable[str]) -> dict[str, str]:
    """Every setting's field name alone where that says which it is; rows of the energy table in full."""
    names = list(dict.fromkeys(settings))
    fields = [name.rpartition(".")[2] for name in names]
    return {
        name: shown_name(name if name.startswith("energy.") or fields.count(field) > 1 else field)
        for name, field in zip(names, fields, strict=True)
    }


def is_number(value: Any) -> bool:
    """Whether a setting's value is a finite number; true and false are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_) and math.isfinite(value)


def shown_setting(value: Any) -> str:
    """A setting's value: 14, 0.3, true, lpddr4; a dash where the point does not set it."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if is_number(value):
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return shown_name(value) if isinstance(value, str) else "-"
