"""The one entry for users' energy files: an energy table or an Accelergy ERT."""

from __future__ import annotations

from pathlib import Path

from sparsesim.energy.accelergy import is_ert, load_ert
from sparsesim.energy.table import WHAT, EnergyTable, load_table
from sparsesim.machine.located import read_yaml


def load_energy(path: str | Path) -> EnergyTable:
    """The energy table a YAML file describes, whichever of the two formats it has; errors as in both."""
    return load_ert(path).table if is_ert(read_yaml(Path(path), WHAT)) else load_table(path)
