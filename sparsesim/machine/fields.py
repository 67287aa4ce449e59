"""The fields of a machine description as documentation, for `python -m sparsesim machines --fields`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from sparsesim.machine.description import Machine
from sparsesim.machine.sentences import field_schema, legal_values, model_at


@dataclass(frozen=True)
class FieldRow:
    """One field of the description as documentation: dotted name, default, unit, legal values, meaning."""

    name: str
    default: Any
    unit: str
    legal: str
    meaning: str


def _rows(model: type[BaseModel], prefix: str) -> list[FieldRow]:
    rows: list[FieldRow] = []
    for name, field in model.model_fields.items():
        below = model_at(model, (name,))
        if below is not None:
            rows += _rows(below, f"{prefix}{name}.")
            continue
        schema = field_schema(model, name)
        meaning = field.description or ""
        unit = schema.get("unit", "")
        rows.append(FieldRow(prefix + name, field.default, unit, legal_values(schema), meaning))
    return rows


def field_rows() -> tuple[FieldRow, ...]:
    """The documentation of every field of a machine description, in the order of the sections."""
    return tuple(_rows(Machine, ""))
