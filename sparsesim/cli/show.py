"""`show`: a study, or one row of it and the command that makes it again."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path

from reports.study.labels import shown_setting, unit_of
from reports.terminal.table import console_for, paragraph, print_result
from sparsesim.cli.study import StudyOptions, check_csv, show_study
from sparsesim.study.reproduce import export_row, is_current, manifest_of, result_of_row
from sparsesim.study.resolve import command_of
from sparsesim.study.session import last_question
from sparsesim.study.store import StoredRow, Study, read_study
from workloads.errors import UserError


def show_command(
    folder: Path, number: int | None, *, json: bool, layers: bool, export: Path | None, csv: Path | None
) -> None:
    """Show the study in a folder, or row `number` of it."""
    if number is None and (json or layers or export is not None):
        raise UserError("--json, --layers and --export are about one row; give its number: show STUDY ROW.")
    if number is not None and csv is not None:
        raise UserError("--csv is about the whole study; leave the number of the row out.")
    if json and (layers or export is not None):
        raise UserError("--json contradicts --layers and --export: it prints the manifest and nothing else.")
    if csv is not None:
        check_csv(csv)
    with read_study(folder) as study:
        if number is None:
            _show_all(study, csv)
        else:
            _show_row(study, study.row(number), json, layers, export)


def _show_all(study: Study, csv: Path | None) -> None:
    question = last_question(study)
    if question is None:
        raise UserError(
            f"{study.folder}: the study is empty: the run that made it was ended before it began."
        )
    show_study(study, question, StudyOptions(figure=False, csv=csv))


def _show_row(study: Study, row: StoredRow, json: bool, layers: bool, export: Path | None) -> None:
    if json:
        print(json_module.dumps(manifest_of(study, row), indent=2))
        return
    console = console_for(sys.stdout)
    command = command_of(row.settings) if export is None else export_row(study, row, export)
    paragraph(console, f"Row {row.row} of {study.folder}: {row.status}, {row.finished}.")
    print()
    print(command)
    print()
    if export is None and not is_current(study, row):
        paragraph(
            console,
            "That command would give other numbers now: the simulator or a file it names has changed. "
            f"--export DIR writes the machine and the energies of this row; the simulator was {study.code}.",
        )
    if row.status == "failed":
        paragraph(console, f"{row.error_kind}: {row.error}")
        return
    if layers:
        print_result(result_of_row(study, row), console, None)
        return
    for name, value in row.settings.items():
        print(f"{name:32} {shown_setting(value)}")
    print()
    for name, value in row.figures.items():
        print(f"{name:44} {value:<16.10g} {unit_of(name)}".rstrip())
