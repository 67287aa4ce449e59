"""Does a search find the front, respect constraints, and judge designs on all workloads?"""

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from sparsesim.study.definition import Axis
from sparsesim.study.explore import explore
from sparsesim.study.objectives import Objective
from sparsesim.study.search import conduct, ledger
from sparsesim.study.search.samplers import SamplerMaker
from sparsesim.study.values import Choices, Range, Steps
from tests.builders_search import (
    AREA,
    CYCLES,
    ENERGY,
    LIMIT,
    SPACE,
    ZDT1_AREA,
    ZDT1_REFERENCE,
    ZDT1_SPACE,
    AnalyticRunner,
    area_below,
    area_of,
    asked,
    at_most,
    definition,
    machine,
    memory_storage,
    of_status,
    search,
    zdt1,
)
from workloads.errors import UserError

SAMPLERS = ("nsga2", "tpe", "random")
NETWORK_ONLY = (Axis("network", ("alexnet",)),)


@pytest.fixture(autouse=True)
def in_memory(monkeypatch):
    """What is asked here does not depend on the file that keeps it."""
    monkeypatch.setattr(conduct, "trial_storage", memory_storage())


# How good


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_does_the_front_miss_less_than_half_of_what_random_search_misses(tmp_path, sampler):
    def missed(name):
        study = definition(ZDT1_SPACE)
        found = explore(study, tmp_path, AnalyticRunner(zdt1), trials=168, sampler=name, seed=1)
        return 1 - area_below([trial.values for trial in found.front], ZDT1_REFERENCE) / ZDT1_AREA

    assert 0 < missed(sampler) < missed("random") / 2


def test_is_the_front_of_an_exhausted_space_that_of_all_its_designs(tmp_path):
    space = {name: SPACE[name] for name in ("kind", "groups")}
    fixed = {"slots": 2, "kilobytes": 256, "prune": 0.3, "clock": 500}
    every = [
        machine({**fixed, "kind": kind, "groups": groups})
        for kind in space["kind"].values
        for groups in space["groups"].values
    ]
    best = {
        (one[CYCLES], one[ENERGY])
        for one in every
        if not any(
            other[CYCLES] <= one[CYCLES] and other[ENERGY] <= one[ENERGY] and other != one for other in every
        )
    }
    runner = AnalyticRunner()
    found = search(tmp_path, runner, study=definition(space, base=fixed), trials=1000, precheck=None)
    assert found.exhausted
    assert found.count("done") == len(runner.calls) == 15
    assert {trial.values for trial in found.front} == best
    assert [trial.values[0] for trial in found.front] == sorted(trial.values[0] for trial in found.front)


def test_is_every_generation_bred_from_the_whole_batch_before_it(tmp_path, monkeypatch):
    """Also where trials failed, which would leave Optuna's own count of a generation short."""
    bred = {}
    sampler = SamplerMaker.sampler

    def spied(self, number, batch):
        made = sampler(self, number, batch)
        get_population = made.get_population

        def population(study, generation):
            bred[generation] = [trial.number for trial in get_population(study, generation)]
            return get_population(study, generation)

        monkeypatch.setattr(made, "get_population", population)
        return made

    monkeypatch.setattr(SamplerMaker, "sampler", spied)
    runner = AnalyticRunner(fails=lambda settings: "breaks" if settings["slots"] == 3 else "")
    found = search(tmp_path, runner, study=definition(), trials=40)
    failed = {trial.number for trial in found.trials if trial.status == "failed"}
    admitted = [trial.number for trial in found.trials if trial.status != "refused"]
    assert failed
    for generation in range(4):
        batch = admitted[8 * generation : 8 * generation + 8]
        assert bred[generation] == [number for number in batch if number not in failed]


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_is_a_single_objective_taken_in_its_direction(tmp_path, sampler, goal):
    study = definition(objectives=(Objective(CYCLES, goal),))
    found = search(tmp_path, study=study, sampler=sampler, precheck=None)
    best = {"minimize": min, "maximize": max}[goal](trial.values for trial in found.trials if trial.values)
    assert {trial.values for trial in found.front} == {best}


# The same trials


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_does_the_order_in_which_points_land_change_no_trial(tmp_path, sampler):
    rng = random.Random(0)
    in_order, shuffled = tmp_path / "in_order", tmp_path / "shuffled"
    in_order.mkdir(), shuffled.mkdir()
    runner = AnalyticRunner(order=lambda points: rng.sample(points, len(points)))
    first = search(in_order, sampler=sampler)
    assert asked(first) == asked(search(shuffled, runner, sampler=sampler))
    assert first.count("refused") > 0


# Constraints and failures


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_is_no_design_simulated_that_is_known_to_break_a_constraint(tmp_path, sampler):
    runner = AnalyticRunner()
    found = search(tmp_path, runner, sampler=sampler)
    assert len(runner.calls) == found.count("done") == 30
    assert all(area_of(point)[AREA] <= LIMIT.bound for point in runner.calls)
    refused = of_status(found, "refused")
    beyond = [trial for trial in refused if trial.error == "breaks area_mm2 <= 1.2"]
    assert all(trial.violations["area_mm2 <= 1.2"] > 0 for trial in beyond)
    assert all(trial.error.startswith("the same design as trial") for trial in refused if trial not in beyond)


