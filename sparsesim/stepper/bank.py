"""The banks of the global buffer: one burst at a time each (docs/microarchitecture.md section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

FETCH_PORT, WRITE_PORT = 0, 1  # in the same cycle fetch units come before write ports


class Requester(Protocol):
    """A port that has asked a bank for a burst."""

    def burst_ended(self, cycle: int) -> None:
        """The last line went over in the cycle before `cycle`."""


@dataclass(frozen=True)
class Request:
    """A burst of `lines` lines, first at the bank in cycle `appears_at`. port: FETCH_PORT or WRITE_PORT."""

    appears_at: int
    port: int
    cluster: int
    lines: int
    requester: Requester

    @property
    def order(self) -> tuple[int, int, int]:
        return self.appears_at, self.port, self.cluster


@dataclass
class _Burst:
    """A request that is being served."""

    request: Request
    lines_left: int


class Bank:
    """Serves its requests first come first served, one line a cycle; an idealised one all at once."""

    def __init__(self, *, one_at_a_time: bool = True) -> None:
        self._one_at_a_time = one_at_a_time
        self._waiting: list[Request] = []
        self._bursts: list[_Burst] = []

    def request(self, request: Request) -> None:
        """A burst is asked for; it may stand at the bank only in a later cycle."""
        self._waiting.append(request)

    def grant(self, cycle: int) -> None:
        """Begin the next burst if the bank is free."""
        standing = [request for request in self._waiting if request.appears_at <= cycle]
        for request in sorted(standing, key=lambda request: request.order):
            if self._bursts and self._one_at_a_time:
                return
            self._waiting.remove(request)
            self._bursts.append(_Burst(request, request.lines))

    def transfer(self) -> None:
        """One cycle's line of every burst."""
        for burst in self._bursts:
            burst.lines_left -= 1

    def clock_edge(self, cycle: int) -> None:
        """Release the bank if the cycle before `cycle` carried the last line."""
        ended = [burst for burst in self._bursts if burst.lines_left == 0]
        self._bursts = [burst for burst in self._bursts if burst.lines_left]
        for burst in ended:
            burst.request.requester.burst_ended(cycle)
