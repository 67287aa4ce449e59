"""From the rows of a study to a reproduction: results from records, averages and intervals, no simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sparsesim.energy import EnergyModel
from sparsesim.energy.monte_carlo import EfficiencyDraws, FloatArray, quantiles
from sparsesim.reproduction.asked import Asked, Workload
from sparsesim.reproduction.changes import AS_DESCRIBED, Change, changes
from sparsesim.reproduction.energy_views import Charged, energy_views
from sparsesim.reproduction.ladder import RUNGS, Rung, derived
from sparsesim.reproduction.model import (
    ChangeOutcome,
    Cycles,
    Efficiency,
    Figures,
    Reproduction,
    StepOutcome,
    Widths,
)
from sparsesim.reproduction.points import Part, Purpose, steps
from sparsesim.reproduction.recorded import GeneratorError
from sparsesim.request import Request
from sparsesim.results.interval import average_ratio_half_width
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import Accounts
from sparsesim.results.result import run_series
from sparsesim.results.samples import Series
from sparsesim.results.totals import TotalActions, total_actions
from sparsesim.simulation import result_of
from sparsesim.study.plan import Plan
from sparsesim.study.reproduce import records_of_row
from sparsesim.study.store import StoredRow, Study
from sparsesim.study.sweep import places_digest
from workloads.errors import UserError

SEED = 0  # of the tables that are drawn

Rows = Mapping[Purpose, StoredRow]
Actions = Mapping[str, TotalActions]


def rows_of(study: Study, plan: Plan, purposes: Sequence[Purpose]) -> dict[Purpose, StoredRow]:
    """The row of every purpose that has one; combinations that no machine can have do not."""
    found = study.planned(places_digest(plan), 0, len(plan))
    return {
        purposes[index]: study.row(found[place].row)
        for place, index in enumerate(plan.indices())
        if place in found
    }


def collect(study: Study, asked: Asked, rows: Rows, recorded: Sequence[GeneratorError]) -> Reproduction:
    """Everything, of rows as `rows_of` has them; UserError where a point of the grid failed."""
    grid = _grid(study, asked, rows)
    results = {key: one.result for key, one in grid.items()}
    efficiencies = _Efficiencies(asked, grid)
    return Reproduction(
        asked,
        results,
        _rungs(study, asked, rows),
        [_change(asked, rows, change) for change in changes(asked.quick)],
        _steps(asked, rows),
        efficiencies.all(),
        efficiencies.averages(),
        energy_views([_charged(grid[workload, asked.headline_rate]) for workload in asked.averaged()]),
        recorded,
        asked.examined(),
        sum(row.seconds for row in rows.values()),
        {
            rate: _average_widths([grid[workload, rate] for workload in asked.averaged()])
            for rate in asked.rates
        },
    )


@dataclass(frozen=True)
class _Simulated:
    request: Request
    result: Result
    actions: Actions
    series: Mapping[str, Series | None]


def _simulated(study: Study, row: StoredRow, averaged: bool = False) -> _Simulated:
    """averaged: with the series over samples, which an average needs."""
    request, workload, records = records_of_row(study, row)
    actions = {run: total_actions(records, run, request.machine) for run in records.runs}
    result = result_of(request, workload, records, row.seconds)
    models = {run: _model(request, run) for run in records.runs}
    series = {
        run: run_series(run, records, request.machine, models[run])
        for run in (records.runs if averaged else ())
    }
    return _Simulated(request, result, actions, series)


def _model(request: Request, run: str) -> EnergyModel:
    return EnergyModel(request.machine.dense_baseline() if run == DENSE else request.machine, request.table)


def _grid(study: Study, asked: Asked, rows: Rows) -> dict[tuple[Workload, float], _Simulated]:
    return {
        (workload, rate): _simulated(
            study, _needed(rows, Purpose("grid", str(rate), workload)), workload in asked.averaged()
        )
        for workload in asked.workloads()
        for rate in asked.rates
    }


def _needed(rows: Rows, purpose: Purpose) -> StoredRow:
    row = rows.get(purpose)
    if row is None or row.status == "failed":
        why = "was not simulated" if row is None else f"failed: {row.error}"
        raise UserError(
            f"{purpose.workload.network} on {purpose.workload.dataset} ({purpose.part} {purpose.name}) {why}"
        )
    return row


def _charged(one: _Simulated) -> Charged:
    actions = {run: total.on_chip for run, total in one.actions.items()}
    sparse = _model(one.request, one.result.compared[0])
    return Charged(one.result, actions, sparse, _model(one.request, DENSE))


def _average_widths(found: Sequence[_Simulated]) -> dict[str, Widths]:
    """Half widths of the averages over results, by run; runs whose samples are not known are left out."""
    widths = {}
    for run in found[0].result.compared:
        pairs = [(one.series.get(DENSE), one.series.get(run)) for one in found]
        known = [(dense, mine) for dense, mine in pairs if dense is not None and mine is not None]
        if len(known) < len(pairs):
            continue
        cycles = average_ratio_half_width([(dense.cycles, mine.cycles) for dense, mine in known])
        energy = average_ratio_half_width([(dense.energy_pj, mine.energy_pj) for dense, mine in known])
        if cycles is not None and energy is not None:
            widths[run] = Widths(Accounts(*map(float, cycles)), Accounts(*map(float, energy)))
    return widths


class _Efficiencies:
    """Energy efficiencies with drawn tables; draw i is the same table for every workload."""

    def __init__(self, asked: Asked, grid: Mapping[tuple[Workload, float], _Simulated]) -> None:
        self._asked = asked
        first = next(iter(grid.values())).request
        draws = EfficiencyDraws(first.machine, first.table, asked.draws, SEED)
        self._drawn = {
            (workload, rate, run): _drawn(draws, one.actions, run)
            for (workload, rate), one in grid.items()
            for run in one.result.compared
        }

    def all(self) -> dict[tuple[Workload, float, str], Efficiency]:
        return {key: _intervals(found) for key, found in self._drawn.items()}

    def averages(self) -> dict[str, Efficiency]:
        """By run, over the workloads of the average: averaged draw by draw."""
        rate, averaged = self._asked.headline_rate, self._asked.averaged()
        runs = dict.fromkeys(run for _, _, run in self._drawn)
        return {
            run: _intervals(np.mean([self._drawn[workload, rate, run] for workload in averaged], axis=0))
            for run in runs
        }


def _drawn(draws: EfficiencyDraws, actions: Actions, run: str) -> FloatArray:
    """float64[2, draws]: on chip, with DRAM."""
    dense, mine = actions[DENSE], actions[run]
    found = draws.efficiency(dense.on_chip, mine.on_chip), draws.efficiency(dense.with_dram, mine.with_dram)
    return np.array(found)


def _intervals(drawn: FloatArray) -> Efficiency:
    return Efficiency(quantiles(drawn[0]), quantiles(drawn[1]))


def _rungs(study: Study, asked: Asked, rows: Rows) -> list[tuple[Rung, dict[Workload, Cycles]]]:
    whole = {
        workload: _simulated(study, _needed(rows, Purpose("change", AS_DESCRIBED.key, workload))).result
        for workload in asked.examined()
    }
    return [
        (rung, {workload: _rung(rung, result, rows, workload) for workload, result in whole.items()})
        for rung in RUNGS
    ]


def _rung(rung: Rung, whole: Result, rows: Rows, workload: Workload) -> Cycles:
    if not rung.free:
        return derived(rung, whole)
    figures = _needed(rows, Purpose("rung", rung.name, workload)).figures
    return {run: figures[f"{run}.on_chip_cycles"] for run in whole.runs}


def _figures(asked: Asked, rows: Rows, part: Part, name: str) -> tuple[dict[Workload, Figures], str]:
    """By workload, of those that could be simulated, and why the first could not."""
    found: dict[Workload, Figures] = {}
    error = ""
    for workload in asked.examined():
        row = rows.get(Purpose(part, name, workload))
        if row is not None and row.status == "done":
            found[workload] = row.figures
        else:
            error = error or (row.error if row and row.error else "this machine cannot have it")
    return found, error


def _change(asked: Asked, rows: Rows, change: Change) -> ChangeOutcome:
    return ChangeOutcome(change, *_figures(asked, rows, "change", change.key))


def _steps(asked: Asked, rows: Rows) -> list[StepOutcome]:
    if not asked.goes_beyond:
        return []
    return list(_each_step(asked, rows))


def _each_step(asked: Asked, rows: Rows) -> Iterator[StepOutcome]:
    yield StepOutcome(asked.machine, _figures(asked, rows, "change", AS_DESCRIBED.key)[0])
    for words, _ in steps():
        yield StepOutcome(words, _figures(asked, rows, "step", words)[0])
