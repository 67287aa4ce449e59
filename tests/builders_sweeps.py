"""Sweeps as users run them, in processes of their own, for tests of what may happen to those processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from sparsesim.study.store import Study, read_study
from workloads.errors import UserError
from workloads.sparsity.trace import write_trace

REPOSITORY = Path(__file__).parents[1]
# What a loaded computer may need for anything that a test waits for.
PATIENCE_SECONDS = 120


@dataclass
class Running:
    """A command in a session of its own; its output goes to files. pid: of the command and its session."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        """Whether the command itself has not ended."""
        return self.process.poll() is None

    def members(self) -> list[psutil.Process]:
        """Living processes of the session: the command and whatever it has started."""
        return [process for process in psutil.process_iter() if _session(process) == self.pid]

    def ended(self) -> Ended:
        """Wait for the end; AssertionError, with the output, if it does not come."""
        try:
            status = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running: {self.text('out')} {self.text('err')}") from None
        return Ended(status, self.text("out"), self.text("err"))

    def text(self, suffix: str) -> str:
        """What was printed so far on out or err."""
        return self.output.with_suffix(f".{suffix}").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    def words(self) -> str:
        """What it said of errors, in one line; AssertionError for a traceback."""
        assert "Traceback" not in self.err, self.err
        return " ".join(self.err.split())


@contextlib.contextmanager
def started(output: Path, *command: object, **environment: object) -> Iterator[Running]:
    """`python -m COMMAND`, nothing of which is left after the block. output: files for its output."""
    path = os.pathsep.join(map(str, (REPOSITORY / "tests" / "workers", REPOSITORY)))
    extra = {
        "PYTHONPATH": path,
        "COLUMNS": "400",
        "TMPDIR": str(output.parent),
        **{name: str(value) for name, value in environment.items()},
    }
    with output.with_suffix(".out").open("wb") as out, output.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)],
            stdout=out, stderr=err, stdin=subprocess.DEVNULL,
            env={**os.environ, **extra}, start_new_session=True,
        )  # fmt: skip
    running = Running(process, output)
    try:
        yield running
    finally:
        for member in running.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def ran(output: Path, *command: object, **environment: object) -> Ended:
    """The same from its start to its end."""
    with started(output, *command, **environment) as running:
        return running.ended()


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else -1
    except (ProcessLookupError, psutil.NoSuchProcess):
        return -1


def until(question: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first answer that is true; AssertionError when it takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.005)
    raise AssertionError(f"never: {what}")


def trace(path: Path, samples: int = 1, size: tuple[int, int, int] = (4, 6, 6)) -> Path:
    """A recorded convolution of `size` (channels, height, width) to 8 channels; every other value is zero."""
    channels, *plane = size
    layer = {
        "name": "a", "kind": "conv", "in_channels": channels, "out_channels": 8, "in_size": plane,
        "out_size": plane, "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1], "dilation": [1, 1],
        "groups": 1, "input_is_relu": False,
    }  # fmt: skip
    meta = {
        "format": "sparsesim-trace", "version": 1, "network": "tiny", "dataset": "noise", "batch": samples,
        "samples": samples, "pruning": {"p": 0.9, "fifo": 4, "where": "grad_output"}, "step": 1,
        "source": "every other value", "layers": [layer],
    }  # fmt: skip
    masks = {
        "a/input": np.zeros((samples, *size), bool),
        "a/grad_output": np.zeros((samples, 8, *plane), bool),
    }
    for mask in masks.values():
        mask[..., ::2] = True
    write_trace(path, meta, masks)
    return path


# A study, read back


def content(folder: Path) -> dict[str, Any]:
    """All that may not depend on how a study was run, by key; AssertionError if it does not fit together."""
    check_index(folder)
    found: dict[str, Any] = {}
    with read_study(folder) as study:
        for row in study.rows():
            tables = [_records(study, key) for key in row.simulations]
            assert tables or row.status == "failed"
            figures = json.dumps(row.figures, sort_keys=True)
            found[row.key] = (
                row.status, row.settings, figures, row.machine, row.energy, row.error_kind,
                row.simulations, tables,
            )  # fmt: skip
        assert sum(study.counts()) == len(found)
    return found


def _records(study: Study, key: str) -> Any:
    """What a simulation counted, without the time it took."""
    table = study.records(key)
    assert table is not None
    return table.drop_columns(["seconds"]).to_pydict()


def provenance(folder: Path) -> dict[str, Any]:
    """When and by which run of the command each row was made, by key."""
    with read_study(folder) as study:
        return {
            row.key: (row.row, row.attempts, row.session, row.finished, row.seconds) for row in study.rows()
        }


def stored(folder: Path) -> int:
    """Rows of a study; 0 while it is being made."""
    try:
        with read_study(folder) as study:
            return sum(study.counts())
    except UserError:
        return 0


def stored_simulations(folder: Path) -> set[str]:
    """Keys of the simulations whose records are kept."""
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM simulations")}


def check_index(folder: Path) -> None:
    """SQLite finds nothing wrong."""
    connection = sqlite3.connect(folder / "index.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


# Simulations, as the workers note them (tests/workers/sitecustomize.py)


def noted(notes: Path, what: str) -> list[tuple[str, int]]:
    """Key and process of every simulation that started or ended ("start", "end"), in that order."""
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    split = [line.split() for line in lines]
    return [(words[1], int(words[2])) for words in split if len(words) == 3 and words[0] == what]


def stopped_inside(notes: Path) -> psutil.Process:
    """A worker stopped in the middle of a simulation: one that started and has not ended."""
    return until(lambda: _stopped(notes), "a worker is in the middle of a simulation")


def _stopped(notes: Path) -> psutil.Process | None:
    ended = noted(notes, "end")
    for key, pid in noted(notes, "start")[-2:]:
        if (key, pid) in ended or not psutil.pid_exists(pid):
            continue
        worker = psutil.Process(pid)
        worker.suspend()
        until(lambda worker=worker: worker.status() == psutil.STATUS_STOPPED, "stopped")
        if (key, pid) not in noted(notes, "end"):
            return worker
        worker.resume()
    return None


# A Dask cluster that exists


@dataclass(frozen=True)
class Cluster:
    """A scheduler and its workers, each a command of its own."""

    address: str
    scheduler: Running
    workers: list[Running]


@contextlib.contextmanager
def cluster(folder: Path, workers: int = 2, **environment: object) -> Iterator[Cluster]:
    """A scheduler and workers of one thread each over loopback; ready when all workers are known to it."""
    folder.mkdir()
    told = folder / "scheduler.json"
    loopback = ("--no-dashboard", "--host", "127.0.0.1")
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(
            started(
                folder / "scheduler", "dask", "scheduler", *loopback, "--port", 0, "--scheduler-file", told
            )
        )
        address = until(lambda: _address(told), "the scheduler tells its address")
        command = ("dask", "worker", address, *loopback, "--nthreads", 1, "--local-directory", folder)
        running = [
            stack.enter_context(started(folder / f"worker{number}", *command, **environment))
            for number in range(workers)
        ]
        until(
            lambda: all("Registered to" in worker.text("err") for worker in running), "all workers are there"
        )
        yield Cluster(address, scheduler, running)


def _address(told: Path) -> str:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
        return str(json.loads(told.read_text(encoding="utf-8"))["address"])
    return ""


def kill(process: psutil.Process | Running) -> None:
    """SIGKILL, also to a process that is stopped."""
    os.kill(process.pid, signal.SIGKILL)


def sweep(folder: Path, *options: object) -> tuple[object, ...]:
    """The command of a sweep into a folder."""
    return ("sparsesim", "sweep", "--out", folder, "--no-figure", *options)
