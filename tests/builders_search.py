"""Searches without a simulator: analytic designs, runners that fail or stop on purpose, storage in memory."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, InMemoryStorage

from sparsesim.study.definition import Axis, Definition, SearchAxis
from sparsesim.study.exploration import Exploration, Trial
from sparsesim.study.explore import explore
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.point import Point, Row, Scalar
from sparsesim.study.values import Choices, Range

Settings = Mapping[str, Scalar]
Figures = dict[str, float]

CYCLES, ENERGY, AREA = "with_dram_cycles", "with_dram_energy_pj", "area_mm2"
BOTH = (Objective(CYCLES, "minimize"), Objective(ENERGY, "minimize"))

# Every kind of axis. The names of settings do not matter to a search.
SPACE: Mapping[str, Choices | Range] = {
    "kind": Choices(("plain", "wide", "deep")),
    "groups": Choices((7, 14, 28, 56, 112)),
    "slots": Range(1, 8, whole=True),
    "kilobytes": Range(32, 2048, 32, whole=True),
    "prune": Range(0, 0.9, 0.1),
    "clock": Range(100, 1000, log=True),
}


def definition(
    space: Mapping[str, Choices | Range] = SPACE,
    objectives: tuple[Objective, ...] = BOTH,
    constraints: tuple[Constraint, ...] = (),
    axes: tuple[Axis, ...] = (),
    base: Settings | None = None,
) -> Definition:
    """A study that searches `space`."""
    return Definition(
        name="search",
        base={"seed": 3} if base is None else base,
        axes=axes,
        search=tuple(SearchAxis(name, axis) for name, axis in space.items()),
        objectives=objectives,
        constraints=constraints,
        source="search.yaml",
    )


def at_most(area: float) -> Constraint:
    """The constraint area <= `area`."""
    return Constraint(AREA, "<=", area)


def machine(settings: Mapping[str, Any]) -> Figures:
    """Figures of a design of SPACE: many groups are fast and large, large buffers save energy."""
    speed = {"plain": 1.0, "wide": 1.3, "deep": 1.1}[settings["kind"]]
    lanes = settings["groups"] * settings["slots"] ** 0.5 * speed
    area = 0.004 * lanes + settings["kilobytes"] / 700 + 0.2
    cycles = max(1e9 / lanes, 1e7 * (1 + 500 / settings["kilobytes"])) * (1 - 0.5 * settings["prune"])
    energy = 2e9 / settings["kilobytes"] ** 0.5 + area * 1e8 * settings["clock"] / 300 + cycles
    return {CYCLES: cycles * 800 / settings["clock"], ENERGY: energy, AREA: area}


def zdt1(settings: Mapping[str, Any]) -> Figures:
    """Problem 1 of Zitzler, Deb, Thiele (Evolutionary Computation 8(2), 2000), both figures shifted by 1; on
    the front every setting but the first is 0.
    """
    first, *rest = (value for name, value in settings.items() if name.startswith("x"))
    spread = 1 + 9 * sum(rest) / len(rest)
    return {CYCLES: 1 + first, ENERGY: 1 + spread * (1 - math.sqrt(first / spread)), AREA: 1.0}


ZDT1_SPACE = {f"x{place}": Range(0, 1, 0.05) for place in range(5)}
ZDT1_REFERENCE = (2.0, 6.0)
ZDT1_AREA = 4 + 2 / 3  # between the reference and the front ENERGY = 2 - sqrt(CYCLES - 1)


def area_below(values: Iterable[tuple[float, ...]], reference: tuple[float, float]) -> float:
    """The area that points (minimised) dominate up to a reference point: their hypervolume."""
    area, lowest = 0.0, reference[1]
    for first, second in sorted(values):
        if first < reference[0] and second < lowest:
            area += (reference[0] - first) * (lowest - second)
            lowest = second
    return area


class AnalyticRunner:
    """Runs points by a formula, in the order that `order` puts them in. A row is kept per design, as the
    store does. fails: settings -> error or "". stops: after so many rows an interruption is raised.
    """

    def __init__(
        self,
        formula: Callable[[Settings], Figures] = machine,
        *,
        order: Callable[[list[Point]], Iterable[Point]] = list,
        fails: Callable[[Settings], str] = lambda settings: "",
        stops: float = math.inf,
    ) -> None:
        self.formula, self.order, self.fails, self.stops = formula, order, fails, stops
        self.rows: dict[tuple[tuple[str, Scalar], ...], int] = {}
        self.calls: list[Point] = []

    def run(self, points: Iterable[Point], finished: Callable[[Point, Row], None]) -> None:
        """As sparsesim.study.search.conduct.Runner."""
        for point in self.order([*points]):
            if len(self.calls) >= self.stops:
                raise KeyboardInterrupt
            self.calls.append(point)
            finished(point, self.row(point.settings))

    def row(self, settings: Settings) -> Row:
        """The row of a design."""
        number = self.rows.setdefault(tuple(sorted(settings.items())), len(self.rows) + 1)
        error = self.fails(settings)
        if error:
            return Row(number, settings, "failed", {}, error)
        return Row(number, settings, "done", self.formula(settings))


def area_of(point: Point) -> Figures:
    """What is known of a design without simulating it."""
    return {AREA: machine(point.settings)[AREA]}


LIMIT = at_most(1.2)  # a third of the designs of SPACE are smaller


def search(folder: Path, runner: AnalyticRunner | None = None, **options: Any) -> Exploration:
    """A small search with a constraint that refuses some designs; options of explore, and `study`."""
    options = {"trials": 30, "batch": 8, "precheck": area_of, **options}
    study = options.pop("study", definition(constraints=(LIMIT,)))
    return explore(study, folder, runner or AnalyticRunner(), **options)


def asked(found: Exploration) -> list[tuple[Any, ...]]:
    """What the samplers decided and were told, whatever rows it got."""
    return [(trial.number, trial.settings, trial.status, trial.values) for trial in found.trials]


def of_status(found: Exploration, status: str) -> list[Trial]:
    """The trials of a status."""
    return [trial for trial in found.trials if trial.status == status]


def memory_storage() -> Callable[[Path], contextlib.AbstractContextManager[BaseStorage]]:
    """Stands in for trial_storage: trials in memory, kept per folder."""
    storages: dict[Path, BaseStorage] = {}

    @contextlib.contextmanager
    def storage(folder: Path) -> Iterator[BaseStorage]:
        yield storages.setdefault(folder, InMemoryStorage())

    return storage
