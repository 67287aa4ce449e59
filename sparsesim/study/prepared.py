"""A point made ready to run: checked, with its simulations, and known by the content of all it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sparsesim.energy import EnergyModel
from sparsesim.energy.table import EnergyTable, default_table
from sparsesim.request import Request
from sparsesim.results.inputs import digest
from sparsesim.simulation import request_workload
from sparsesim.study.figures import area_figures
from sparsesim.study.point import Point
from sparsesim.study.resolve import request_of
from sparsesim.study.simulations import Simulation, canonical, simulations_of


@dataclass(frozen=True)
class Prepared:
    """A point that can run. key: content of its simulations, machine and energy table.

    machine, energy: their complete descriptions as JSON.
    """

    point: Point
    request: Request
    simulations: tuple[Simulation, ...]
    machine: str
    energy: str
    key: str


def prepare(point: Point) -> Prepared:
    """UserError for settings that cannot be used together."""
    request = request_of(point.settings)
    simulations = tuple(simulations_of(request, request_workload(request)))
    machine = canonical(request.machine.model_dump(mode="json"))
    energy = _table_text(request.table)
    key = digest(canonical([[simulation.key for simulation in simulations], machine, energy]))
    return Prepared(point, request, simulations, machine, energy, key)


def settings_key(point: Point) -> str:
    """Stands for the key of a point that cannot be prepared."""
    return digest(canonical({"settings": dict(point.settings)}))


def known_figures(point: Point) -> dict[str, float]:
    """The figures of a point that need no simulation (areas); UserError as prepare."""
    request = request_of(point.settings)
    return area_figures(EnergyModel(request.machine, request.table).area_um2)


def _table_text(table: EnergyTable) -> str:
    return _default_text() if table is default_table() else _text(table)


@lru_cache(maxsize=1)
def _default_text() -> str:
    return _text(default_table())


def _text(table: EnergyTable) -> str:
    return canonical(table.model_dump(mode="json"))
