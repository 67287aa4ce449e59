"""Processes and threads of a trace: clusters and groups are processes, what they have inside are threads."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.target import Target
from sparsesim.engine.kernels import log
from sparsesim.timeline.tracks import TILE_TRACK, TRANSFER_TRACK


@dataclass
class Threads:
    """Names of processes, and of threads with the place of their process.

    of_track: by track of a span, the place of the thread of each unit.
    """

    processes: list[str] = field(default_factory=list)
    threads: list[tuple[int, str]] = field(default_factory=list)
    of_track: dict[int, list[int]] = field(default_factory=dict)

    def process(self, name: str) -> None:
        """The threads that follow belong to a new process."""
        self.processes.append(name)

    def thread(self, name: str, track: int) -> None:
        """A thread of the last process: the next unit of a track."""
        self.of_track.setdefault(track, []).append(len(self.threads))
        self.threads.append((len(self.processes) - 1, name))

    def pid(self, process: int) -> int:
        """Number of a process in the trace."""
        return 1 + process

    def tid(self, thread: int) -> int:
        """Number of a thread; viewers take one with the number of a process for the main thread of that."""
        return 1 + len(self.processes) + thread


def threads_of(target: Target, title: str) -> Threads:
    """All tracks of a machine; title: name of the first process, which has what concerns the whole of it."""
    found = Threads()
    found.process(title)
    found.thread("tiles", TILE_TRACK)
    found.thread("DMA", TRANSFER_TRACK)
    found.thread("controller", log.CONTROLLER_TRACK)
    found.process("global buffer")
    for bank in range(target.buffer_banks):
        found.thread(f"bank {bank}", log.BANK_TRACK)
    for cluster in range(target.clusters):
        _add_cluster(found, cluster, target)
    found.of_track[log.PE_TRACK] = _by_stream(found.of_track[log.PE_TRACK], target)
    return found


def _add_cluster(found: Threads, cluster: int, target: Target) -> None:
    found.process(f"cluster {cluster}")
    found.thread("fetch port", log.FETCH_TRACK)
    found.thread("write port", log.WRITE_TRACK)
    for group in range(target.groups_per_cluster):
        found.process(f"cluster {cluster}, group {group}")
        found.thread("PPU", log.PPU_TRACK)
        for pe in range(target.pes_per_group):
            found.thread(f"PE {pe}", log.PE_TRACK)


def _by_stream(threads: list[int], target: Target) -> list[int]:
    """Threads of (cluster, group, PE) in the order of the log's units, (cluster, PE, group)."""
    groups, pes = target.groups_per_cluster, target.pes_per_group
    return [
        threads[(cluster * groups + group) * pes + pe]
        for cluster in range(target.clusters)
        for pe in range(pes)
        for group in range(groups)
    ]
