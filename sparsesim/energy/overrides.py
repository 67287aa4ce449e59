"""Single numbers of an energy table changed by name: `energy.COMPONENT.ACTION=VALUE`."""

from __future__ import annotations

from collections.abc import Sequence

from sparsesim.energy.ranges import COLUMNS
from sparsesim.energy.table import EnergyTable, Row
from sparsesim.machine.located import parse_scalar
from workloads.errors import UserError, unknown_name

PREFIX = "energy."
MOST = 1e9  # as of every row


def with_overrides(table: EnergyTable, overrides: Sequence[str]) -> EnergyTable:
    """The table with the overrides applied, the last one of a number wins.

    overrides: "energy.COMPONENT.ACTION=VALUE" sets the centre and scales low and high by the same factor;
    "energy.COMPONENT.ACTION.COLUMN=VALUE" sets one of low, centre, high alone. Units are those of the table.
    Raises UserError for a name the table does not have, a value that is no number from 0 to 10^9, or
    columns out of order.
    """
    components = {name: dict(rows) for name, rows in table.components.items()}
    changed: dict[tuple[str, str], str] = {}
    for text in overrides:
        where = f"--set {text}"
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator:
            raise UserError(f"{where}: must be KEY=VALUE.")
        component, action, column = energy_name(name, table, where)
        row = components[component][action]
        components[component][action] = _changed(row, column, _number(value, where))
        changed[component, action] = where
    for (component, action), where in changed.items():
        _check_order(components[component][action], where)
    if not overrides:
        return table
    return table.model_copy(update={"name": f"{table.name} (changed)", "components": components})


def energy_name(name: str, table: EnergyTable, where: str) -> tuple[str, str, str | None]:
    """Component, action and column (None: all) that "energy.COMPONENT.ACTION[.COLUMN]" names in a table."""
    parts = name.removeprefix(PREFIX).split(".")
    if len(parts) not in (2, 3):
        raise UserError(
            f"{where}: {name!r} must be energy.COMPONENT.ACTION, or that and .low, .centre, .high."
        )
    component, action, column = parts[0], parts[1], parts[2] if len(parts) == 3 else None
    if component not in table.components:
        raise UserError(f"{where}: {unknown_name('component', component, table.components)}")
    if action not in table.components[component]:
        raise UserError(
            f"{where}: {unknown_name(f'action of {component}', action, table.components[component])}"
        )
    if column is not None and column not in COLUMNS:
        raise UserError(f"{where}: {unknown_name('column', column, COLUMNS)}")
    return component, action, column


def _number(text: str, where: str) -> float:
    value = parse_scalar(text, where).value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 <= value <= MOST):
        raise UserError(f"{where}: must be a number from 0 to 1e9 (got {text!r}).")
    return float(value)


def _changed(row: Row, column: str | None, value: float) -> Row:
    if column is not None:
        numbers = {**row.range._asdict(), column: value}
    elif row.centre:
        numbers = row.range.times(value / row.centre)._asdict() | {"centre": value}
    else:
        numbers = dict.fromkeys(COLUMNS, value)
    return row.model_copy(
        update={**numbers, "source": f"set by the user; was: {row.source}"[:500], "tag": "assumed"}
    )


def _check_order(row: Row, where: str) -> None:
    """Looked at when all is set, so that columns can be moved one after the other."""
    if not row.low <= row.centre <= row.high:
        shown = ", ".join(f"{value:g}" for value in row.range)
        raise UserError(f"{where}: low <= centre <= high must hold (got {shown}).")
