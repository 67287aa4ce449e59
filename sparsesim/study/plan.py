"""The points of a sweep, enumerated one by one: a plan of a million points takes no more room than one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sparsesim.request import DEFAULT_BATCH, DEFAULT_DATASET
from sparsesim.study.definition import Definition
from sparsesim.study.grid import digits_of, place_of, spread
from sparsesim.study.point import Point, Scalar
from sparsesim.study.rules import Rules
from sparsesim.study.settings import energy_settings, sparse_settings
from workloads.errors import UserError

MOST_POINTS = 10**9
MOST_WORKLOADS = 200  # that are looked at one by one: the layers of each take milliseconds
_OF_WORKLOAD = ("network", "dataset", "batch", "samples", "trace")


class PlannedWorkload(NamedTuple):
    """A workload of a plan and the number of points that simulate it.

    network, dataset: None with a trace, which has its own; samples: None for one, or all of a trace.
    """

    network: str | None
    dataset: str | None
    batch: int
    samples: int | None
    trace: str | None
    points: int


class Plan:
    """The points of a definition. The index of a point depends on the definition and nothing else.

    Index: a number of mixed radix, the axes of the definition as digits, the first varies slowest; an
    explicit list of points is the last digit. skip_invalid: iterating leaves out points that break a rule
    between fields of the machine; indices stay as they are, and the length is then an upper limit.
    Raises UserError for a definition that has to be searched, or has more than MOST_POINTS points.
    """

    def __init__(self, definition: Definition, *, skip_invalid: bool = False) -> None:
        _check_enumerable(definition)
        self.definition = definition
        self.skip_invalid = skip_invalid
        self.rules = Rules()
        self._listed = definition.points or ({},)
        self._sizes = (*(len(axis.values) for axis in definition.axes), len(self._listed))
        self._names = (*(axis.name for axis in definition.axes), "")
        self._check_size()
        ranks = _ranks(set(_names(definition)))
        # The list stays innermost: beside it there are only networks and data sets.
        self._run_order = sorted(
            range(len(self._sizes)), key=lambda position: ranks.get(self._names[position], 0)
        )
        self._listed_order = _order(self._listed, ranks)

    def _check_size(self) -> None:
        if math.prod(self._sizes) > MOST_POINTS:
            raise UserError(
                f"{self.definition.source}: the grid has more than {MOST_POINTS} points; vary fewer "
                "settings, give fewer values, or let `explore` search."
            )

    def __len__(self) -> int:
        return math.prod(self._sizes)

    def __getitem__(self, index: int) -> Point:
        """The point with an index 0..len - 1; IndexError for any other."""
        if not 0 <= index < len(self):
            raise IndexError(f"there is no point {index}; the plan has {len(self)}")
        digits = digits_of(index, self._sizes)
        axes = zip(self.definition.axes, digits, strict=False)
        varied = {axis.name: axis.values[digit] for axis, digit in axes}
        return Point({**self.definition.base, **varied, **self._listed[digits[-1]]}, index)

    def indices(self) -> Iterator[int]:
        """Every index once, in the order in which simulations are shared between neighbours.

        Settings that change no simulation vary fastest, then those that change sparse runs only, of these the
        pruning rate first, which natural runs share.
        """
        sizes = [self._sizes[position] for position in self._run_order]
        digits = [0] * len(sizes)
        for place in range(len(self)):
            for position, digit in zip(self._run_order, digits_of(place, sizes), strict=True):
                digits[position] = digit
            digits[-1] = self._listed_order[digits[-1]]
            yield place_of(digits, self._sizes)

    def __iter__(self) -> Iterator[Point]:
        """Points in the order of `indices`, made when asked for; valid ones where that is wanted."""
        points = map(self.__getitem__, self.indices())
        return filter(self.is_valid, points) if self.skip_invalid else points

    def is_valid(self, point: Point) -> bool:
        """Whether a point breaks no rule between fields of the machine or columns of the energy table."""
        return not self.rules.broken(point.settings)

    def digest(self) -> str:
        """SHA-256 of the definition: equal plans have equal points under equal indices."""
        return self.definition.digest()

    def workloads(self) -> tuple[PlannedWorkload, ...]:
        """The different workloads and how many points each has, those that are left out included.

        Of more than MOST_WORKLOADS combinations as many, evenly spread, stand for all.
        """
        axes = [axis for axis in self.definition.axes if axis.name in _OF_WORKLOAD]
        sizes = (*(len(axis.values) for axis in axes), len(self._listed))
        places = sorted(islice(spread(math.prod(sizes)), MOST_WORKLOADS))
        counts: Counter[PlannedWorkload] = Counter()
        for place in places:
            *digits, listed = digits_of(place, sizes)
            varied = {axis.name: axis.values[digit] for axis, digit in zip(axes, digits, strict=True)}
            counts[_workload({**self.definition.base, **varied, **self._listed[listed]})] += len(self)
        return tuple(workload._replace(points=count // len(places)) for workload, count in counts.items())


def _check_enumerable(definition: Definition) -> None:
    for axis in definition.search:
        raise UserError(
            f"{axis.where or definition.source}: {axis.name} is to be searched, which `explore` does; for "
            "`sweep` give its values under vary, as a list or a range with a step or a factor."
        )


def _names(definition: Definition) -> Iterator[str]:
    yield from definition.base
    yield from (axis.name for axis in definition.axes)
    for point in definition.points or ():
        yield from point


def _ranks(names: set[str]) -> dict[str, int]:
    """How fast each setting varies in the order of running: 0 slowest."""
    ranks = dict.fromkeys(sparse_settings(names), 1)
    if "prune" in ranks:
        ranks["prune"] = 2
    return ranks | dict.fromkeys(energy_settings(names), 3)


def _order(points: Sequence[Mapping[str, Scalar]], ranks: Mapping[str, int]) -> list[int]:
    """Places of listed points, those that share simulations next to each other, else as they are listed."""
    keys = []
    first: dict[tuple[int, frozenset[tuple[str, Scalar]]], int] = {}
    for place, point in enumerate(points):
        parts = [
            (rank, frozenset(item for item in point.items() if ranks.get(item[0], 0) <= rank))
            for rank in range(3)
        ]
        keys.append([first.setdefault(part, place) for part in parts])
    return sorted(range(len(points)), key=keys.__getitem__)


def _workload(settings: Mapping[str, Scalar]) -> PlannedWorkload:
    """The workload of a point; points: 0."""
    found: dict[str, Any] = {name: settings.get(name) for name in _OF_WORKLOAD}
    found["batch"] = settings.get("batch", DEFAULT_BATCH)
    if "trace" not in settings:
        found["dataset"] = settings.get("dataset", DEFAULT_DATASET)
    return PlannedWorkload(**found, points=0)
