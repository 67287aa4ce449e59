"""Points with made-up outcomes for tests of the store, and a program that writes them until it is stopped.

    python -m tests.builders_store FOLDER FIRST ROWS_PER_PUT SHARD_SIMULATIONS [DEATH]

prints the last index of each `put` that returned. DEATH kills it at a step of a compaction, one of DEATHS,
or before its DEATH-th statement in the index.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from sparsesim.study.store import Done, Failed, Place, Simulation, StudyWriter, compaction, to_parquet
from sparsesim.study.store import write_study as open_writer
from sparsesim.study.store.database import Database

CODE = "0.1.0 (made-up)"
PLAN = "plan"
DEATHS = ("unnamed", "named", "entered")


def key(index: int) -> str:
    """The content hash of a point."""
    return hashlib.sha256(f"point {index}".encode()).hexdigest()


def table(index: int, records: int = 20) -> pyarrow.Table:
    """The records of the simulation of a point: no two are alike, and noise that does not compress."""
    rng = np.random.default_rng(index)
    return pyarrow.table(
        {
            "layer": [f"layer{i}" for i in range(records)],
            "cycles": rng.integers(0, 2**60, records),
            **{f"energy_{i}_pj": rng.random(records) for i in range(6)},
        }
    )


def simulation(index: int, records: int = 20) -> Simulation:
    """A simulation of its own for a point."""
    return Simulation(f"simulation {index}", to_parquet(table(index, records)), 0.25)


def done(index: int, **changed: Any) -> Done:
    """A point that went well, at this place of the plan PLAN."""
    fields: dict[str, Any] = {
        "key": key(index),
        "settings": {"array.groups": index, "prune": 0.3, "network": "resnet18", "policy.x": True},
        "figures": {"with_dram_cycles": 1000 + index, "area_mm2": 1 / (index + 1)},
        "runs": (f"simulation {index}",),
        "machine": f"groups: {index % 3}",
        "energy": "pe: 1 pJ",
        "seconds": 0.5,
        "simulations": (simulation(index),),
        "places": (Place(PLAN, index),),
    }
    return Done(**(fields | changed))


def failed(index: int, **changed: Any) -> Failed:
    """A point that went wrong, at this place of the plan PLAN."""
    fields: dict[str, Any] = {
        "key": key(index),
        "settings": {"array.groups": index},
        "kind": "MemoryError",
        "error": "the worker ran out of memory",
        "traceback": "Traceback ...",
        "seconds": 2.0,
        "places": (Place(PLAN, index),),
    }
    return Failed(**(fields | changed))


def begun(folder: Path) -> StudyWriter:
    """A study to write, its session begun."""
    study = open_writer(folder, code=CODE)
    study.begin_session(argv=["sweep", "x.yaml"], version="0.1.0", packages={"numpy": "2"}, definition="d: 1")
    return study


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm_statement(number: int) -> None:
    """Let the process kill itself before this statement, counted from 1."""
    run, statements = Database.run, itertools.count(1)

    def run_or_die(self: Database, sql: str, parameters: Sequence[Any] = ()) -> int:
        if next(statements) == number:
            _die()
        return run(self, sql, parameters)

    Database.run = run_or_die


def _arm(death: str) -> None:
    """Let the process kill itself in a compaction: shard not named, named, entered."""
    publish, move = compaction.publish, compaction._move
    shards = itertools.count(1)

    def publish_or_die(partial: Path) -> None:
        second = next(shards) == 2
        if second and death == "unnamed":
            _die()
        publish(partial)
        if second and death == "named":
            _die()

    def move_or_die(*arguments: Any) -> None:
        move(*arguments)
        if death == "entered":
            _die()

    compaction.publish = publish_or_die
    compaction._move = move_or_die


def main(folder: str, first: str, rows_per_put: str, shard_simulations: str, death: str = "") -> None:
    """Put points one after the other, for ever."""
    compaction.SHARD_SIMULATIONS = int(shard_simulations)
    if death.isdigit():
        _arm_statement(int(death))
    elif death:
        _arm(death)
    with begun(Path(folder)) as study:
        simulation(0)  # what takes long to import is there
        print("ready", flush=True)
        for start in itertools.count(int(first), int(rows_per_put)):
            indices = range(start, start + int(rows_per_put))
            study.put([done(index) for index in indices])
            print(indices[-1], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
