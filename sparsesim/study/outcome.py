"""What came of a point: the entry for the store, and the row for whoever waits for it."""

from __future__ import annotations

from typing import Any

from sparsesim.study.point import Point, Row, Status
from sparsesim.study.prepared import Prepared
from sparsesim.study.store import Done, Entry, Failed, Place, Simulation, StoredRow
from sparsesim.study.tasks import Evaluated, Failure, Part, Rejected, failure_of

Places = tuple[Place, ...]


def entry_of(
    prepared: Prepared, outcome: Evaluated | Rejected, new: tuple[Part, ...], places: Places
) -> Entry:
    """The entry of a point that ran. new: those of its parts that are not stored yet."""
    simulations = tuple(Simulation(part.key, part.table, part.seconds) for part in new)
    if isinstance(outcome, Rejected):
        return Failed(
            **_of_failure(prepared.point, prepared.key, outcome.failure),
            seconds=sum(part.seconds for part in new),
            machine=prepared.machine,
            energy=prepared.energy,
            simulations=simulations,
            places=places,
        )
    return Done(
        key=prepared.key,
        settings=prepared.point.settings,
        figures=outcome.figures,
        runs=tuple(simulation.key for simulation in prepared.simulations),
        machine=prepared.machine,
        energy=prepared.energy,
        seconds=outcome.seconds + sum(part.seconds for part in new),
        simulations=simulations,
        places=places,
    )


def refused_entry(point: Point, key: str, failure: Failure, places: Places) -> Failed:
    """The entry of a point that could not even be prepared."""
    return Failed(**_of_failure(point, key, failure), seconds=0.0, places=places)


def _of_failure(point: Point, key: str, failure: Failure) -> dict[str, Any]:
    return {
        "key": key,
        "settings": point.settings,
        "kind": failure.kind,
        "error": failure.sentence,
        "traceback": failure.traceback,
    }


def death(error: BaseException) -> Failure:
    """What became of a point whose task ended in an error of the cluster, not of its own."""
    found = failure_of(error)
    if not is_death(error):
        return found
    return Failure(
        found.kind,
        "the worker process died every time this point ran on it, in the end with nothing beside it; most "
        "likely out of memory: give the workers more (--memory, fewer --workers) and run again with "
        "--retry-failed",
        found.sentence,
    )


def is_death(error: object) -> bool:
    """Whether an error says that workers died with a task, by Dask's own count."""
    return type(error).__name__ == "KilledWorker"


def stored_row(stored: StoredRow) -> Row:
    """A stored row as those see it who wait for a point."""
    status: Status = "done" if stored.status == "done" else "failed"
    return Row(stored.row, stored.settings, status, stored.figures, stored.error or "", stored.seconds)


def new_row(row: int, point: Point, entry: Entry) -> Row:
    """The row that an entry has become."""
    if isinstance(entry, Done):
        return Row(row, point.settings, "done", entry.figures, "", entry.seconds)
    return Row(row, point.settings, "failed", {}, entry.error, entry.seconds)
