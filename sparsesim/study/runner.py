"""The runner: points in, rows out, through a Dask cluster and into the store.

Dask holds the queue, the workers and the retries; the runner hands it points a few at a time, so that a plan
of a million points is never in memory, and stores what comes back. One point is three kinds of things:

    settings -> request, simulations     here, about a millisecond
    simulation -> records                on a worker, seconds; shared by all points that need it
    request, records -> figures          on a worker, milliseconds
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparsesim.study.cluster import LOST, ClusterLost, worker_threads
from sparsesim.study.code import code_digest
from sparsesim.study.point import Point, Row, Status
from sparsesim.study.prepared import Prepared, prepare, settings_key
from sparsesim.study.store import Done, Entry, Failed, Place, StoredRow, StudyWriter, to_parquet
from sparsesim.study.store import Simulation as StoredSimulation
from sparsesim.study.tasks import (
    OTHER_CODE,
    Evaluated,
    Failure,
    Part,
    Rejected,
    evaluate,
    failure_of,
    run_simulation,
)
from workloads.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, Future

Finished = Callable[[Point, Row], None]
# Points under way beyond those that run: enough that no worker waits for the next.
POINTS_AHEAD = 4


@dataclass
class _Waiting:
    """A point under way, and the points of equal content that wait for the same row."""

    prepared: Prepared
    future: Future[Any]
    twins: list[Point] = field(default_factory=list)

    @property
    def points(self) -> list[Point]:
        return [self.prepared.point, *self.twins]


class Runner:
    """Runs points and stores their rows.

    plan: digest under which the points' indices are remembered, "" for none. retry_failed: points that have
    failed before are run again, otherwise they stay as they are. Failures of a point become its row; what
    makes going on senseless is raised: StoreFull, ClusterLost, UserError (a worker with other code).
    """

    def __init__(
        self, client: Client, study: StudyWriter, *, plan: str = "", retry_failed: bool = False
    ) -> None:
        self._client = client
        self._study = study
        self._plan = plan
        self._retry_failed = retry_failed
        self._waiting: dict[str, _Waiting] = {}
        self._keys: dict[Future[Any], str] = {}
        self._simulations: dict[str, tuple[Future[Any], int]] = {}
        # Simulations that other points still wait for, although their records are stored.
        self._landed: set[str] = set()

    def run(self, points: Iterable[Point], finished: Finished) -> None:
        """Run all points; `finished` is called here, in the calling thread, for each as its row is stored."""
        from distributed import as_completed  # noqa: PLC0415
        from distributed.client import ClosedClientError  # noqa: PLC0415
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        source = iter(points)
        landing = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        try:
            self._fill(source, landing, finished)
            for batch in landing.batches():
                self._land(batch, finished)
                self._fill(source, landing, finished)
        except (ClosedClientError, CommClosedError) as error:
            raise ClusterLost(LOST) from error
        finally:
            self._cancel()

    def _fill(self, source: Iterator[Point], landing: Any, finished: Finished) -> None:
        """Hand over points until enough are under way."""
        most = max(1, worker_threads(self._client)) + POINTS_AHEAD
        while len(self._waiting) < most:
            point = next(source, None)
            if point is None:
                return
            future = self._start(point, finished)
            if future is not None:
                landing.add(future)

    def _start(self, point: Point, finished: Finished) -> Future[Any] | None:
        """The future of a point; None if nothing new has to be waited for."""
        try:
            prepared = prepare(point)
        except Exception as error:
            self._refuse(point, failure_of(error), finished)
            return None
        stored = self._study.find(prepared.key)
        if stored is not None and not (stored.status == "failed" and self._retry_failed):
            self._study.link(dict.fromkeys(self._places([point]), stored.row))
            finished(point, row_of(stored))
            return None
        if prepared.key in self._waiting:
            self._waiting[prepared.key].twins.append(point)
            return None
        return self._submit(prepared)

    def _refuse(self, point: Point, failure: Failure, finished: Finished) -> None:
        """A point that cannot even be prepared."""
        key = settings_key(point)
        stored = self._study.find(key)
        if stored is None or self._retry_failed:
            self._study.put([_failed(point, key, failure, None, (), self._places([point]))])
            stored = self._study.find(key)
        else:
            self._study.link(dict.fromkeys(self._places([point]), stored.row))
        assert stored is not None
        finished(point, row_of(stored))

    def _submit(self, prepared: Prepared) -> Future[Any]:
        parts = [self._part(simulation) for simulation in prepared.simulations]
        future = self._client.submit(
            evaluate, prepared.request, parts, key=f"evaluate-{prepared.key}", pure=True
        )
        self._waiting[prepared.key] = _Waiting(prepared, future)
        self._keys[future] = prepared.key
        return future

    def _part(self, simulation: Any) -> Part | Future[Any]:
        """The records of a simulation: being made for another point, stored, or to be made."""
        key = simulation.key
        if key not in self._simulations:
            stored = self._study.records(key)
            if stored is not None:
                return Part(key, to_parquet(stored), 0.0, is_new=False)
            future = self._client.submit(
                run_simulation, simulation, code_digest(), key=f"simulate-{key}", pure=True
            )
            self._simulations[key] = future, 0
        future, users = self._simulations[key]
        self._simulations[key] = future, users + 1
        return future

    def _land(self, batch: list[tuple[Future[Any], Any]], finished: Finished) -> None:
        """Store the outcomes of a batch in one transaction, then tell of them."""
        landed = [(self._waiting[self._keys[future]], self._outcome(future, got)) for future, got in batch]
        entries = [self._entry(waiting, outcome) for waiting, outcome in landed]
        rows = self._study.put(entries)
        for (waiting, _), entry, row in zip(landed, entries, rows, strict=True):
            self._release(waiting)
            for point in waiting.points:
                finished(point, _new_row(row, point, entry))

    def _outcome(self, future: Future[Any], got: Any) -> Evaluated | Rejected:
        if future.status == "cancelled":
            raise ClusterLost(LOST)
        if future.status == "error":
            return Rejected(_death(got[1]), ())
        if isinstance(got, Rejected) and got.failure.kind == OTHER_CODE:
            raise UserError(f"{got.failure.sentence}; install the same sparsesim on all workers.")
        outcome: Evaluated | Rejected = got
        return outcome

    def _entry(self, waiting: _Waiting, outcome: Evaluated | Rejected) -> Entry:
        prepared, places = waiting.prepared, self._places(waiting.points)
        parts = [part for part in outcome.parts if part.key not in self._landed]
        self._landed.update(part.key for part in parts)
        simulations = tuple(StoredSimulation(part.key, part.table, part.seconds) for part in parts)
        if isinstance(outcome, Rejected):
            return _failed(prepared.point, prepared.key, outcome.failure, prepared, simulations, places)
        return Done(
            key=prepared.key,
            settings=prepared.point.settings,
            figures=outcome.figures,
            runs=tuple(simulation.key for simulation in prepared.simulations),
            machine=prepared.machine,
            energy=prepared.energy,
            seconds=outcome.seconds + sum(part.seconds for part in parts),
            simulations=simulations,
            places=places,
        )

    def _places(self, points: Iterable[Point]) -> tuple[Place, ...]:
        return tuple(Place(self._plan, point.index) for point in points) if self._plan else ()

    def _release(self, waiting: _Waiting) -> None:
        """Let go of a point, and of simulations that no other point waits for."""
        del self._waiting[waiting.prepared.key], self._keys[waiting.future]
        for simulation in waiting.prepared.simulations:
            if simulation.key in self._simulations:
                future, users = self._simulations.pop(simulation.key)
                if users > 1:
                    self._simulations[simulation.key] = future, users - 1
                else:
                    self._landed.discard(simulation.key)

    def _cancel(self) -> None:
        """Let go of everything that is under way; without a cluster there is nothing to cancel."""
        futures = [*self._keys, *(future for future, _ in self._simulations.values())]
        if futures and self._client.status == "running":
            # It may be lost since.
            with contextlib.suppress(OSError):
                self._client.cancel(futures)
        self._waiting.clear()
        self._keys.clear()
        self._simulations.clear()
        self._landed.clear()


def row_of(stored: StoredRow) -> Row:
    """A row as readers of a study see it."""
    status: Status = "done" if stored.status == "done" else "failed"
    return Row(stored.row, stored.settings, status, stored.figures, stored.error or "", stored.seconds)


def _new_row(row: int, point: Point, entry: Entry) -> Row:
    if isinstance(entry, Done):
        return Row(row, point.settings, "done", entry.figures, "", entry.seconds)
    return Row(row, point.settings, "failed", {}, entry.error, entry.seconds)


def _failed(
    point: Point,
    key: str,
    failure: Failure,
    prepared: Prepared | None,
    simulations: tuple[StoredSimulation, ...],
    places: tuple[Place, ...],
) -> Failed:
    return Failed(
        key=key,
        settings=point.settings,
        kind=failure.kind,
        error=failure.sentence,
        traceback=failure.traceback,
        seconds=sum(simulation.seconds for simulation in simulations),
        machine=prepared.machine if prepared else None,
        energy=prepared.energy if prepared else None,
        simulations=simulations,
        places=places,
    )


def _death(error: BaseException) -> Failure:
    """What became of a point whose worker died, as often as it was tried."""
    found = failure_of(error)
    if found.kind != "KilledWorker":
        return found
    return Failure(
        found.kind,
        "the worker process died every time this point ran on it, most likely out of memory; give the "
        "workers more (--memory, fewer --workers) and run again with --retry-failed",
        found.sentence,
    )
