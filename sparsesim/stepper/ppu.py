"""The post-processing unit of a group and the write port of a cluster (microarchitecture section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from sparsesim.stepper.bank import WRITE_PORT, Bank, Request
from sparsesim.stepper.counters import TileCounts
from sparsesim.stepper.jobs import Job, Result


class PostProcessor:
    """Drains the sums of its group into one result register, which is held until the result is written."""

    def __init__(self, group: int, words_per_cycle: int, counts: TileCounts) -> None:
        self.group = group
        self._words_per_cycle = words_per_cycle
        self._counts = counts
        self._job: Job | None = None
        self._words_left = 0

    @property
    def holds_result(self) -> bool:
        """Whether a result is being drained, waits to be written or is being written."""
        return self._job is not None

    @property
    def result(self) -> Result:
        assert self._job is not None
        return self._job.results[self.group]

    def start_drain(self, job: Job) -> None:
        """Take the sums of a finished job."""
        self._job = job
        self._words_left = job.accumulators
        self._counts.drained_words += job.accumulators

    def drain(self) -> bool:
        """One cycle; True if it was the last of a drain."""
        if self._words_left <= 0:
            return False
        self._words_left -= self._words_per_cycle
        return self._words_left <= 0

    def written(self) -> None:
        """The result is in the buffer."""
        assert self._job is not None
        self._job.unwritten.remove(self.group)
        self._job = None


class WritePort:
    """Serves the PPUs of a cluster one at a time: who waits longest first, lowest group in a tie."""

    def __init__(self, cluster: int, banks: Sequence[Bank], counts: TileCounts) -> None:
        self._cluster = cluster
        self._banks = banks
        self._counts = counts
        self._waiting: list[tuple[int, int, PostProcessor]] = []
        self._serving: PostProcessor | None = None

    def request(self, ppu: PostProcessor, cycle: int) -> None:
        """A PPU has a result to write, from `cycle` on."""
        self._waiting.append((cycle, ppu.group, ppu))

    def tick(self, cycle: int) -> None:
        """Take the next request if the port is free; its burst stands at the bank in the same cycle."""
        if self._serving is not None or not self._waiting:
            return
        longest = min(self._waiting, key=lambda waiting: waiting[:2])
        self._waiting.remove(longest)
        self._serving = longest[2]
        self._present(self._serving.result, cycle)

    def _present(self, result: Result, cycle: int) -> None:
        self._counts.lines_sums_read += result.lines_sums_read
        self._counts.lines_written += result.lines_written
        self._counts.result_words += result.words
        lines = result.lines_sums_read + result.lines_written
        self._banks[result.bank].request(Request(cycle, WRITE_PORT, self._cluster, lines, self))

    def burst_ended(self, cycle: int) -> None:
        """The result is written; port and PPU are free in cycle `cycle`."""
        assert self._serving is not None
        self._serving.written()
        self._serving = None
