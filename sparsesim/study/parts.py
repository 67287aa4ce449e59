"""What one source, a study file or the options, gives: settings with places, objectives, constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from sparsesim.machine.located import Located
from sparsesim.study.legal import check_value, shown
from sparsesim.study.objectives import Constraint, Goal, Objective, parse_constraint, parse_objective
from sparsesim.study.point import Scalar
from sparsesim.study.settings import canonical
from sparsesim.study.values import Choices, Range, axis_values, is_open_range, search_space
from workloads.errors import UserError

FIXED = ("network", "dataset", "machine", "energy", "trace", "batch", "samples", "prune", "seed")
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Placed(Generic[ValueT]):
    """A value and where it was given: FILE:LINE:COLUMN or an option."""

    value: ValueT
    where: str


@dataclass
class Parts:
    """Settings by canonical name: fixed, varied in a grid, listed as points, searched."""

    fixed: dict[str, Placed[Scalar]] = field(default_factory=dict)
    axes: dict[str, Placed[Sequence[Scalar]]] = field(default_factory=dict)
    search: dict[str, Placed[Range | Choices]] = field(default_factory=dict)
    points: list[Placed[Mapping[str, Scalar]]] | None = None
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    def places(self) -> Iterator[tuple[str, str]]:
        """Name and place of everything that is given for all points."""
        for group in (self.fixed, self.axes, self.search):
            yield from ((name, placed.where) for name, placed in group.items())


def read_parts(tree: Located, folder: Path) -> Parts:
    """The parts of a tree that has the shape of a study file; relative file names are relative to `folder`.

    Raises UserError with the place for names and values that cannot be used and settings given twice.
    """
    parts = Parts()
    _read_workloads(tree, folder, parts)
    _read_fixed(tree, folder, parts)
    _read_varied(tree, folder, parts)
    parts.points = _points(tree, folder, dict(parts.places()))
    parts.objectives = _objectives(tree)
    parts.constraints = tuple(
        parse_constraint(_text(entry, "a constraint"), entry.where) for entry in _entries(tree, "constraints")
    )
    return parts


def _entries(tree: Located, name: str) -> list[Located]:
    found = tree.at((name,))
    return found.value if found else []


def _settings(tree: Located, section: str) -> Iterator[tuple[str, Located]]:
    """Canonical names and values of a section that is a mapping of settings."""
    found = tree.at((section,))
    for key, entry in (found.value if found else {}).items():
        yield canonical(key, entry.key_where), entry


def _claim(parts: Parts, name: str, where: str) -> None:
    """UserError if `name` is given elsewhere too."""
    first = dict(parts.places()).get(name)
    if first is not None:
        raise UserError(f"{where}: {name} is given twice, first at {first}; keep one.")


def _read_workloads(tree: Located, folder: Path, parts: Parts) -> None:
    for plural, name in (("networks", "network"), ("datasets", "dataset")):
        found = tree.at((plural,))
        if found is None:
            continue
        values = axis_values(name, found, folder)
        if len(values) == 1:
            parts.fixed[name] = Placed(values[0], found.key_where)
        else:
            parts.axes[name] = Placed(values, found.key_where)


def _read_fixed(tree: Located, folder: Path, parts: Parts) -> None:
    own = [(name, entry) for name in FIXED if (entry := tree.at((name,)))]
    for name, entry in [*own, *_settings(tree, "set")]:
        _claim(parts, name, entry.key_where)
        parts.fixed[name] = Placed(check_value(name, entry.value, entry.where, folder), entry.key_where)


def _read_varied(tree: Located, folder: Path, parts: Parts) -> None:
    for section in ("vary", "search"):
        found = tree.at((section,))
        if found is not None and not found.value:
            raise UserError(f"{found.where}: {section} is empty; give at least one setting, or leave it out.")
        for name, entry in _settings(tree, section):
            _claim(parts, name, entry.key_where)
            if section == "search" or is_open_range(entry):
                parts.search[name] = Placed(search_space(name, entry, folder), entry.key_where)
            else:
                parts.axes[name] = Placed(axis_values(name, entry, folder), entry.key_where)


def _points(
    tree: Located, folder: Path, places: Mapping[str, str]
) -> list[Placed[Mapping[str, Scalar]]] | None:
    found = tree.at(("points",))
    if found is None:
        return None
    if not found.value:
        raise UserError(f"{found.where}: points is empty; give at least one point, or leave it out.")
    points = [Placed(_point(entry, folder, places), entry.where) for entry in found.value]
    _check_distinct(points)
    return points


def _point(entry: Located, folder: Path, places: Mapping[str, str]) -> Mapping[str, Scalar]:
    if not isinstance(entry.value, dict):
        raise UserError(
            f"{entry.where}: a point must be a mapping of settings, for example {{groups: 28}} "
            f"(got {shown(entry.value)})."
        )
    own: dict[str, str] = {}
    settings: dict[str, Scalar] = {}
    for key, below in entry.value.items():
        name = canonical(key, below.key_where)
        first = own.get(name) or places.get(name)
        if first is not None:
            raise UserError(f"{below.key_where}: {name} is given twice, first at {first}; keep one.")
        own[name] = below.key_where
        settings[name] = check_value(name, below.value, below.where, folder)
    return settings


def _check_distinct(points: Sequence[Placed[Mapping[str, Scalar]]]) -> None:
    first: dict[frozenset[tuple[str, Scalar]], str] = {}
    for point in points:
        key = frozenset(point.value.items())
        if key in first:
            raise UserError(f"{point.where}: this point is listed twice, first at {first[key]}; keep one.")
        first[key] = point.where


def _text(entry: Located, what: str) -> str:
    if not isinstance(entry.value, str):
        raise UserError(f"{entry.where}: {what} must be text (got {shown(entry.value)}).")
    return entry.value


def _objectives(tree: Located) -> tuple[Objective, ...]:
    goals: tuple[Goal, ...] = ("minimize", "maximize")
    first: dict[str, tuple[Objective, str]] = {}
    for goal in goals:
        for entry in _entries(tree, goal):
            objective = parse_objective(_text(entry, "an objective"), goal, entry.where)
            if objective.figure in first:
                place = first[objective.figure][1]
                raise UserError(
                    f"{entry.where}: {objective.figure} is an objective twice, first at {place}; keep one."
                )
            first[objective.figure] = objective, entry.where
    return tuple(objective for objective, _ in first.values())
