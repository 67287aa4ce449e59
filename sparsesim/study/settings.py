"""Settings: the names of everything a point can differ in, and what each can change.

A setting is one of OWN, a field of a machine description (`array.groups`), or a row of the energy table
(`energy.COMPONENT.ACTION`, or that and `.low`, `.centre`, `.high`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from sparsesim.energy import default_table
from sparsesim.energy.overrides import PREFIX, energy_name
from sparsesim.machine import Machine
from sparsesim.machine.fields import field_rows
from sparsesim.machine.load import resolve_field
from sparsesim.machine.sentences import field_schema, model_at

Kind = Literal["text", "whole", "number", "boolean"]

OWN: dict[str, Kind] = {
    "network": "text",
    "dataset": "text",
    "batch": "whole",
    "samples": "whole",
    "prune": "number",
    "seed": "whole",
    "trace": "text",
    "density_input": "number",
    "density_grad_output": "number",
    "activations": "text",
    "machine": "text",
    "energy": "text",
}
FILES = ("machine", "energy", "trace")  # settings whose value may name a file
ALIASES = {"networks": "network", "datasets": "dataset"}

# Fields of a machine that say what it is called, not what it is.
_LABELS = ("name", "description")
# The only field that never reaches compiler.target.Target: both formats have the same width.
_ENERGY_FIELDS = ("data.operand_format",)
# What the kind of memory decides besides the energy per bit, unless it is given.
_OF_MEMORY_KIND = ("memory.bandwidth_gbytes_per_second", "memory.latency_ns")
# A dense run has no masks and nothing is skipped or compressed in it (Machine.dense_baseline); one sample
# stands for all of them.
_SPARSE_ONLY = (
    "samples",
    "seed",
    "prune",
    "density_input",
    "density_grad_output",
    "activations",
    "policy.skip_zeros",
    "policy.mask_skipping",
    "policy.input_skipping",
    "policy.channel_order",
    "data.row_format",
)
_KINDS: dict[str, Kind] = {"string": "text", "integer": "whole", "number": "number", "boolean": "boolean"}


@cache
def machine_fields() -> tuple[str, ...]:
    """The dotted names of the fields of a machine description that can be settings."""
    return tuple(row.name for row in field_rows() if row.name not in _LABELS)


def canonical(name: str, where: str) -> str:
    """The canonical name of a setting: itself, `networks` and `datasets`, or a machine field's own name.

    Raises UserError, beginning with `where` (option, or FILE:LINE:COLUMN), for a name that is unknown (it
    tells the nearest), ambiguous (it lists them), or that of a section.
    """
    if name.startswith(PREFIX):
        energy_name(name, default_table(), where)
        return name
    return resolve_field(ALIASES.get(name, name), [*OWN, *machine_fields()], where)


def is_energy(name: str) -> bool:
    """Whether a canonical name is that of an energy table or of a row of one."""
    return name == "energy" or name.startswith(PREFIX)


def is_machine(name: str) -> bool:
    """Whether a canonical name is that of a machine or of a field of one."""
    return name == "machine" or name in machine_fields()


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema of a field of a machine description (dotted name)."""
    section, _, field = name.rpartition(".")
    return field_schema(model_at(Machine, tuple(filter(None, [section]))), field)


def kind_of(name: str) -> Kind:
    """The kind of value a setting (canonical name) has."""
    if name in OWN:
        return OWN[name]
    return "number" if name.startswith(PREFIX) else _KINDS[schema_of(name)["type"]]


def is_enumerated(name: str) -> bool:
    """Whether the legal values of a setting are a list of numbers rather than a range."""
    return name in machine_fields() and bool({"enum", "const"} & schema_of(name).keys())


def energy_settings(names: Iterable[str]) -> frozenset[str]:
    """Those of the names that cannot change a simulated cycle or count: points that differ only in them
    share all simulations.

    They are energy tables and rows, and fields that do not reach compiler.target.Target. memory.kind is one
    only beside its bandwidth and its latency, which otherwise follow from it.
    """
    given = set(names)
    fixed_memory = given.issuperset(_OF_MEMORY_KIND)
    return frozenset(
        name
        for name in given
        if is_energy(name) or name in _ENERGY_FIELDS or (name == "memory.kind" and fixed_memory)
    )


def simulation_settings(names: Iterable[str]) -> frozenset[str]:
    """Those of the names that can change a simulated cycle or count: all but `energy_settings`."""
    given = frozenset(names)
    return given - energy_settings(given)


def sparse_settings(names: Iterable[str]) -> frozenset[str]:
    """Those of the names that change sparse runs only: points that differ in them share the dense run.

    With a trace the number of samples is the length of fully connected rows, in the dense run too.
    """
    given = set(names)
    found = given.intersection(_SPARSE_ONLY)
    return frozenset(found - {"samples"} if "trace" in given else found)
