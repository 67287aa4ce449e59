"""What a sweep puts into the store: the outcome of one point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sparsesim.study.point import Scalar


@dataclass(frozen=True)
class Simulation:
    """The records of one simulation that was not stored before.

    key: content hash. records: an Arrow table as Parquet (`to_parquet`), of one schema within a study.
    seconds: time of a worker it took.
    """

    key: str
    records: bytes
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where in a plan a point stands. plan: digest of the plan. index: from 0."""

    plan: str
    index: int


@dataclass(frozen=True)
class Done:
    """A point that was simulated.

    key: content hash of the point. figures: by name; one that is not finite reads back as NaN.
    runs: keys of its simulations in the order of its runs, each stored before or one of `simulations`.
    machine, energy: texts of the machine's description and of the energy table. seconds: time it took.
    """

    key: str
    settings: Mapping[str, Scalar]
    figures: Mapping[str, float]
    runs: tuple[str, ...]
    machine: str
    energy: str
    seconds: float
    simulations: tuple[Simulation, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Failed:
    """A point that could not be simulated.

    kind: class of the error. error: its sentence. machine, energy: texts, as far as they were known.
    simulations: those that came to an end, kept for others.
    """

    key: str
    settings: Mapping[str, Scalar]
    kind: str
    error: str
    traceback: str
    seconds: float
    machine: str | None = None
    energy: str | None = None
    simulations: tuple[Simulation, ...] = ()
    places: tuple[Place, ...] = ()


Entry = Done | Failed
