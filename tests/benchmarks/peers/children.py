"""A child process and what it cost: wall and CPU seconds, peak memory of it and of what it waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class NotRunError(Exception):
    """A peer that could not be installed or did not finish; the message is the reason."""


@dataclass(frozen=True)
class Cost:
    """Wall and CPU (user + system) seconds, and the largest resident memory in MiB."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
        )

    def times(self, count: int) -> Cost:
        """The same `count` times, one after the other."""
        return Cost(self.wall_seconds * count, self.cpu_seconds * count, self.peak_mib)


def run_child(
    command: Sequence[str | Path],
    folder: Path,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
) -> Cost:
    """Run `command` in `folder`, its output in the files stdout and stderr there.

    NotRunError if it takes longer than `timeout_seconds` of wall time or does not end with status 0.
    """
    started = time.perf_counter()
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdout=output,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    expired = threading.Event()
    timer = threading.Timer(timeout_seconds, _end, (child.pid, expired))
    timer.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    wall_seconds = time.perf_counter() - started
    if expired.is_set():
        raise NotRunError(f"did not finish within {timeout_seconds:.0f} s")
    if child.returncode:
        raise NotRunError(f"ended with status {child.returncode}: {_last_line(folder / 'stderr')}")
    # ru_maxrss is in KiB on Linux.
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _end(process: int, expired: threading.Event) -> None:
    expired.set()
    os.killpg(process, signal.SIGKILL)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
