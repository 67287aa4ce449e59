"""Rules between settings of one point: those between the fields of a machine, and of energy columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparsesim.energy import EnergyTable, default_table, load_energy
from sparsesim.energy.overrides import PREFIX, with_overrides
from sparsesim.machine import Machine, list_machines, load_machine
from sparsesim.machine.load import WHAT
from sparsesim.machine.located import read_yaml
from sparsesim.request import DEFAULT_MACHINE
from sparsesim.study.point import Scalar
from sparsesim.study.resolve import text_of
from sparsesim.study.settings import is_energy, is_machine
from workloads.errors import UserError

REMEMBERED = 4096  # points that differ in other settings ask for the same few machines again and again

Items = tuple[tuple[str, Scalar], ...]


def is_ruled(name: str) -> bool:
    """Whether a setting (canonical name) is under a rule that involves other settings."""
    return is_machine(name) or is_energy(name)


class Rules:
    """Tells which combinations of settings are illegal; machine and energy files are read once each.

    The values by themselves are legal (sparsesim.study.legal).
    """

    def __init__(self) -> None:
        self._machines: dict[str, Mapping[str, Any]] = {}
        self._tables: dict[str, EnergyTable] = {}
        self._remembered = lru_cache(REMEMBERED)(self._find)

    def broken(self, settings: Mapping[str, Scalar]) -> str:
        """The sentence about the rules that settings (canonical names) break; "" where they break none."""
        return self._remembered(tuple((name, settings[name]) for name in sorted(settings) if is_ruled(name)))

    def _find(self, items: Items) -> str:
        return self._of_machine(items) or self._of_energy(items)

    def _of_machine(self, items: Items) -> str:
        settings = {name: value for name, value in items if is_machine(name)}
        tree = dict(self._machine(str(settings.pop("machine", DEFAULT_MACHINE))))
        for name, value in settings.items():
            section, _, field = name.partition(".")
            tree[section] = {**tree.get(section, {}), field: value}
        try:
            Machine.model_validate(tree)
        except ValidationError as errors:
            return " ".join(str(error["msg"]) for error in errors.errors())
        return ""

    def _machine(self, name: str) -> Mapping[str, Any]:
        if name not in self._machines:
            built_in = name in list_machines()
            found = load_machine(name).model_dump() if built_in else read_yaml(Path(name), WHAT).plain()
            self._machines[name] = found
        return self._machines[name]

    def _of_energy(self, items: Items) -> str:
        rows = [f"{name}={text_of(value)}" for name, value in items if name.startswith(PREFIX)]
        try:
            with_overrides(self._table(dict(items).get("energy")), rows)
        except UserError as error:
            return str(error).removeprefix("--set ")
        return ""

    def _table(self, path: Scalar | None) -> EnergyTable:
        if path is None:
            return default_table()
        if path not in self._tables:
            self._tables[str(path)] = load_energy(str(path))
        return self._tables[str(path)]
