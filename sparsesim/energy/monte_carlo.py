"""How far the errors of the energy table move an energy efficiency: tables drawn from its ranges.

A group of rows (sparsesim.energy.error_groups) moves with one deviate u, triangular on [-1, 1] with its mode
at 0, independent of the other groups. Ranges are factors, so a row moves on a logarithmic scale:

    value(u) = centre (high / centre)^u  for u >= 0,    centre (low / centre)^-u  for u < 0

So u = -1, 0, 1 in all groups are the columns low, centre and high. A row that is known (low = high) stays.
Towards an end that is zero, or from a centre that is, there is no factor, and the row moves linearly.

Both machines of a ratio are computed with the same drawn table, and so are all networks of an average.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparsesim.energy.actions import ACTIONS
from sparsesim.energy.counts import ActionCounts
from sparsesim.energy.error_groups import group_of_action, grouped_rows, groups_of
from sparsesim.energy.model import action_energies
from sparsesim.energy.table import EnergyTable, Row
from sparsesim.energy.values import TableValues
from sparsesim.machine.description import Machine
from workloads.errors import UserError

FloatArray = NDArray[np.float64]
PROBABILITIES = (0.025, 0.5, 0.975)


class Quantiles(NamedTuple):
    """2.5 %, 50 % and 97.5 % of the draws; nan where a draw is."""

    low: float
    median: float
    high: float


def quantiles(draws: FloatArray) -> Quantiles:
    """Of float64[draws]; between two draws linearly."""
    return Quantiles(*(float(value) for value in np.quantile(draws, PROBABILITIES)))


def value_at(row: Row, deviate: float) -> float:
    """The number of a row at a deviate of its group, -1 (low) to 1 (high)."""
    end, share = (row.high, deviate) if deviate >= 0 else (row.low, -deviate)
    if row.centre == 0 or end == 0:
        return row.centre + share * (end - row.centre)
    return float(row.centre * (end / row.centre) ** share)


def values_at(table: EnergyTable, deviates: Mapping[str, float]) -> TableValues:
    """The table with every row at the deviate, -1 to 1, of its group (groups_of(table))."""
    rows = {name: value_at(row, deviates[group]) for name, group, row in grouped_rows(table)}
    given = {name: value_at(row, deviates[group_of_action(name)]) for name, row in table.actions.items()}
    return TableValues(rows.__getitem__, given)


def draw_tables(table: EnergyTable, draws: int, seed: int) -> Iterator[TableValues]:
    """Tables drawn from the ranges of one, `draws` >= 1 of them.

    Equal seeds >= 0 give equal tables, and fewer draws the first of many: a group's deviates depend on the
    seed and its name alone.
    """
    for name, value, least in (("draws", draws, 1), ("seed", seed, 0)):
        if value < least:
            raise UserError(f"{name} of the Monte Carlo must be {least} or more (got {value}).")
    groups = groups_of(table)
    deviates = np.array([_deviates(group, draws, seed) for group in groups]).T
    return (values_at(table, dict(zip(groups, row, strict=True))) for row in deviates.tolist())


def _deviates(group: str, draws: int, seed: int) -> FloatArray:
    return np.random.default_rng([seed, *group.encode()]).triangular(-1.0, 0.0, 1.0, draws)


def drawn_energies(machine: Machine, tables: Iterable[TableValues]) -> FloatArray:
    """Energy in pJ of every action of a machine, float64[tables, actions], in the order of ACTIONS."""
    every = [action_energies(machine, values) for values in tables]
    return np.array([[energies[name] for name in ACTIONS] for energies in every])


def how_often(counts: ActionCounts) -> FloatArray:
    """The number of every action: float64[actions], in the order of ACTIONS."""
    return np.array([action.how_many(counts) for action in ACTIONS.values()], dtype=np.float64)


class EfficiencyDraws:
    """Energy efficiencies of one machine over its dense baseline, with tables drawn from the ranges of one.

    draws, seed: as of draw_tables. The energies of both machines' actions are computed once, so a run of
    another network costs two products of a matrix with a vector. Draw i is the same table in every call: the
    efficiency of an average over networks is the average of their draws, draw by draw, and only then has
    quantiles.
    """

    def __init__(self, machine: Machine, table: EnergyTable, draws: int, seed: int) -> None:
        tables = list(draw_tables(table, draws, seed))
        self.sparse_pj = drawn_energies(machine, tables)
        self.dense_pj = drawn_energies(machine.dense_baseline(), tables)

    def efficiency(self, dense: ActionCounts, run: ActionCounts) -> FloatArray:
        """Dense energy over energy of a run, float64[draws]; nan where a table charges nothing for the run.

        dense, run: all actions of the two, in the same accounting (sparsesim.results.totals).
        """
        above, below = self.dense_pj @ how_often(dense), self.sparse_pj @ how_often(run)
        return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)
