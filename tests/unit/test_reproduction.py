"""A reproduction: is the right thing simulated, are averages, rungs and views what they are said to be?"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sparsesim.energy import EnergyModel
from sparsesim.reproduction import averages
from sparsesim.reproduction.asked import AVERAGED, QUICK, Asked, Workload
from sparsesim.reproduction.beyond import STEPS
from sparsesim.reproduction.changes import AS_DESCRIBED, CHANGES, changes
from sparsesim.reproduction.energy_views import Charged, energy_views
from sparsesim.reproduction.ladder import (
    BALANCE,
    BOUND,
    DISPATCH,
    DRAM,
    ENTRIES,
    OTHER,
    RUNGS,
    SIMULATED,
    derived,
)
from sparsesim.reproduction.points import definition_of, purposes_and_settings, settings_of
from sparsesim.results.model import DENSE
from sparsesim.results.totals import total_actions
from sparsesim.study.checks import check
from sparsesim.study.plan import Plan
from sparsesim.study.prepared import prepare
from tests.builders_results import made_result, step_records
from workloads.errors import UserError

# What is asked


def test_the_grid_and_the_average() -> None:
    asked = Asked()
    assert len(asked.workloads()) == 15 and len(asked.averaged()) == 9
    assert {workload.network for workload in asked.averaged()} == set(AVERAGED)
    assert asked.headline_rate == 0.9
    assert Asked(networks=("vgg16",), datasets=("cifar10",)).averaged() == (Workload("vgg16", "cifar10"),)


def test_changes_are_simulated_on_workloads_that_stand_for_the_average() -> None:
    counts = Asked().examined()
    assert counts == {
        Workload("alexnet", "cifar10"): 3,
        Workload("resnet18", "cifar10"): 4,
        Workload("resnet18", "imagenet"): 2,
    }
    only = Asked(networks=("resnet34",), datasets=("cifar100",)).examined()
    assert only == {Workload("resnet34", "cifar100"): 1}
    assert Asked(("alexnet",), ("imagenet",)).examined() == {Workload("alexnet", "imagenet"): 1}


def test_samples_are_simulated_where_an_interval_is_given() -> None:
    asked = Asked(samples=4)
    assert asked.samples_of(Workload("resnet34", "imagenet")) == 4
    assert asked.samples_of(Workload("resnet152", "imagenet")) == 1


def test_a_quick_one_examines_two_networks_on_two_data_sets() -> None:
    assert QUICK.examined() == {Workload("alexnet", "cifar10"): 1, Workload("resnet18", "imagenet"): 1}
    assert replace(QUICK, networks=("alexnet",)).examined().keys() <= set(QUICK.workloads())


def test_keys_of_changes_are_unique_and_the_first_changes_nothing() -> None:
    keys = [change.key for change in CHANGES]
    assert len(set(keys)) == len(keys) and CHANGES[0] is AS_DESCRIBED and not AS_DESCRIBED.settings
    assert AS_DESCRIBED in changes(quick=True) and len(changes(quick=True)) < len(changes(quick=False))


@pytest.mark.parametrize("asked", [Asked(), QUICK], ids=["whole", "quick"])
def test_every_point_can_be_simulated(asked: Asked) -> None:
    """Names, values and combinations of all changes, rungs and steps are legal on the default machine."""
    definition, purposes = definition_of(asked)
    plan = Plan(definition)
    found = check(plan, budget_seconds=60)
    assert found.broken == 0 and found.checked == found.combinations
    assert len(set(purposes)) == len(purposes) == len(plan)
    for point in {str(sorted(point.settings.items())): point for point in plan}.values():
        if point.settings["dataset"] == "cifar10" and point.settings["network"] == "alexnet":
            prepare(point)


def test_rungs_share_the_program_and_energies_the_simulations() -> None:
    """A rung differs in nothing that the compiler looks at; an energy accounting in no simulation."""
    asked = Asked(("alexnet",), ("cifar10",), (0.9,), 1)
    by_name = {(purpose.part, purpose.name): settings for purpose, settings in purposes_and_settings(asked)}
    definition, purposes = definition_of(asked)
    plan = Plan(definition)
    prepared = {(purpose.part, purpose.name): prepare(plan[index]) for index, purpose in enumerate(purposes)}
    plain = prepared["change", AS_DESCRIBED.key]
    for rung in SIMULATED:
        free = prepared["rung", rung.name].request.machine
        assert free.ideal != plain.request.machine.ideal
        assert free.model_copy(update={"ideal": plain.request.machine.ideal}) == plain.request.machine
        assert set(by_name["rung", rung.name]) - set(by_name["change", AS_DESCRIBED.key]) == set(
            rung.settings
        )
    netlist = prepared["change", "netlist"]
    assert netlist.simulations == plain.simulations and netlist.key != plain.key


def test_another_machine_has_no_steps_to_a_better_one() -> None:
    asked = Asked(base=settings_of(["groups=28"]))
    assert not asked.is_default_machine
    found = list(purposes_and_settings(asked))
    assert not [purpose for purpose, _ in found if purpose.part == "step"]
    definition, purposes = definition_of(asked)
    points = [Plan(definition)[index] for index, one in enumerate(purposes) if one.part == "grid"]
    assert points and all(point.settings["array.groups"] == 28 for point in points)


def test_settings_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserError, match="grups"):
        settings_of(["grups=28"])
    assert settings_of(["banks=8", "energy.sram.leak=4"]) == {"buffer.banks": 8, "energy.sram.leak": 4.0}


# The ladder


def test_derived_rungs_bracket_the_machine() -> None:
    result = made_result()
    found = {rung: derived(rung, result) for rung in (BOUND, ENTRIES, DISPATCH, DRAM, OTHER)}
    for run, of_run in result.runs.items():
        busy = of_run.group_cycles["busy"] + of_run.group_cycles["reject"]
        assert found[BOUND][run] == of_run.useful_macs / result.machine.pes
        assert found[ENTRIES][run] == busy / result.machine.array.groups
        assert found[DISPATCH][run] == of_run.cycles.on_chip
        assert found[OTHER][run] == of_run.cycles.with_dram
        assert (
            found[BOUND][run]
            <= found[ENTRIES][run]
            <= found[DISPATCH][run]
            <= found[DRAM][run]
            <= found[OTHER][run]
        )


def test_rungs_take_away_less_and_less() -> None:
    free = [set(rung.free or ()) for rung in RUNGS if rung.free is not None]
    assert free[0] == {"free_transfers", "free_ppus", "free_controller"} == set(BALANCE.free or ())
    assert free[-1] == set() and [len(one) for one in free] == [3, 3, 2, 1, 0]


# Averages


def test_weights_say_how_often_a_workload_stands() -> None:
    one, other = Workload("a", "x"), Workload("b", "x")
    assert averages.weighted({one: 1.0, other: 4.0}, {one: 2, other: 1}) == 2.0
    assert averages.geometric({one: 1.0, other: 8.0}, {one: 2, other: 1}) == pytest.approx(2.0)
    assert math.isnan(averages.weighted({one: 1.0}, {one: 2, other: 1}))


@pytest.mark.parametrize(
    ("value", "near"), [(2.7, True), (2.30, True), (2.29, False), (3.10, True), (3.11, False)]
)
def test_near_is_within_fifteen_per_cent(value: float, near: bool) -> None:
    assert averages.is_near(value, 2.7) is near


# Other accountings of energy


def test_energy_views_change_what_they_say() -> None:
    records = step_records(("dense", "natural", "pruned"))
    result = made_result(records)
    machine = result.machine
    actions = {run: total_actions(records, run, machine).on_chip for run in result.runs}
    charged = Charged(result, actions, EnergyModel(machine), EnergyModel(machine.dense_baseline()))
    plain, gated, clocked, both = (view.efficiency for view in energy_views([charged]))
    for run in result.compared:
        assert plain[run] == pytest.approx(result.energy_efficiency[run].on_chip, rel=1e-9)
        assert gated[run] < plain[run]
        assert both[run] < clocked[run]
    waiting = {
        run: one.cycles * machine.pes - one.pe_busy_cycles - one.rejects for run, one in actions.items()
    }
    assert min(waiting.values()) > 0
    more = {
        run: waiting[run]
        * (charged.dense if run == DENSE else charged.sparse).per_action["control.cycle"].centre
        for run in waiting
    }
    spent = {run: result.runs[run].energy_pj.on_chip.centre + more[run] for run in more}
    assert clocked["pruned"] == pytest.approx(spent[DENSE] / spent["pruned"], rel=1e-9)
    assert energy_views([]) == ()


def test_steps_are_settings_of_the_machine() -> None:
    for words, overrides in STEPS:
        assert words and settings_of(overrides)
