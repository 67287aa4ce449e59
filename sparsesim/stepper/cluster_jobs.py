"""The jobs a cluster has taken, in order, and when it may ask for another (microarchitecture section 7)."""

from __future__ import annotations

from sparsesim.stepper.jobs import Job


class ClusterJobs:
    """taken: jobs in the order asked for. out_of_work: it asked and none was left."""

    def __init__(self) -> None:
        self.taken: list[Job] = []
        self.out_of_work = False

    def may_ask(self) -> bool:
        """A(j+1): job j is fetched, and every active PPU has written job j-1."""
        fetched = not self.taken or self.taken[-1].fetched_at is not None
        written = len(self.taken) < 2 or not self.taken[-2].unwritten
        return fetched and written and not self.out_of_work

    def all_written(self) -> bool:
        """Whether every result of the jobs taken is in the buffer."""
        return not any(job.unwritten for job in self.taken)
