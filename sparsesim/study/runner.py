"""The runner: points in, rows out, through a Dask cluster and into the store.

Dask holds the queue, the workers and the retries; the runner hands it points a few at a time, so that a plan
of a million points is never in memory, and stores what comes back. One point is three kinds of things:

    settings -> request, simulations     here, about a millisecond
    simulation -> records                on a worker, seconds; shared by all points that need it
    request, records -> figures          on a worker, milliseconds
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparsesim.study.cluster import LOST, ClusterLost, worker_threads
from sparsesim.study.code import code_digest
from sparsesim.study.outcome import death, entry_of, is_death, new_row, refused_entry, stored_row
from sparsesim.study.point import Point, Row
from sparsesim.study.prepared import Prepared, prepare, settings_key
from sparsesim.study.sharing import SharedSimulations
from sparsesim.study.store import Entry, Place, StudyWriter
from sparsesim.study.tasks import OTHER_CODE, Evaluated, Failure, Rejected, evaluate, failure_of
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
    alone: bool
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
        self._simulations = SharedSimulations(client, study)
        # Points that workers died with; each will run with nothing beside it, blamed if it happens again.
        self._suspects: list[_Waiting] = []

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
                # A future that is still held here would be computed again, with the simulations it is made
                # of, if the worker that has it dies before the next batch.
                batch.clear()
                self._fill(source, landing, finished)
        except (ClosedClientError, CommClosedError) as error:
            raise ClusterLost(LOST) from error
        finally:
            self._cancel()

    def _fill(self, source: Iterator[Point], landing: Any, finished: Finished) -> None:
        """Hand over points until enough are under way; suspects first, one by one."""
        if self._suspects:
            if not self._waiting:
                suspect = self._suspects.pop()
                landing.add(self._submit(suspect.prepared, alone=True, twins=suspect.twins))
            return
        most = max(1, worker_threads(self._client)) + POINTS_AHEAD
        while len(self._waiting) < most:
            point = next(source, None)
            if point is None:
                return
            future = self._start(point, finished)
            if future is not None:
                landing.add(future)
            elif landing.has_ready():
                # Points that are known already may be many: what has landed meanwhile is stored first.
                return

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
            finished(point, stored_row(stored))
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
            self._study.put([refused_entry(point, key, failure, self._places([point]))])
            stored = self._study.find(key)
        else:
            self._study.link(dict.fromkeys(self._places([point]), stored.row))
        assert stored is not None
        finished(point, stored_row(stored))

    def _submit(self, prepared: Prepared, *, alone: bool = False, twins: Sequence[Point] = ()) -> Future[Any]:
        attempt = "-alone" if alone else ""
        parts = [self._simulations.part(simulation, attempt) for simulation in prepared.simulations]
        # Simulations are shared with other studies on the scheduler. An evaluation is not: which of its parts
        # are new depends on the store.
        name = f"evaluate-{self._client.id}-{prepared.key}{attempt}"
        future = self._client.submit(evaluate, prepared.request, parts, code_digest(), key=name, pure=True)
        self._waiting[prepared.key] = _Waiting(prepared, future, alone, list(twins))
        self._keys[future] = prepared.key
        return future

    def _land(self, batch: list[tuple[Future[Any], Any]], finished: Finished) -> None:
        """Store the outcomes of a batch in one transaction, then tell of them."""
        landed: list[tuple[_Waiting, Entry]] = []
        for future, got in batch:
            waiting = self._waiting[self._keys[future]]
            if future.status == "error" and is_death(got[1]) and not waiting.alone:
                self._suspects.append(waiting)
                self._release(waiting)
                continue
            landed.append((waiting, self._entry(waiting, self._outcome(future, got))))
        rows = self._study.put([entry for _, entry in landed])
        for (waiting, entry), row in zip(landed, rows, strict=True):
            self._release(waiting)
            for point in waiting.points:
                finished(point, new_row(row, point, entry))

    def _outcome(self, future: Future[Any], got: Any) -> Evaluated | Rejected:
        if future.status == "cancelled":
            raise ClusterLost(LOST)
        if future.status == "error":
            return Rejected(death(got[1]), ())
        if isinstance(got, Rejected) and got.failure.kind == OTHER_CODE:
            raise UserError(f"{got.failure.sentence}; install the same sparsesim on all workers.")
        outcome: Evaluated | Rejected = got
        return outcome

    def _entry(self, waiting: _Waiting, outcome: Evaluated | Rejected) -> Entry:
        new = self._simulations.claim(outcome.parts)
        return entry_of(waiting.prepared, outcome, new, self._places(waiting.points))

    def _places(self, points: Iterable[Point]) -> tuple[Place, ...]:
        return tuple(Place(self._plan, point.index) for point in points) if self._plan else ()

    def _release(self, waiting: _Waiting) -> None:
        """A point is no longer under way."""
        del self._waiting[waiting.prepared.key], self._keys[waiting.future]
        self._simulations.release(waiting.prepared.simulations)

    def _cancel(self) -> None:
        """Let go of everything that is under way; without a cluster there is nothing to cancel."""
        futures = [*self._keys, *self._simulations.futures]
        if futures and self._client.status == "running":
            # It may be lost since.
            with contextlib.suppress(OSError):
                self._client.cancel(futures)
        self._waiting.clear()
        self._keys.clear()
        self._suspects.clear()
        self._simulations.clear()
