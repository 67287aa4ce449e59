"""Energy and area: counts of actions times a table of what they cost."""

from sparsesim.energy.accelergy import ErtImport, load_ert
from sparsesim.energy.actions import ACTIONS, COMPONENTS
from sparsesim.energy.area import area
from sparsesim.energy.counts import ActionCounts
from sparsesim.energy.load import load_energy
from sparsesim.energy.model import EnergyModel, on_chip, total
from sparsesim.energy.ranges import Range
from sparsesim.energy.table import EnergyTable, default_table, load_table

__all__ = [
    "ACTIONS",
    "COMPONENTS",
    "ActionCounts",
    "EnergyModel",
    "EnergyTable",
    "ErtImport",
    "Range",
    "area",
    "default_table",
    "load_energy",
    "load_ert",
    "load_table",
    "on_chip",
    "total",
]
