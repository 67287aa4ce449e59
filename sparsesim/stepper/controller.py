"""The controller: hands out the jobs of a tile, one dispatch at a time (microarchitecture section 7)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from compiler.program import Tile
from compiler.target import Target
from sparsesim.stepper.cluster import Cluster
from sparsesim.stepper.counters import TileCounts
from sparsesim.stepper.jobs import Job, JobDecoder


class Controller:
    """Serves the requests of the clusters first come first served, lowest cluster first in a tie."""

    def __init__(
        self,
        tile: Tile,
        target: Target,
        decoder: JobDecoder,
        clusters: Sequence[Cluster],
        counts: TileCounts,
    ) -> None:
        self._decoder = decoder
        self._clusters = clusters
        self._dispatch_cycles = 0 if target.free_controller else target.dispatch_cycles
        self._counts = counts
        self._queues = self._deal(range(tile.job_start, tile.job_end), target)
        self._requests: deque[tuple[Cluster, Job]] = deque()
        self._serving: tuple[Cluster, Job] | None = None
        self._cycles_left = 0

    @staticmethod
    def _deal(jobs: range, target: Target) -> list[deque[int]]:
        """The jobs each cluster takes from; with dynamic hand-out all take from one queue."""
        if target.job_handout_dynamic:
            return [deque(jobs)] * target.clusters
        return [deque(jobs[k :: target.clusters]) for k in range(target.clusters)]

    @property
    def none_left(self) -> bool:
        return not any(self._queues)

    def tick(self, cycle: int) -> None:
        """All that happens in this cycle; a dispatch that takes no time may lead to the next request."""
        while self._dispatch(cycle) or self._serve() or self._ask():
            pass

    def _ask(self) -> bool:
        """The lowest cluster that may asks; which job it will get is settled by the order of the requests."""
        for number, cluster in enumerate(self._clusters):
            if cluster.jobs.may_ask():
                self._request(cluster, self._queues[number])
                return True
        return False

    def _request(self, cluster: Cluster, queue: deque[int]) -> None:
        if not queue:
            cluster.jobs.out_of_work = True
            return
        job = self._decoder.decode(queue.popleft())
        cluster.jobs.taken.append(job)
        self._requests.append((cluster, job))

    def _serve(self) -> bool:
        if self._serving is not None or not self._requests:
            return False
        self._serving = self._requests.popleft()
        self._cycles_left = self._dispatch_cycles
        return True

    def _dispatch(self, cycle: int) -> bool:
        if self._serving is None or self._cycles_left > 0:
            return False
        cluster, job = self._serving
        self._serving = None
        job.dispatched_at = cycle
        self._counts.jobs += 1
        cluster.fetch_unit.begin(job, cycle)
        return True

    def clock_edge(self) -> None:
        """One cycle of the dispatch under way is over."""
        self._cycles_left -= 1
