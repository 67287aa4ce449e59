"""The machine: its description, the YAML files it is read from, and what the compiler gets to know of it."""

from sparsesim.machine.description import Machine
from sparsesim.machine.load import export_yaml, list_machines, load_machine

__all__ = ["Machine", "export_yaml", "list_machines", "load_machine"]
