"""Reading an energy reference table (ERT) of Accelergy, version 0.4.

An ERT lists components by path, `system.mac[1..168]`, each with actions and their energy in pJ. The last part
of the path and the action name make a name of `sparsesim.energy.actions`, `mac.compute`; other components
are mapped by the caller. An ERT knows one value per action, so low, centre and high are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sparsesim.energy.actions import ACTIONS
from sparsesim.energy.table import EnergyTable, Row, default_table
from sparsesim.machine.located import Located, read_yaml
from sparsesim.machine.sentences import validated
from workloads.errors import UserError, unknown_name

WHAT = "reference table of Accelergy (ERT)"
VERSION = "0.4"


class _Part(BaseModel):
    # Accelergy may add fields; what is needed must be right.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class _ErtAction(_Part):
    name: str
    arguments: dict[str, Any] | None = None
    energy: float = Field(ge=0, le=1e9)  # pJ, as in Row


class _ErtComponent(_Part):
    name: str
    actions: list[_ErtAction]


class _ErtTables(_Part):
    version: str | float
    tables: list[_ErtComponent]


class _ErtFile(_Part):
    ERT: _ErtTables


@dataclass(frozen=True)
class ErtImport:
    """An ERT as a table, and what became of its contents.

    table: the default table with the energies of the ERT in `actions`.
    taken: actions whose energy is the ERT's.
    computed: actions the ERT lacks; their energy comes from the default table.
    unmapped: "component.action" of the ERT that correspond to nothing here, and are not used.
    """

    table: EnergyTable
    taken: tuple[str, ...]
    computed: tuple[str, ...]
    unmapped: tuple[str, ...]


def is_ert(tree: Located) -> bool:
    """Whether a YAML mapping is an ERT rather than an energy table."""
    return "ERT" in tree.value


def load_ert(path: str | Path, mapping: Mapping[str, str] | None = None) -> ErtImport:
    """The ERT in a YAML file. mapping: from a component of the ERT (last part of its path) to one of ours.

    Where an action is listed several times, for different arguments, the largest energy is taken: the others
    are accesses with unchanged address or data. Raises UserError for a file that is no ERT of version 0.4,
    for a mapping to or from a component that does not exist, and where no action of the ERT is known.
    """
    tree = read_yaml(Path(path), WHAT)
    tables = validated(_ErtFile, tree).ERT
    if str(tables.version) != VERSION:
        found = tree.at(("ERT", "version"))
        raise UserError(
            f"{found.where if found else path}: ERT.version must be {VERSION} (got {tables.version})."
        )
    energies = _energies(tables, str(path))
    renamed = _renamed(energies, mapping or {})
    taken = {name: energy for name, energy in renamed.items() if name in ACTIONS}
    if not taken:
        raise UserError(_nothing_known(str(path), energies))
    return _import(Path(path).name, taken, tuple(name for name in renamed if name not in ACTIONS))


def _energies(tables: _ErtTables, source: str) -> dict[tuple[str, str], float]:
    """Energy by (last part of the component's path, action)."""
    energies: dict[tuple[str, str], float] = {}
    paths: dict[str, str] = {}
    for table in tables.tables:
        path = table.name.partition("[")[0]
        leaf = path.rpartition(".")[2]
        if paths.setdefault(leaf, table.name) != table.name:
            raise UserError(
                f"{source}: components {paths[leaf]} and {table.name} are both {leaf!r}; rename one."
            )
        for action in table.actions:
            key = (leaf, action.name)
            energies[key] = max(action.energy, energies.get(key, 0.0))
    return energies


def _renamed(energies: dict[tuple[str, str], float], mapping: Mapping[str, str]) -> dict[str, float]:
    theirs = {component for component, _ in energies}
    ours = {name.partition(".")[0] for name in ACTIONS}
    for component, target in mapping.items():
        if component not in theirs:
            raise unknown_name("component of the ERT", component, theirs)
        if target not in ours:
            raise unknown_name("component of the machine", target, ours)
    return {f"{mapping.get(part, part)}.{action}": energy for (part, action), energy in energies.items()}


def _nothing_known(source: str, energies: dict[tuple[str, str], float]) -> str:
    theirs = ", ".join(sorted({component for component, _ in energies})) or "none"
    ours = ", ".join(sorted({name.partition(".")[0] for name in ACTIONS}))
    return f"{source}: no component of this ERT is known here; it has {theirs}, known are {ours}."


def _import(name: str, taken: dict[str, float], unmapped: tuple[str, ...]) -> ErtImport:
    computed = tuple(action for action in ACTIONS if action not in taken)
    base = default_table()
    notes = [f"{len(taken)} of {len(ACTIONS)} action energies are from {name}, the others from {base.name}."]
    if unmapped:
        notes.append(f"Not used of {name}: {', '.join(unmapped)}.")
    rows = {
        action: Row(centre=pj, low=pj, high=pj, unit="pJ", source=f"Accelergy ERT {name}", tag="run")
        for action, pj in taken.items()
    }
    table = base.model_copy(update={"name": name, "actions": rows, "notes": tuple(notes)})
    return ErtImport(table, tuple(taken), computed, unmapped)
