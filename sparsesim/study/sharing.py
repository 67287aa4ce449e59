"""Simulations under way, each submitted once however many points wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparsesim.study.code import code_digest
from sparsesim.study.simulations import Simulation
from sparsesim.study.store import Study, to_parquet
from sparsesim.study.tasks import Part, run_simulation

if TYPE_CHECKING:
    from distributed import Client, Future


@dataclass
class _Shared:
    """A simulation under way. users: points that wait for it. stored: its records are, by one of them."""

    future: Future[Any]
    users: int = 0
    stored: bool = False


class SharedSimulations:
    """Hands out the parts of points: records that are stored, or futures of simulations."""

    def __init__(self, client: Client, study: Study) -> None:
        self._client = client
        self._study = study
        self._shared: dict[str, _Shared] = {}

    @property
    def futures(self) -> list[Future[Any]]:
        return [shared.future for shared in self._shared.values()]

    def part(self, simulation: Simulation, attempt: str) -> Part | Future[Any]:
        """Of one more point. attempt: told apart from others of the same simulation."""
        key = simulation.key
        if key not in self._shared:
            stored = self._study.records(key)
            if stored is not None:
                return Part(key, to_parquet(stored), 0.0, is_new=False)
            name = f"simulate-{key}{attempt}"
            future = self._client.submit(run_simulation, simulation, code_digest(), key=name, pure=True)
            self._shared[key] = _Shared(future)
        self._shared[key].users += 1
        return self._shared[key].future

    def claim(self, parts: Iterable[Part]) -> tuple[Part, ...]:
        """Those parts that no point was given yet to be stored with it."""
        new = tuple(part for part in parts if not self._shared[part.key].stored)
        for part in new:
            self._shared[part.key].stored = True
        return new

    def release(self, simulations: Iterable[Simulation]) -> None:
        """A point waits no longer."""
        for simulation in simulations:
            shared = self._shared.get(simulation.key)
            if shared is not None:
                shared.users -= 1
                if not shared.users:
                    del self._shared[simulation.key]

    def clear(self) -> None:
        """Nothing is waited for any more."""
        self._shared.clear()