@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_do_samplers_learn_from_refused_designs_where_few_are_possible(tmp_path, sampler):
    """Fewer than random sampling needs: about 250 refusals to find 30 of these designs."""
    study = definition(constraints=(at_most(0.45),))
    learned = search(tmp_path, study=study, sampler=sampler, trials=30).count("refused")
    guessed = search(tmp_path, study=study, sampler="random", trials=30).count("refused")
    assert learned < guessed / 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_is_a_constraint_that_only_a_simulation_shows_kept_off_the_front(tmp_path, sampler):
    found = search(tmp_path, sampler=sampler, precheck=None)
    done = of_status(found, "done")
    broken = [trial for trial in done if not trial.feasible]
    assert broken
    for trial in done:
        area = machine({"seed": 3, **trial.settings})[AREA]
        assert trial.violations == {"area_mm2 <= 1.2": pytest.approx((area - 1.2) / 1.2)}
    assert found.front
    assert not set(map(id, found.front)) & set(map(id, broken))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_do_constraints_that_exclude_everything_end_in_an_error_each_time(tmp_path, monkeypatch, sampler):
    monkeypatch.setattr(ledger, "HOPELESS_REFUSALS", 200)
    study, runner = definition(constraints=(at_most(0.1),)), AnalyticRunner()
    for _ in range(2):
        with pytest.raises(
            UserError,
            match=r"none of the 200 designs .* a constraint.* example: breaks area.*relax a constraint",
        ):
            search(tmp_path, runner, study=study, sampler=sampler)
    assert not runner.calls


def test_is_a_small_space_that_constraints_exclude_an_error_too(tmp_path):
    study = definition({"groups": SPACE["groups"]}, constraints=(LIMIT,), base={"kind": "plain"})
    with pytest.raises(UserError, match=r"none of the \d+ designs .*\b5 break a constraint"):
        search(tmp_path, study=study, precheck=lambda point: {AREA: 5.0})


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_does_a_search_end_where_all_that_can_be_simulated_was(tmp_path, monkeypatch, sampler):
    """The space is far larger than what the rule leaves of it: three designs."""
    monkeypatch.setattr(ledger, "HOPELESS_REFUSALS", 300)

    def few(point):
        if (point.settings["slots"], point.settings["kilobytes"]) != (4, 64):
            raise UserError("no such machine.")
        return {}

    space = {
        "kind": SPACE["kind"],
        "slots": Range(1, 8, whole=True),
        "kilobytes": Range(32, 96, 8, whole=True),
    }
    study = definition(space, base={"groups": 14, "prune": 0, "clock": 500})
    runner = AnalyticRunner()
    assert search(tmp_path, runner, study=study, precheck=few, sampler=sampler, trials=9).exhausted
    assert 1 <= len(runner.calls) <= 3


def test_is_a_design_that_no_machine_can_have_refused_with_the_rule(tmp_path):
    def checked(point):
        if point.settings["groups"] % point.settings["slots"]:
            raise UserError("slots must divide groups.")
        return {}

    runner = AnalyticRunner()
    found = search(tmp_path, runner, precheck=checked)
    assert all(point.settings["groups"] % point.settings["slots"] == 0 for point in runner.calls)
    assert "slots must divide groups." in {trial.error for trial in found.trials if trial.status == "refused"}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_is_a_failed_point_a_failed_trial_with_its_reason_that_stops_no_other(tmp_path, sampler):
    runner = AnalyticRunner(fails=lambda settings: "out of memory" if settings["slots"] > 5 else "")
    found = search(tmp_path, runner, sampler=sampler)
    failed = of_status(found, "failed")
    assert found.count("done") + len(failed) == 30
    assert {trial.error for trial in failed} == {"out of memory"}
    assert {trial.settings["slots"] for trial in failed} <= {6, 7, 8}
    assert all(trial.rows and not trial.values and trial not in found.front for trial in failed)


def test_are_failed_designs_tried_again_once_where_that_is_asked(tmp_path):
    failing = AnalyticRunner(fails=lambda settings: "no space" if settings["slots"] > 5 else "")
    failed = of_status(search(tmp_path, failing), "failed")
    again, once_more = AnalyticRunner(), AnalyticRunner()
    repaired = search(tmp_path, again, retry_failed=True)
    assert len(again.calls) == len(failed) > 0
    assert [trial.settings for trial in repaired.trials[-len(failed) :]] == [one.settings for one in failed]
    assert repaired.trials[-1].status == "done"
    more = search(tmp_path, once_more, retry_failed=True, trials=34)
    assert asked(more)[: len(repaired.trials)] == asked(repaired)
    assert len(once_more.calls) == 4


def test_does_a_search_end_with_the_reason_where_every_trial_failed(tmp_path):
    with pytest.raises(UserError, match=r"every trial of the search failed, the last one so: no compiler"):
        search(tmp_path, AnalyticRunner(fails=lambda settings: "no compiler"))


