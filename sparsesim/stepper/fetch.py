"""The fetch unit of a cluster: one item at a time through its port (docs/microarchitecture.md section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from sparsesim.stepper.bank import FETCH_PORT, Bank, Request
from sparsesim.stepper.counters import TileCounts
from sparsesim.stepper.items import Ch1Item, Item, MaskItem, Operation
from sparsesim.stepper.jobs import Job
from sparsesim.stepper.stream import Stream


class FetchUnit:
    """Serves the items of one job after the other."""

    def __init__(
        self,
        cluster: int,
        banks: Sequence[Bank],
        streams: Sequence[Stream],
        read_latency_cycles: int,
        counts: TileCounts,
    ) -> None:
        self._cluster = cluster
        self._banks = banks
        self._streams = streams
        self._read_latency_cycles = read_latency_cycles
        self._counts = counts
        self._job: Job | None = None
        self._handed: list[Item | None] = [None] * len(streams)  # the item each stream asked for
        self._ready_since: list[int | None] = [None] * len(streams)
        self._port: Item | None = None
        self._port_stream: int | None = None  # None for a prologue item

    def begin(self, job: Job, cycle: int) -> None:
        """The job is dispatched: all streams ask, in order."""
        self._job = job
        for stream in range(len(self._streams)):
            self._hand_out(job, stream)
        self._check_fetched(job, cycle)

    def _hand_out(self, job: Job, stream: int) -> None:
        queue = job.queues[stream]
        self._handed[stream] = queue.popleft() if queue else None
        self._ready_since[stream] = None

    def tick(self, cycle: int) -> None:
        """Note which items have become ready, and read a header if the port is free."""
        job = self._job
        if job is None:
            return
        self._note_ready(job, cycle)
        if self._port is None:
            self._take_next(job, cycle)

    def _in_prologue(self, job: Job) -> bool:
        return bool(job.prologue) or (self._port is not None and self._port_stream is None)

    def _note_ready(self, job: Job, cycle: int) -> None:
        if self._in_prologue(job):
            return
        for number, item in enumerate(self._handed):
            if item is None or self._ready_since[number] is not None:
                continue
            if self._streams[number].has_room_for(item):
                self._ready_since[number] = cycle

    def _take_next(self, job: Job, cycle: int) -> None:
        if job.prologue:
            self._read_header(job.prologue.popleft(), None, cycle)
            return
        ready = [(since, number) for number, since in enumerate(self._ready_since) if since is not None]
        if ready:
            number = min(ready)[1]
            item = self._handed[number]
            assert item is not None
            self._handed[number] = self._ready_since[number] = None
            self._read_header(item, number, cycle)

    def _read_header(self, item: Item, stream: int | None, cycle: int) -> None:
        self._port, self._port_stream = item, stream
        self._count(item)
        if stream is not None:
            self._streams[stream].read_header(item)
        if item.lines:
            request = Request(cycle + 1, FETCH_PORT, self._cluster, item.lines, self)
            self._banks[item.bank].request(request)

    def _count(self, item: Item) -> None:
        counts = self._counts
        counts.headers += 1
        counts.lines_read += item.lines
        if isinstance(item, Ch1Item):
            counts.ch1_words_delivered += item.words
        elif isinstance(item, Operation) and item.entries:
            counts.operations += 1
            counts.ch0_entries_delivered += item.entries * len(item.products)
            counts.ch1_words_delivered += item.kernel_words
        elif isinstance(item, Operation):
            counts.empty_operations += 1

    def clock_edge(self, cycle: int) -> None:
        """An item with nothing to transfer leaves the port one cycle after its header."""
        if self._port is not None and self._port.lines == 0:
            self._leave(self._port, cycle)

    def burst_ended(self, cycle: int) -> None:
        """The transfer is over; what it carried arrives after the read latency."""
        item = self._port
        assert item is not None
        if isinstance(item, Operation):
            item.arrives_at = cycle + self._read_latency_cycles
        elif isinstance(item, MaskItem) and self._job is not None:
            self._job.mask_arrives_at[item.group] = cycle + self._read_latency_cycles
        self._leave(item, cycle)

    def _leave(self, item: Item, cycle: int) -> None:
        job, stream = self._job, self._port_stream
        assert job is not None and self._port is item
        self._port = self._port_stream = None
        if stream is not None:
            self._hand_out(job, stream)
        self._check_fetched(job, cycle)

    def _check_fetched(self, job: Job, cycle: int) -> None:
        if not job.prologue and all(item is None for item in self._handed) and self._port is None:
            job.fetched_at = cycle
            self._job = None
