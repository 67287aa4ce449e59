"""Where the points of a study run: Dask workers of this machine, or those of a cluster that exists."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sparsesim.study.code import code_digest
from workloads.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CONNECT_SECONDS = 15
LOST = "the connection to the scheduler is lost"
# How often a simulation whose worker died is tried again elsewhere, before the runner tries it alone.
ALLOWED_FAILURES = 1
_SETTINGS = {
    "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
    # A worker that dies is held against all that it was handed: no simulation waits beside one that runs.
    "distributed.scheduler.worker-saturation": 1.0,
    # A simulation is all or nothing: a worker near its limit has nothing that could wait on a disk.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": CONNECT_SECONDS,
    # Kept for its dashboard, which a study does not show: a worker would grow for a quarter of an hour.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.low-level-log-length": 100,
    "distributed.admin.system-monitor.log-length": 100,
    # Questions of the event loop's health; on a loaded machine only noise.
    "distributed.admin.tick.limit": "1h",
}


class ClusterLost(Exception):
    """The scheduler is gone; what was finished is stored."""


@contextlib.contextmanager
def local_cluster(workers: int | None = None, memory_bytes: int | None = None) -> Iterator[Client]:
    """Worker processes of this machine, one thread each; ended with the process, whatever ends it.

    workers: default one per core that this process may use. memory_bytes: of each worker, beyond which its
    simulation fails; default an equal share of the memory there is.
    """
    import dask  # noqa: PLC0415
    from distributed import Client  # noqa: PLC0415

    _silence()
    with (
        dask.config.set(_SETTINGS),
        tempfile.TemporaryDirectory(prefix="sparsesim-") as scratch,
        contextlib.ExitStack() as stack,
    ):
        with _interrupts_ignored():
            cluster = stack.enter_context(_local(workers or usable_cores(), memory_bytes, scratch))
        yield stack.enter_context(Client(cluster, set_as_default=False))


def _local(workers: int, memory_bytes: int | None, scratch: str) -> LocalCluster:
    """UserError where the workers do not start."""
    from distributed import LocalCluster  # noqa: PLC0415

    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory_bytes or "auto",
            dashboard_address=None,
            # Its pages are served all the same; without this on a port that another one may have.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
            local_directory=scratch,
            preload="sparsesim.study.worker_setup",
        )
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"the worker processes do not start ({_short(error)}); give fewer --workers, or make room in the "
            "temporary folder."
        ) from error


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started meanwhile inherit it, so that a Ctrl-C cannot meet them before their setup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def existing_cluster(address: str) -> Iterator[Client]:
    """The workers of a Dask scheduler that is running; UserError where none answers or one cannot be used.

    The workers need the same sparsesim, and traces under the same path.
    """
    import dask  # noqa: PLC0415
    from distributed import Client  # noqa: PLC0415

    _silence()
    with dask.config.set(_SETTINGS):
        try:
            # Asked first: a client that never had a connection complains when it is closed.
            asyncio.run(_answer(address))
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, MemoryError) as error:
            raise UserError(
                f"--scheduler {address}: no Dask scheduler answers ({_short(error)}); give the address that "
                f"`dask scheduler` printed, such as tcp://10.0.0.1:8786."
            ) from None
        try:
            _check_code(client, address)
            yield client
        finally:
            # A scheduler that is gone cannot be told goodbye.
            with contextlib.suppress(Exception):
                client.close(timeout=2)


async def _answer(address: str) -> None:
    """Return when something that speaks Dask's protocol answers."""
    from distributed import Security  # noqa: PLC0415
    from distributed.comm.core import connect  # noqa: PLC0415

    # Certificates as Dask's own configuration has them.
    comm = await connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
    await comm.close()


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_threads(client: Client) -> int:
    """How many simulations can run at once now; 0 while a cluster has no worker, ClusterLost without one."""
    try:
        return sum(client.nthreads().values())
    except OSError as error:
        raise ClusterLost(LOST) from error


def _check_code(client: Client, address: str) -> None:
    mine = code_digest()
    for worker, found in client.run(code_digest, on_error="return").items():
        if found != mine:
            there = found if isinstance(found, str) else f"no sparsesim that works ({_short(found)})"
            raise UserError(
                f"--scheduler {address}: worker {worker} has {there}, this process has {mine}; install the "
                f"same sparsesim on all workers."
            )


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _silence() -> None:
    """Dask tells of lost workers and closed connections at length; a study says what matters of it."""
    talkative = ("distributed", "tornado", "bokeh")
    # Dask gives some of its loggers a level of their own, which that of their parent does not change.
    for name in (*talkative, *logging.root.manager.loggerDict):
        if name.partition(".")[0] in talkative:
            logging.getLogger(name).setLevel(logging.CRITICAL)
