"""Which numbers of an energy table are wrong together: groups of rows that share one error.

Most rows were scaled from other nodes by the same few rules, or read from one kind of generator, so within a
kind of block they are all too high or all too low: they move together. Kinds do not share their rules, so
groups are independent of each other.

- arithmetic: energies of MACs, adders, comparators, counters, shifters, crossbar; one choice of scaling.
- storage: flip-flops and register files; other sources (65 nm reference output), another scaling.
- sram: access energy and its ratios. wire: energy per bit and mm. control: clock and control over the rest.
- leakage: of logic and SRAM. Threshold voltage and temperature decide it, not what an access costs.
- dram: the memories; a machine has one of them.
- area: every area, logic and SRAM. It is apart from the energies of the same blocks although both come of a
  scaling between nodes: energy scales with capacitance x voltage^2, area with cell height and routing, and
  the sources differ (one factor 0.25 for areas, 0.13 to 0.35 for energies). Areas act through leakage and
  wire lengths alone. Moved together with the leakage per area, both would reach their high ends at once, the
  combination that makes the high column of absolute energies implausible.

An energy given directly for an action of the machine has nothing to do with these; those of one component
are a group of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sparsesim.energy.actions import ACTIONS
from sparsesim.energy.table import EnergyTable, Row

AREA, LEAKAGE = "area", "leakage"
_OF_COMPONENT = {
    **dict.fromkeys(
        (
            "mac_int16", "mac_bf16", "mul_int16", "add_int32", "comparator32", "counter32", "shifter32",
            "crossbar32",
        ),
        "arithmetic",
    ),
    **dict.fromkeys(("flop_bit", "register_file"), "storage"),
    "sram": "sram",
    "wire": "wire",
    "control": "control",
    **dict.fromkeys(("dram_ddr4", "dram_lpddr4", "dram_hbm2"), "dram"),
}  # fmt: skip
GROUPS = (*dict.fromkeys(_OF_COMPONENT.values()), LEAKAGE, AREA)


def group_of_row(component: str, action: str) -> str:
    """The group of a row "component.action" of the building blocks; KeyError for a row no table has."""
    if action.startswith("area"):
        return AREA
    return LEAKAGE if action == "leak" else _OF_COMPONENT[component]


def group_of_action(action: str) -> str:
    """The group of an energy given directly for an action of the machine."""
    return f"given {ACTIONS[action].component}"


def grouped_rows(table: EnergyTable) -> Iterator[tuple[str, str, Row]]:
    """Name, group and row of every building block of a table."""
    for component, rows in table.components.items():
        for action, row in rows.items():
            yield f"{component}.{action}", group_of_row(component, action), row


def groups_of(table: EnergyTable) -> tuple[str, ...]:
    """The groups a table has rows in, those of GROUPS first."""
    found = {group for _, group, _ in grouped_rows(table)}
    given = dict.fromkeys(group_of_action(action) for action in table.actions)
    return (*(group for group in GROUPS if group in found), *given)
