"""A row made again: its result from the stored records, its manifest, and the command that simulates it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparsesim.energy.table import EnergyTable
from sparsesim.engine.record import StepRecords
from sparsesim.machine import Machine, export_yaml
from sparsesim.request import Request
from sparsesim.results.result import Result
from sparsesim.simulation import request_workload, result_of
from sparsesim.study.code import code_digest
from sparsesim.study.point import Point
from sparsesim.study.prepared import prepare, settings_key
from sparsesim.study.records import decode
from sparsesim.study.resolve import command_of, request_of
from sparsesim.study.simulations import simulations_of, step_records
from sparsesim.study.store import StoredRow, Study
from sparsesim.workload import Workload
from workloads.errors import UserError

SCHEMA = "sparsesim-study-row/1"


def result_of_row(study: Study, row: StoredRow) -> Result:
    """The whole result of a point, layer by layer, from its stored records; nothing is simulated.

    The PE states of a layer are known as sums over all PE groups. UserError as records_of_row.
    """
    return result_of(*records_of_row(study, row), row.seconds)


def records_of_row(study: Study, row: StoredRow) -> tuple[Request, Workload, StepRecords]:
    """What a point asked for, and the records of all its runs.

    UserError for a row that failed, and where the trace that was simulated is no longer the same.
    """
    request = stored_request(study, row)
    workload = request_workload(request)
    keys = tuple(simulation.key for simulation in simulations_of(request, workload))
    if study.code == code_digest() and keys != row.simulations:
        raise UserError(
            f"{study.folder}: {request.load.trace} has changed since row {row.row} was simulated; "
            f"without the trace as it was, its layers cannot be shown."
        )
    tables = [study.records(key) for key in row.simulations]
    missing = [key for key, table in zip(row.simulations, tables, strict=True) if table is None]
    if missing:
        raise UserError(f"{study.folder}: the records of row {row.row} are missing; simulate it again.")
    decoded = [decode(table) for table in tables if table]
    return request, workload, step_records(request, workload, decoded, row.seconds)


def stored_request(study: Study, row: StoredRow) -> Request:
    """The request of a row, with the machine and energies it was simulated with, whatever files say now."""
    if row.status != "done" or row.machine is None or row.energy is None:
        raise UserError(f"{study.folder}: row {row.row} failed; it has no result.")
    settings = {name: value for name, value in row.settings.items() if name not in ("machine", "energy")}
    of_load = {name: value for name, value in settings.items() if "." not in name}
    try:
        machine = Machine.model_validate_json(study.text(row.machine))
        table = EnergyTable.model_validate_json(study.text(row.energy))
    except ValidationError:
        raise UserError(
            f"{study.folder}: row {row.row} has a machine or an energy table that this sparsesim does not "
            f"know; show it with the one that made it, {study.code}."
        ) from None
    return Request(request_of(of_load).load, machine, table)


def is_current(study: Study, row: StoredRow) -> bool:
    """Whether the row's settings still mean what they meant: same files, same simulator."""
    if study.code != code_digest():
        return False
    point = Point(row.settings, 0)
    try:
        return prepare(point).key == row.key
    except UserError:
        return settings_key(point) == row.key


def manifest_of(study: Study, row: StoredRow) -> dict[str, Any]:
    """Everything a row was made of and with; JSON values."""
    sessions = {session.session: session for session in study.sessions()}
    session = sessions[row.session]
    return {
        "schema": SCHEMA,
        "row": row.row,
        "key": row.key,
        "status": row.status,
        "settings": dict(row.settings),
        "command": command_of(row.settings),
        "code": study.code,
        "simulations": list(row.simulations),
        "machine": _parsed(study, row.machine),
        "energy_sha256": row.energy,
        "versions": dict(session.packages),
        "platform": session.platform,
        "host": session.host,
        "argv": list(session.argv),
        "session_started": session.started,
        "finished": row.finished,
        "seconds": row.seconds,
        "attempts": row.attempts,
        "figures": dict(row.figures),
        "error": {"kind": row.error_kind, "sentence": row.error, "traceback": row.traceback}
        if row.status == "failed"
        else None,
    }


def _parsed(study: Study, digest: str | None) -> Any:
    return None if digest is None else json.loads(study.text(digest))


def export_row(study: Study, row: StoredRow, folder: Path) -> str:
    """Write the machine and the energy table of a row as YAML files; the command that simulates it with them.

    Raises OSError where the folder cannot be written.
    """
    request = stored_request(study, row)
    folder.mkdir(parents=True, exist_ok=True)
    machine, energy = folder / "machine.yaml", folder / "energy.yaml"
    machine.write_text(export_yaml(request.machine), encoding="utf-8")
    _write_table(request.table, energy)
    settings = {name: value for name, value in row.settings.items() if "." not in name}
    return command_of({**settings, "machine": str(machine), "energy": str(energy)})


def _write_table(table: EnergyTable, path: Path) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415

    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(table.model_dump(mode="json"), file)
