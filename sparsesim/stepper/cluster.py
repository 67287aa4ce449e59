"""A cluster: the groups that listen to the same streams, their fetch unit and their write port."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.target import Target
from sparsesim.stepper.bank import Bank
from sparsesim.stepper.cluster_jobs import ClusterJobs
from sparsesim.stepper.counters import TileCounts
from sparsesim.stepper.fetch import FetchUnit
from sparsesim.stepper.group import Group
from sparsesim.stepper.pe import PE
from sparsesim.stepper.ppu import PostProcessor, WritePort
from sparsesim.stepper.stream import Stream


class Cluster:
    """Cluster `number` of the machine; its blocks, and what they do together in each phase of a cycle."""

    def __init__(self, number: int, target: Target, banks: Sequence[Bank], counts: TileCounts) -> None:
        self.jobs = ClusterJobs()
        groups, positions = range(target.groups_per_cluster), range(target.pes_per_group)
        states = counts.pe_states[number * target.groups_per_cluster :]
        pes = [[PE(g, target.macs_per_pe, states[g, p], counts) for p in positions] for g in groups]
        streams = [Stream(target.row_slots, [pes[g][p] for g in groups]) for p in positions]
        self.fetch_unit = FetchUnit(number, banks, streams, target.read_latency_cycles, counts)
        self.write_port = WritePort(number, banks, counts)
        self._groups = [
            Group(
                number=g,
                jobs=self.jobs,
                pes=pes[g],
                streams=streams,
                ppu=PostProcessor(g, target.ppu_words_per_cycle, counts),
                pipeline_cycles=target.pipeline_cycles,
            )
            for g in groups
        ]

    def finish_jobs(self, cycle: int) -> None:
        """Groups note what is done and start their drains."""
        for group in self._groups:
            group.pass_inactive_jobs()
            group.note_done(cycle)
            group.start_drain(cycle)

    def step_pes(self, cycle: int) -> None:
        """One cycle of every PE."""
        for group in self._groups:
            group.step_pes(cycle)

    def drain(self, next_cycle: int) -> None:
        """One cycle of every PPU."""
        for group in self._groups:
            group.drain(self.write_port, next_cycle)

    def clock_edge(self, cycle: int) -> None:
        """Cycle `cycle` begins."""
        self.fetch_unit.clock_edge(cycle)
        for group in self._groups:
            group.clock_edge()
