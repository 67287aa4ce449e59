"""The table of energies and areas of building blocks: data files, the default one and the user's own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sparsesim.energy.actions import ACTIONS
from sparsesim.energy.ranges import ColumnName, Range
from sparsesim.energy.values import Rows, TableValues
from sparsesim.machine.located import Located, parse_yaml, read_yaml
from sparsesim.machine.rules import BrokenRule
from sparsesim.machine.sections import Section
from sparsesim.machine.sentences import validated
from workloads.errors import UserError, unknown_name

WHAT = "table of energies"
DEFAULT_FILE = "sparsetrain-14nm.yaml"


class Row(Section):
    """One number of the table with its range, unit and origin."""

    centre: float = Field(ge=0, le=1e9, description="Most likely value.")
    low: float = Field(ge=0, le=1e9, description="Smallest credible value, at most centre.")
    high: float = Field(ge=0, le=1e9, description="Largest credible value, at least centre.")
    unit: str = Field(min_length=1, max_length=30, description="Unit; that of the default table.")
    source: str = Field(min_length=1, max_length=500, description="Where the number comes from.")
    tag: Literal["published", "second_hand", "derived", "run", "assumed"] = Field(
        "assumed", description="How the number is known."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.centre <= self.high:
            sentence = f"low <= centre <= high must hold (got {self.low:g}, {self.centre:g}, {self.high:g})."
            rules = [BrokenRule(("centre",), sentence)]
            raise PydanticCustomError("broken_rules", "{sentences}", {"sentences": sentence, "rules": rules})
        return self

    @property
    def range(self) -> Range:
        """The three columns."""
        return Range(self.low, self.centre, self.high)


class EnergyTable(Section):
    """Rows by component and action, and energies given directly for actions of the machine.

    components: building blocks; `sparsesim.energy.per_action` computes the energies of a machine from them.
    actions: energies in pJ of actions of `sparsesim.energy.actions`, which replace the computed ones.
    notes: what a reader of results has to know about the table.
    """

    name: str = Field(min_length=1, max_length=100, description="Name shown in results.")
    description: str = Field("", max_length=2000, description="What the table describes.")
    components: dict[str, dict[str, Row]] = Field(default_factory=dict, description="Building blocks.")
    actions: dict[str, Row] = Field(default_factory=dict, description="Energies per action, in pJ.")
    notes: tuple[str, ...] = Field((), strict=False, description="What a reader of results has to know.")

    def row(self, name: str) -> Row:
        """The row of "component.action"; raises KeyError for one that is not in the table."""
        component, _, action = name.partition(".")
        return self.components[component][action]

    def column(self, name: ColumnName) -> Rows:
        """A function from "component.action" to the number in one column."""

        def value(row_name: str) -> float:
            number: float = getattr(self.row(row_name), name)
            return number

        return value

    def values(self, name: ColumnName) -> TableValues:
        """One column of all that the table gives."""
        given = {action: getattr(row, name) for action, row in self.actions.items()}
        return TableValues(self.column(name), given)


@cache
def default_table() -> EnergyTable:
    """The table of the package: 14/16 nm FinFET at 0.80 V."""
    text = (resources.files("sparsesim.energy") / DEFAULT_FILE).read_text(encoding="utf-8")
    return validated(EnergyTable, parse_yaml(text, DEFAULT_FILE, WHAT))


def load_table(path: str | Path) -> EnergyTable:
    """The default table with the rows of a YAML file put over it; the file may hold some rows or all.

    Raises UserError with a line for everything that is wrong with the file: unknown components and actions,
    units other than the default table's, values out of order.
    """
    tree = read_yaml(Path(path), WHAT)
    given = validated(EnergyTable, tree)
    problems = [*_unknown_rows(given, tree), *_unknown_actions(given, tree), *_wrong_units(given, tree)]
    if problems:
        raise UserError("\n".join(problems))
    return given.model_copy(update={"components": _merged(default_table(), given)})


def _merged(base: EnergyTable, given: EnergyTable) -> dict[str, dict[str, Row]]:
    return {name: {**rows, **given.components.get(name, {})} for name, rows in base.components.items()}


def _key_where(tree: Located, *path: str) -> str:
    found = tree.at(path)
    return found.key_where if found else tree.where


def _unknown_rows(given: EnergyTable, tree: Located) -> list[str]:
    known, problems = default_table().components, []
    for component, rows in given.components.items():
        if component not in known:
            where = _key_where(tree, "components", component)
            problems.append(f"{where}: {unknown_name('component', component, known)}")
            continue
        problems += [
            f"{_key_where(tree, 'components', component, action)}: "
            f"{unknown_name(f'action of {component}', action, known[component])}"
            for action in rows
            if action not in known[component]
        ]
    return problems


def _unknown_actions(given: EnergyTable, tree: Located) -> list[str]:
    return [
        f"{_key_where(tree, 'actions', name)}: {unknown_name('action of the machine', name, ACTIONS)}"
        for name in given.actions
        if name not in ACTIONS
    ]


def _wrong_units(given: EnergyTable, tree: Located) -> list[str]:
    base = default_table().components
    rows = [
        (("components", component, action), row.unit, base[component][action].unit)
        for component, actions in given.components.items()
        for action, row in actions.items()
        if action in base.get(component, {})
    ]
    rows += [(("actions", name, ""), row.unit, "pJ") for name, row in given.actions.items()]
    return [
        f"{_key_where(tree, *filter(None, path), 'unit')}: unit of {'.'.join(filter(None, path))} "
        f"must be {wanted} (got {unit!r})."
        for path, unit, wanted in rows
        if unit != wanted
    ]
