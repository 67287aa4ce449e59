"""The points that a reproduction is made of, as the definition of a study, and what each is simulated for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sparsesim.reproduction.asked import Asked, Workload
from sparsesim.reproduction.beyond import STEPS
from sparsesim.reproduction.changes import changes
from sparsesim.reproduction.ladder import SIMULATED
from sparsesim.study.definition import Definition
from sparsesim.study.flags import Flags, flags_tree
from sparsesim.study.parts import read_parts
from sparsesim.study.point import Scalar

NAME = "reproduction"
Part = Literal["grid", "change", "rung", "step"]


@dataclass(frozen=True)
class Purpose:
    """What a point is simulated for. name: of the change, rung or step; of the grid, the pruning rate."""

    part: Part
    name: str
    workload: Workload


def purposes_and_settings(asked: Asked) -> Iterator[tuple[Purpose, dict[str, Scalar]]]:
    """Every point with its settings beside those that hold everywhere; what matters most comes first."""
    for workload in asked.workloads():
        for rate in asked.rates:
            settings = _settings(workload, rate) | {"samples": asked.samples_of(workload)}
            yield Purpose("grid", str(rate), workload), settings
    for workload in asked.examined():
        yield from _explaining(asked, workload)


def _explaining(asked: Asked, workload: Workload) -> Iterator[tuple[Purpose, dict[str, Scalar]]]:
    """One sample each: changes are compared with each other, not with the grid."""
    common = _settings(workload, asked.headline_rate)
    for change in changes(asked.quick):
        yield Purpose("change", change.key, workload), {**common, **change.settings}
    for rung in SIMULATED:
        yield Purpose("rung", rung.name, workload), common | rung.settings
    if asked.goes_beyond:
        yield from ((Purpose("step", name, workload), common | found) for name, found in steps())


def _settings(workload: Workload, rate: float) -> dict[str, Scalar]:
    return {"network": workload.network, "dataset": workload.dataset, "prune": rate}


def steps() -> Iterator[tuple[str, dict[str, Scalar]]]:
    """The machine after each step from the published arrangement to the better one, by the step's words."""
    together: dict[str, Scalar] = {}
    for words, overrides in STEPS:
        together |= settings_of(overrides)
        yield words, dict(together)


def settings_of(overrides: Sequence[str]) -> dict[str, Scalar]:
    """Settings by canonical name of KEY=VALUE texts, as --set takes them; UserError for what cannot be."""
    parts = read_parts(flags_tree(Flags(overrides=tuple(overrides))), Path())
    return {name: placed.value for name, placed in parts.fixed.items()}


def definition_of(asked: Asked) -> tuple[Definition, tuple[Purpose, ...]]:
    """The study of a reproduction, and the purpose of each of its points, by index."""
    found = list(purposes_and_settings(asked))
    base: dict[str, Scalar] = {"machine": asked.machine, **asked.base}
    points = tuple(base | settings for _, settings in found)
    return Definition(NAME, {}, points=points), tuple(purpose for purpose, _ in found)
