"""Energy of counted actions.

Composition law: energy = sum over actions of count x energy per action. Low, centre and high are three
separate sums, each with the same column of the table throughout (areas and so wire lengths included); a
ratio of two energies is formed within one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sparsesim.energy.actions import ACTIONS, COMPONENTS
from sparsesim.energy.area import area, column_of
from sparsesim.energy.counts import ActionCounts
from sparsesim.energy.per_action import ENERGY_OF_ACTION, absent_actions
from sparsesim.energy.ranges import COLUMNS, Range, sum_of
from sparsesim.energy.table import EnergyTable, default_table
from sparsesim.energy.values import TableValues
from sparsesim.machine.description import Machine

OFF_CHIP = ("dram",)


class EnergyModel:
    """The energies of one machine's actions, by one table.

    per_action: pJ of every action of `sparsesim.energy.actions.ACTIONS`.
    area_um2: area by part, see `sparsesim.energy.area.AREA_PARTS`.
    notes: sentences a reader of the results has to know; empty where there is nothing to say.
    """

    def __init__(self, machine: Machine, table: EnergyTable | None = None) -> None:
        self.machine = machine
        self.table = table or default_table()
        self.per_action = _per_action(machine, self.table)
        self.area_um2 = area(machine, self.table)
        self.notes = (*self.table.notes, *_extrapolations(machine))

    def energy(self, counts: ActionCounts, cycles: float | None = None) -> dict[str, Range]:
        """Energy in pJ by component, in the order of COMPONENTS.

        cycles: duration for leakage, where it is not counts.cycles (the two accountings differ in it).
        """
        if cycles is not None:
            counts = replace(counts, cycles=cycles)
        parts: dict[str, list[Range]] = {component: [] for component in COMPONENTS}
        for name, action in ACTIONS.items():
            parts[action.component].append(self.per_action[name].times(action.how_many(counts)))
        return {component: sum_of(terms) for component, terms in parts.items()}


def total(energies: Mapping[str, Range]) -> Range:
    """The sum over all components, off-chip memory included."""
    return sum_of(energies.values())


def on_chip(energies: Mapping[str, Range]) -> Range:
    """The sum over all components but the off-chip memory: the accounting of the publication."""
    return sum_of(energy for component, energy in energies.items() if component not in OFF_CHIP)


def action_energies(machine: Machine, values: TableValues) -> dict[str, float]:
    """The energy in pJ of every action of a machine, with one number for every row of the table."""
    column, absent = column_of(machine, values.rows), absent_actions(machine)
    computed = {name: equation(column) for name, equation in ENERGY_OF_ACTION.items()}
    return computed | {name: pj for name, pj in values.actions.items() if name not in absent}


def _per_action(machine: Machine, table: EnergyTable) -> dict[str, Range]:
    columns = [action_energies(machine, table.values(name)) for name in COLUMNS]
    return {name: Range(*(column[name] for column in columns)) for name in ACTIONS}


def _extrapolations(machine: Machine) -> list[str]:
    """Where the machine's sizes leave the range the equations were fitted in."""
    bank_kilobytes = machine.buffer.kilobytes / machine.buffer.banks
    notes = []
    if not 16 <= machine.buffer.line_bits <= 256:
        notes.append(f"Lines of {machine.buffer.line_bits} bits: the SRAM equation is fitted for 16 to 256.")
    if not 1 <= bank_kilobytes <= 1024:
        notes.append(f"Banks of {bank_kilobytes:.3g} KB: the SRAM equation is fitted for 1 to 1024 KB.")
    return notes
