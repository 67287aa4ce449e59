"""A PE group: which job its Reg-2 serves, when it is done, and where its idle cycles go (section 8)."""

from __future__ import annotations

from collections.abc import Sequence

from sparsesim.stepper.cluster_jobs import ClusterJobs
from sparsesim.stepper.counters import DISPATCH, IMBALANCE, PPU
from sparsesim.stepper.jobs import Job
from sparsesim.stepper.pe import PE
from sparsesim.stepper.ppu import PostProcessor, WritePort
from sparsesim.stepper.stream import Stream


class Group:
    """Group `number` of its cluster with its PEs (one per stream) and its PPU."""

    def __init__(
        self,
        *,
        number: int,
        jobs: ClusterJobs,
        pes: Sequence[PE],
        streams: Sequence[Stream],
        ppu: PostProcessor,
        pipeline_cycles: int,
    ) -> None:
        self.number = number
        self._jobs = jobs
        self._pes = pes
        self._streams = streams
        self._ppu = ppu
        self._pipeline_cycles = pipeline_cycles
        self._current = 0  # place of the current job in the sequence of the cluster

    @property
    def current_job(self) -> Job | None:
        """The current job; None if the cluster has not asked for it, or got none."""
        taken = self._jobs.taken
        return taken[self._current] if self._current < len(taken) else None

    def pass_inactive_jobs(self) -> None:
        """A job in which the group has no channel is over for it when it is fetched."""
        job = self.current_job
        while job is not None and not job.active(self.number) and job.fetched_at is not None:
            self._current += 1
            job = self.current_job

    def note_done(self, cycle: int) -> None:
        """E(j) of the jobs in flight: fetched, and every PE has executed its operations."""
        for job in self._jobs.taken[self._current :]:
            waits = job.active(self.number) and self.number not in job.done_at
            if waits and job.fetched_at is not None and not any(pe.has_work_of(job) for pe in self._pes):
                job.done_at[self.number] = cycle
                self._end_waits(job)

    def _end_waits(self, job: Job) -> None:
        if job is self.current_job:
            for pe in self._pes:
                pe.no_further_operation()

    def start_drain(self, cycle: int) -> None:
        """Start the drain: the pipeline is empty, the mask has come, the previous results are written."""
        job = self.current_job
        if job is None or self.number not in job.done_at or self._ppu.holds_result:
            return
        if self._current > 0 and self._jobs.taken[self._current - 1].unwritten:
            return
        mask_arrives_at = job.mask_arrives_at.get(self.number, 0)
        if cycle >= max(job.done_at[self.number] + self._pipeline_cycles, mask_arrives_at):
            self._ppu.start_drain(job)

    def drain(self, write_port: WritePort, next_cycle: int) -> None:
        """One cycle of the PPU; at its end Reg-2 may be free for the next job."""
        if self._ppu.drain():
            self._current += 1
            write_port.request(self._ppu, next_cycle)

    def step_pes(self, cycle: int) -> None:
        """One cycle of every PE, each in one state."""
        for pe, stream in zip(self._pes, self._streams, strict=True):
            pe.start(cycle, self.current_job)
            if not pe.execute():
                self._account_idle(pe, stream)

    def _account_idle(self, pe: PE, stream: Stream) -> None:
        state = self._idle_state()
        if state is None:
            pe.wait(stream.slot_free(pe.next_number(stream.next_number)))
        else:
            pe.idle(state)

    def _idle_state(self) -> int | None:
        """Rules 1 to 6 of section 8; None for rules 4 and 5, which the future decides."""
        job = self.current_job
        if job is None:
            out_of_work = self._jobs.out_of_work and not self._ppu.holds_result
            return IMBALANCE if out_of_work else PPU
        if self.number in job.done_at:
            return PPU
        if job.dispatched_at is None:
            return DISPATCH
        return None if job.active(self.number) else IMBALANCE

    def clock_edge(self) -> None:
        """PEs whose last entry ended are free."""
        for pe in self._pes:
            pe.clock_edge()
