"""What every local worker process does first (a preload of Dask)."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the process that owns the study: it stores what is done and ends its workers."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