def test_is_a_figure_that_no_point_has_named_in_the_reason(tmp_path):
    study = definition(objectives=(Objective("recorded.on_chip_cycles", "minimize"),))
    with pytest.raises(UserError, match=r"'recorded\.on_chip_cycles' does not exist for every point"):
        search(tmp_path, study=study, precheck=None)


# Workloads and spaces


def test_is_a_design_judged_on_all_networks_and_data_sets_together(tmp_path):
    axes = (Axis("network", ("alexnet", "resnet18")), Axis("dataset", ("cifar10", "cifar100", "imagenet")))
    weight = {"alexnet": 1, "resnet18": 3, "cifar10": 1, "cifar100": 10, "imagenet": 100}

    def weighed(settings):
        share = weight[settings["network"]] * weight[settings["dataset"]]
        return {**machine(settings), CYCLES: machine(settings)[CYCLES] * share}

    rng = random.Random(1)
    runner = AnalyticRunner(weighed, order=lambda points: rng.sample(points, len(points)))
    found = search(tmp_path, runner, study=definition(axes=axes), trials=8)
    assert sorted(point.index for point in runner.calls) == list(range(48))
    for trial in found.trials:
        alone = machine(trial.settings)
        assert trial.values == pytest.approx((alone[CYCLES] * 4 * 111, alone[ENERGY] * 6))
        assert len(set(trial.rows)) == 6
        networks = [settings_of(runner, row)["network"] for row in trial.rows]
        assert networks == ["alexnet"] * 3 + ["resnet18"] * 3


def settings_of(runner, row):
    return dict(next(settings for settings, number in runner.rows.items() if number == row))


def test_does_one_failed_workload_fail_the_design(tmp_path):
    axes = (Axis("network", ("alexnet", "resnet18")),)
    runner = AnalyticRunner(fails=lambda settings: "too large" if settings["network"] == "resnet18" else "")
    with pytest.raises(UserError, match="too large"):
        search(tmp_path, runner, study=definition(axes=axes))


def test_are_the_values_of_every_kind_of_axis_those_a_grid_would_have(tmp_path):
    runner = AnalyticRunner()
    search(tmp_path, runner, trials=60, precheck=None, sampler="random")
    tried = {name: {point.settings[name] for point in runner.calls} for name in SPACE}
    assert tried["kind"] == {"plain", "wide", "deep"}
    assert tried["groups"] == {7, 14, 28, 56, 112}
    assert tried["slots"] == set(range(1, 9))
    assert tried["kilobytes"] <= set(range(32, 2049, 32))
    assert tried["prune"] == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
    assert all(type(value) is int for name in ("groups", "slots", "kilobytes") for value in tried[name])
    assert 100 <= min(tried["clock"]) < 200
    assert 500 < max(tried["clock"]) <= 1000


def test_is_an_axis_of_a_grid_searched_too_and_a_long_one_not_written_out(tmp_path):
    long = Axis("kilobytes", Steps(Decimal(32), Decimal(1), 10**9, whole=True))
    space = {name: axis for name, axis in SPACE.items() if name != "kilobytes"}
    runner = AnalyticRunner()
    search(tmp_path, runner, study=definition(space, axes=(long,)), trials=8)
    values = [point.settings["kilobytes"] for point in runner.calls]
    assert len(set(values)) == 8
    assert all(type(value) is int and 32 <= value < 32 + 10**9 for value in values)


@pytest.mark.parametrize(
    "values",
    [(True, False), (True,), (1, 2.5), ("a",), (0, 1, True)],
    ids=["flags", "one", "mixed", "name", "both"],
)
def test_are_flags_names_and_single_values_searched_as_they_are(tmp_path, values):
    space = {**SPACE, "option": Choices(values)}
    runner = AnalyticRunner()
    search(tmp_path, runner, study=definition(space), precheck=None, trials=20)
    found = {(type(point.settings["option"]), point.settings["option"]) for point in runner.calls}
    assert found <= {(type(value), value) for value in values}
    assert len(found) >= min(2, len(values))


# Refused from the start


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"trials": 0}, "trials must be between 1"),
        ({"batch": 1}, "batch must be between 2"),
        ({"seed": -1}, "seed must be between 0"),
        ({"sampler": "nsga3"}, "unknown sampler 'nsga3'. Did you mean 'nsga2'"),
        ({"study": definition(objectives=())}, "search.yaml: nothing to search for"),
        (
            {"study": definition({}, axes=(Axis("network", ("alexnet",)),))},
            "search.yaml: nothing is searched",
        ),
    ],
)
def test_is_a_search_that_cannot_be_refused_in_one_sentence(tmp_path, options, sentence):
    with pytest.raises(UserError, match=f"^{sentence}"):
        search(tmp_path, **options)
    assert not (tmp_path / "trials.sqlite").exists()


def test_is_a_list_of_points_sent_to_sweep(tmp_path):
    with pytest.raises(UserError, match="a list of points is not searched; `sweep`"):
        search(tmp_path, study=replace(definition(), points=({"groups": 7},)))
