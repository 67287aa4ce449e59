"""`machines` and `workloads`: what there is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.table import Table

from reports.numbers import short
from reports.terminal.table import console_for, paragraph
from reports.text import plain
from sparsesim.machine import export_yaml, load_machine
from sparsesim.machine import list_machines as built_in
from sparsesim.machine.fields import field_rows
from workloads.catalog import describe
from workloads.errors import UserError

WIDE = 110  # characters that a table of fields with two columns of prose needs


def machines_command(name: str | None, fields: bool, export: bool, overrides: Sequence[str]) -> None:
    """What `machines` prints; UserError for options of which one would be without effect."""
    one = name is not None or export
    if fields and (one or overrides):
        raise UserError("--fields describes every machine; leave out the name, --export and --set.")
    if overrides and not one:
        raise UserError("--set changes one machine; say which (machines NAME --set ...) or add --export.")
    if fields:
        list_fields()
    elif one:
        show_machine(name or "sparsetrain", overrides, export)
    else:
        list_machines()


def list_machines() -> None:
    """The built-in machines with their descriptions."""
    table = _table("machine", "PEs", "groups x PEs", "clusters", "buffer KB", "memory", "description")
    for name in built_in():
        machine = load_machine(name)
        array = machine.array
        table.add_row(
            name,
            str(machine.pes),
            f"{array.groups} x {array.pes_per_group}",
            str(array.clusters),
            str(machine.buffer.kilobytes),
            machine.memory.kind,
            machine.description,
        )
    console_for(sys.stdout).print(table)


def list_fields() -> None:
    """Every field of a machine description: a table, or paragraphs where that would be too narrow."""
    console = console_for(sys.stdout)
    if console.width < WIDE:
        for row in field_rows():
            unit = f" [{row.unit}]" if row.unit else ""
            paragraph(console, f"{row.name}: {row.legal}{unit}; default {row.default!r}. {row.meaning}")
        return
    table = _table("field", "default", "unit", "legal", "meaning")
    for row in field_rows():
        table.add_row(row.name, str(row.default), row.unit, row.legal, row.meaning)
    console.print(table)


def show_machine(name: str, overrides: Sequence[str], export: bool) -> None:
    """One machine: as YAML to be edited, or its fields with unit and meaning."""
    machine = load_machine(name, overrides)
    if export:
        sys.stdout.write(export_yaml(machine))
        return
    values = machine.model_dump()
    table = _table("field", "value", "unit", "meaning")
    for row in field_rows():
        section, _, field = row.name.rpartition(".")
        value = values[section][field] if section else values[field]
        table.add_row(row.name, plain(str(value)), row.unit, row.meaning)
    console_for(sys.stdout).print(table)


def list_workloads() -> None:
    """The networks for every data set; MACs are those of Forward for one sample."""
    table = _table("network", "dataset", "input", "convs", "FC", "parameters", "MACs", "MACs without padding")
    for row in describe():
        table.add_row(
            row.network,
            row.dataset,
            "x".join(map(str, row.input_shape)),
            str(row.convolutions),
            str(row.fully_connected),
            short(row.parameters),
            short(row.nominal_macs),
            short(row.dense_macs),
        )
    console_for(sys.stdout).print(table)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for heading in headings:
        wraps = heading in ("description", "meaning", "legal", "value")
        table.add_column(heading, no_wrap=not wraps, overflow="fold")
    return table
