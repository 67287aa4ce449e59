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


class Bank:
    """Serves its requests first come first served, one line a cycle."""

    def __init__(self) -> None:
        self._waiting: list[Request] = []
        self._burst: Request | None = None
        self._lines_left = 0

    def request(self, request: Request) -> None:
        """A burst is asked for; it may stand at the bank only in a later cycle."""
        self._waiting.append(request)

    def grant(self, cycle: int) -> None:
        """Begin the next burst if the bank is free."""
        standing = [request for request in self._waiting if request.appears_at <= cycle]
        if self._burst is None and standing:
            self._burst = min(standing, key=lambda request: request.order)
            self._waiting.remove(self._burst)
            self._lines_left = self._burst.lines

    def transfer(self) -> None:
        """One cycle's line."""
        if self._burst is not None:
            self._lines_left -= 1

    def clock_edge(self, cycle: int) -> None:
        """Release the bank if the cycle before `cycle` carried the last line."""
        if self._burst is not None and self._lines_left == 0:
            ended, self._burst = self._burst, None
            ended.requester.burst_ended(cycle)
