"""A small reproduction of made-up results, without a simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sparsesim.energy import EnergyModel
from sparsesim.energy.monte_carlo import Quantiles
from sparsesim.machine import Machine
from sparsesim.reproduction.asked import Asked, Workload
from sparsesim.reproduction.changes import Change, changes
from sparsesim.reproduction.energy_views import VIEWS, EnergyView
from sparsesim.reproduction.ladder import RUNGS, Rung, derived
from sparsesim.reproduction.model import (
    ChangeOutcome,
    Cycles,
    Efficiency,
    Reproduction,
    StepOutcome,
    Widths,
)
from sparsesim.reproduction.recorded import GeneratorError
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import Accounts
from sparsesim.study.figures import figures_of
from sparsesim.study.store import Study
from tests.builders_results import MACHINE, PROFILE, made_result, step_records

SMALL = Asked(("alexnet", "resnet18", "resnet50"), ("cifar10", "imagenet"), (0.7, 0.9), 2)
RECORDED = GeneratorError(trace="alexnet_32_plain", samples=2, speedup=(0.02, 0.01), efficiency=(-0.03, 0.0))
WIDTHS = Widths(Accounts(0.04, 0.03), Accounts(0.02, 0.01))
TRANSFERRED = "a smaller network"
STEPS = ("channels grouped by density", "8 banks, lines of 256 bits")
_INTERVAL = 0.1  # of an efficiency, to either side


def made_reproduction(asked: Asked = SMALL, machine: Machine = MACHINE, **changed: Any) -> Reproduction:
    """Every workload has other layers and every rate other samples; ResNet-50's sparsity is transferred.

    changed: fields that are not as they would be.
    """
    results = made_results(asked, machine)
    headline = {workload: results[workload, asked.headline_rate] for workload in asked.examined()}
    runs = next(iter(headline.values())).compared
    made: dict[str, Any] = {
        "asked": asked,
        "results": results,
        "rungs": made_rungs(headline),
        "changes": made_changes(changes(quick=True), headline),
        "steps": made_steps(headline),
        "efficiencies": {
            (*key, run): _interval([result], run) for key, result in results.items() for run in runs
        },
        "average_efficiencies": {
            run: _interval([results[one, asked.headline_rate] for one in asked.averaged()], run)
            for run in runs
        },
        "views": [
            EnergyView(name, words, dict.fromkeys(runs, 2.0 - 0.1 * place))
            for place, (name, words, _) in enumerate(VIEWS)
        ],
        "recorded": [RECORDED],
        "counts": asked.examined(),
        "seconds": 12.0,
        "average_widths": {rate: dict.fromkeys(runs, WIDTHS) for rate in asked.rates},
    }  # fmt: skip
    return Reproduction(**(made | changed))


def made_results(asked: Asked, machine: Machine = MACHINE) -> dict[tuple[Workload, float], Result]:
    """By workload and rate."""
    return {
        (workload, rate): _result(workload, rate, layers, asked, machine)
        for layers, workload in enumerate(asked.workloads(), start=1)
        for rate in asked.rates
    }


def _result(workload: Workload, rate: float, layers: int, asked: Asked, machine: Machine) -> Result:
    transferred = TRANSFERRED if workload.network == "resnet50" else None
    profile = PROFILE | {"transferred_from": transferred}
    records = step_records(layers=layers + asked.rates.index(rate), samples=asked.samples)
    return made_result(records, machine, prune=rate, profile=profile, **workload._asdict())


def made_rungs(results: Mapping[Workload, Result]) -> list[tuple[Rung, dict[Workload, Cycles]]]:
    """Rungs that would be simulated lie between those that are not, of the dense run nearer to the bound."""
    return [(rung, {key: _rung(rung, one) for key, one in results.items()}) for rung in RUNGS]


def _rung(rung: Rung, result: Result) -> Cycles:
    if not rung.free:
        return derived(rung, result)
    low, high = derived(RUNGS[1], result), derived(RUNGS[6], result)
    share = (RUNGS.index(rung) - 1) / 5
    shares = {run: share if run != DENSE else share**2 for run in low}
    return {run: low[run] + shares[run] * (high[run] - low[run]) for run in low}


def made_figures(result: Result, faster: float = 1.0) -> dict[str, float]:
    """Of a machine that runs everything sparse so much faster, with as much less energy."""
    found = figures_of(result, EnergyModel(result.machine).area_um2)
    for run in result.compared:
        for accounting in ("on_chip", "with_dram"):
            found[f"{run}.{accounting}_cycles"] /= faster
            found[f"{run}.{accounting}_energy_pj"] /= faster
            found[f"{run}.{accounting}_speedup"] *= faster
            found[f"{run}.{accounting}_energy_efficiency"] *= faster
    return found


def made_changes(given: Sequence[Change], results: Mapping[Workload, Result]) -> list[ChangeOutcome]:
    """Each a little faster than the one before; the last could not be simulated on the first workload."""
    made = [
        ChangeOutcome(change, {key: made_figures(one, 1 + 0.02 * place) for key, one in results.items()})
        for place, change in enumerate(given)
    ]
    fewer = dict(list(made[-1].figures.items())[1:])
    return [*made[:-1], replace(made[-1], figures=fewer, error="no machine can have it")]


def made_steps(results: Mapping[Workload, Result]) -> list[StepOutcome]:
    """The published arrangement, and a step after the other."""
    return [
        StepOutcome(words, {key: made_figures(one, 1 + 0.2 * place) for key, one in results.items()})
        for place, words in enumerate((next(iter(results.values())).machine.name, *STEPS))
    ]


def _interval(results: Sequence[Result], run: str) -> Efficiency:
    pairs = [result.energy_efficiency[run] for result in results]
    return Efficiency(
        *(
            _around(sum(getattr(pair, name) for pair in pairs) / len(pairs))
            for name in ("on_chip", "with_dram")
        )
    )


def _around(value: float) -> Quantiles:
    return Quantiles(value - _INTERVAL, value, value + _INTERVAL)


def without_simulation(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """The command shows a made-up reproduction of what it is asked for; returned is what was asked."""
    seen: list[Asked] = []

    def collect(_study: Study, asked: Asked, *_: Any) -> Reproduction:
        seen.append(asked)
        return made_reproduction(asked)

    monkeypatch.setattr("sparsesim.cli.reproduce._run", lambda *_: None)
    monkeypatch.setattr("sparsesim.cli.reproduce.generator_errors", lambda *_, **__: [])
    monkeypatch.setattr("sparsesim.cli.reproduce.collect", collect)
    return seen
