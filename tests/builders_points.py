"""Points, plans and whole studies on a small recorded trace, run in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsesim.results.model import Result
from sparsesim.study import tasks
from sparsesim.study.code import code_digest
from sparsesim.study.definition import Definition, define
from sparsesim.study.flags import Flags
from sparsesim.study.plan import Plan
from sparsesim.study.point import Point, Row, Scalar
from sparsesim.study.prepared import prepare
from sparsesim.study.runner import Runner
from sparsesim.study.session import begin
from sparsesim.study.simulations import Simulation
from sparsesim.study.sweep import missing_points, places_digest
from sparsesim.study.tasks import Evaluated, Part, Rejected, evaluate, run_simulation

if TYPE_CHECKING:
    import pytest
    from distributed import Client


Landed = list[tuple[Point, Row]]


@contextlib.contextmanager
def threads_client(threads: int = 2) -> Iterator[Client]:
    """A Dask cluster whose worker is threads of this process."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=threads,
            dashboard_address=None,
            # Without an address the scheduler listens on a port that another one may have.
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def outcome(settings: Mapping[str, Scalar]) -> Evaluated | Rejected:
    """The figures of a point as workers make them, without a cluster."""
    prepared = prepare(Point(settings, 0))
    parts = [run_simulation(simulation, code_digest()) for simulation in prepared.simulations]
    return evaluate(prepared.request, parts, code_digest())


def parts_of(settings: Mapping[str, Scalar]) -> list[Part]:
    """The simulations of a point, in the order of its runs; they must not fail."""
    found = [run_simulation(one, code_digest()) for one in prepare(Point(settings, 0)).simulations]
    return [part for part in found if isinstance(part, Part)]


def keys_of(settings: Mapping[str, Scalar]) -> dict[str, str]:
    """The key of each simulation of a point, by its run."""
    return {one.run: one.key for one in prepare(Point(settings, 0)).simulations}


def definition(trace: Path, *vary: str, **flags: Any) -> Definition:
    """A study of a trace by options."""
    return define(None, Flags(trace=str(trace), vary=vary, **flags))


def run_points(
    folder: Path, study: Definition, points: Iterable[Point], client: Client, **options: Any
) -> Landed:
    """Run points into a study; what was finished, in that order."""
    landed: Landed = []
    with begin(folder, study, ["a", "test"]) as writer:
        Runner(client, writer, **options).run(points, lambda point, row: landed.append((point, row)))
    return landed


def sweep(folder: Path, study: Definition, client: Client, retry_failed: bool = False) -> Landed:
    """Run what a study lacks of a plan, as the command does."""
    plan = Plan(study)
    landed: Landed = []
    with begin(folder, study, ["a", "test"]) as writer:
        missing = missing_points(plan, writer, retry_failed=retry_failed)
        runner = Runner(client, writer, plan=places_digest(plan), retry_failed=retry_failed)
        runner.run(missing, lambda point, row: landed.append((point, row)))
    return landed


def statuses(landed: Landed) -> dict[int, str]:
    """The status of each point by its index."""
    return {point.index: row.status for point, row in landed}


def simulated_keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of the simulations that threads of this process run from now on, as they begin."""
    keys: list[str] = []
    real = tasks.simulate

    def simulate(simulation: Simulation, threads: int) -> Any:
        keys.append(simulation.key)
        return real(simulation, threads)

    monkeypatch.setattr(tasks, "simulate", simulate)
    return keys


def comparable(result: Result) -> dict[str, Any]:
    """The summary of a result without the time it took."""
    summary = result.to_dict()
    del summary["wall_seconds"]
    summary["engine"] = {name: value for name, value in summary["engine"].items() if name != "seconds"}
    return summary
