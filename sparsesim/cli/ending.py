"""Signals that end a command: by raising, so that what is half written is removed.

Python cannot raise where it collects garbage or is called back from C: it prints "Exception ignored" and goes
on. What a signal has asked for is therefore remembered, and long work asks now and then whether to end.
"""

from __future__ import annotations

import signal
from types import FrameType

TERMINATED = 128 + signal.SIGTERM  # the shells' exit status
_asked: list[BaseException] = []


def end_on_signals() -> None:
    """SIGTERM ends the process by SystemExit(143), Ctrl-C by KeyboardInterrupt, if not now then soon."""
    signal.signal(signal.SIGTERM, _ended)
    # A shell that ignores Ctrl-C for a command in the background means it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _ended)


def _ended(number: int, frame: FrameType | None) -> None:
    del frame
    _asked.append(KeyboardInterrupt() if number == signal.SIGINT else SystemExit(TERMINATED))
    raise _asked[-1]


def end_if_asked() -> None:
    """Raise for a signal that could not raise when it came."""
    if _asked:
        raise _asked[-1]
