"""Where a difference comes from: does every cycle and picojoule of it add up, whatever is compared?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.comparison.attribution import QUANTITIES, Account, Attribution, totals
from reports.comparison.compare import Comparison
from reports.comparison.contributors import MOST_SHOWN, contributors
from reports.comparison.factors import factors
from reports.comparison.sentences import verdict
from sparsesim.results.model import Result
from sparsesim.results.parts import ACCOUNTINGS, STAGES
from tests.books import shows
from tests.builders_comparisons import compared, simulated, slowed, unlike
from tests.builders_results import made_result, step_records

COMPARED = ("groups112", "hbm2", "samples", "network", "recorded", "other")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """The same trace on three machines."""
    folder = tmp_path_factory.mktemp("real")
    return compared(folder, simulated(folder))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Other samples, other layers and another run, in thirds of cycles and of samples."""
    runs = {
        "base": made_result(),
        "samples": made_result(step_records(samples=3)),
        "network": replace(made_result(step_records(layers=5)), network="other"),
        "recorded": made_result(step_records(("dense", "recorded"), layers=1), prune=None),
    }
    return compared(tmp_path_factory.mktemp("made"), runs)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Machines that have next to nothing in common."""
    return compared(tmp_path_factory.mktemp("other"), unlike())


@pytest.fixture
def found(
    request: pytest.FixtureRequest, real: Comparison, made: Comparison, other: Comparison
) -> Attribution:
    every = {a.side.name: a for comparison in (real, made, other) for a in comparison.attributions}
    return every[request.param]


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_the_parts_add_up_to_the_difference_of_the_runs(found: Attribution) -> None:
    """Cycles to the last digit, energies as far as floating point goes."""
    for quantity in QUANTITIES:
        before, after = totals(found.reference, quantity), totals(found.side, quantity)
        for accounting in ACCOUNTINGS:
            account = found.accounts[quantity, accounting]
            wanted = after[accounting] - before[accounting]
            sums = (
                account.total,
                math.fsum(account.by_part()),
                math.fsum(change for _, _, change in account.by_kind().values()),
                math.fsum(found.by_stage(quantity, accounting).values()),
            )
            for value in sums:
                assert value == pytest.approx(wanted, rel=1e-12, abs=1e-12 * after[accounting])
                if quantity == "cycles":
                    assert round(value, 6) == round(wanted, 6)


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_every_layer_and_stage_adds_up_to_its_own_difference(found: Attribution) -> None:
    layers = [side.result.of_run(side.run) for side in (found.reference, found.side)]
    for quantity in QUANTITIES:
        for accounting in ACCOUNTINGS:
            changes = found.accounts[quantity, accounting].by_part()
            for part, change in zip(found.parts, changes, strict=True):
                if part.line is None:
                    continue
                line = found.lineup.lines[part.line]
                names = line[0], line[found.place]
                pair = [of_run.get((name, part.stage)) for of_run, name in zip(layers, names, strict=True)]
                spent = [
                    0.0
                    if layer is None
                    else layer.cycles.__dict__[accounting]
                    if quantity == "cycles"
                    else getattr(layer.energy_pj, accounting).centre
                    for layer in pair
                ]
                assert change == pytest.approx(spent[1] - spent[0], rel=1e-9, abs=1e-9 * max(spent))


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_each_side_is_split_as_its_result_says(found: Attribution) -> None:
    for at, side in enumerate((found.reference, found.side)):
        groups = side.result.machine.array.groups
        for cause, values in found.accounts["cycles", "with_dram"].by_kind().items():
            assert values[at] * groups == pytest.approx(side.measures.group_cycles[cause])
        for accounting in ACCOUNTINGS:
            components = getattr(side.measures.energy_pj, f"{accounting}_components")
            for name, values in found.accounts["energy_pj", accounting].by_kind().items():
                assert values[at] == pytest.approx(components[name].centre)


def test_sums_of_differences_are_no_rounding_either(real: Comparison) -> None:
    """Cycles of groups are whole, so that no difference of their means is that small."""
    for attribution in real.attributions:
        for accounting in ACCOUNTINGS:
            account = attribution.accounts["cycles", accounting]
            kinds = [change for _, _, change in account.by_kind().values()]
            stages = attribution.by_stage("cycles", accounting).values()
            for value in (*account.by_part(), *kinds, *stages, account.total):
                assert value == 0 or abs(value) > 1e-6


def test_rounding_is_no_difference() -> None:
    before = np.array([[3.0, 1e6, 0.0, 5.0]])
    after = np.array([[3.0 + 4e-16, 1e6 + 1e-4, 1e-9, 5.0]])
    found = Account(("busy", "reject", "buffer", "ppu"), before, after)
    assert found.difference.tolist() == [[0.0, after[0, 1] - 1e6, 1e-9, 0.0]]


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_the_accountings_differ_by_waits_for_dram_and_other_work(found: Attribution) -> None:
    """Of each side, as the result has them; and by the energy of DRAM, other work and longer leakage."""
    cycles = [found.accounts["cycles", name].together() for name in ACCOUNTINGS]
    energies = [found.accounts["energy_pj", name] for name in ACCOUNTINGS]
    for at, side in enumerate((found.reference, found.side)):
        waits = side.measures.group_cycles["dram"] + side.measures.group_cycles["other"]
        wanted = waits / side.result.machine.array.groups
        assert cycles[1][at] - cycles[0][at] == pytest.approx(wanted, abs=1e-6)
        spent = [side.measures.energy_pj.on_chip.centre, side.measures.energy_pj.with_dram.centre]
        assert [account.together()[at] for account in energies] == pytest.approx(spent)


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_work_array_and_use_make_the_ratio_of_cycles(found: Attribution) -> None:
    parts = factors(found.reference, found.side)
    wanted = found.side.measures.cycles.over(found.reference.measures.cycles)
    assert parts.macs * parts.multipliers * parts.utilization == pytest.approx(wanted.on_chip)
    assert parts.cycles_on_chip * parts.waiting == pytest.approx(wanted.with_dram)


def test_multipliers_are_those_of_all_pes(tmp_path: Path) -> None:
    """28 groups of three multipliers a PE instead of 56 of one."""
    parts = factors(*compared(tmp_path, unlike()).sides)
    assert parts.multipliers == pytest.approx(56 / (28 * 3))


def test_twice_the_groups_are_half_the_factor_of_multipliers(real: Comparison) -> None:
    found = factors(real.sides[0], real.sides[1])
    assert found.multipliers == 0.5 and found.macs == pytest.approx(1)


def test_layers_of_one_side_count_in_full_and_are_named(made: Comparison) -> None:
    found = next(a for a in made.attributions if a.side.name == "network")
    texts = [found.text(line) for line in found.alone]
    assert texts == ["conv2 (only C)", "conv3 (only C)", "conv4 (only C)"]
    changes = found.accounts["cycles", "with_dram"].by_part()
    alone = math.fsum(
        change for part, change in zip(found.parts, changes, strict=True) if part.line in found.alone
    )
    layers = found.side.result.of_run(found.side.run)
    wanted = [
        layer.cycles.with_dram for layer in layers.values() if layer.name in ("conv2", "conv3", "conv4")
    ]
    assert alone == pytest.approx(math.fsum(wanted))


def test_what_layers_of_one_side_cost_is_told_apart_from_the_rest(tmp_path: Path) -> None:
    more = slowed(made_result(step_records(layers=4)), {"conv0": 3.0})
    found = compared(tmp_path, {"a": made_result(), "b": more}).attributions[0]
    layers = more.of_run("pruned").values()
    alone = sum(x.cycles.with_dram for x in layers if x.name in ("conv2", "conv3"))
    total = sum(found.accounts["cycles", "with_dram"].by_part())
    said = next(sentence for sentence in verdict(found) if "without a counterpart" in sentence)
    assert said.startswith("2 layers without a counterpart: conv2 (only B), conv3 (only B)")
    numbers = re.search(r"together (\S+) of the (\S+) cycles", said)
    assert numbers is not None and shows(numbers[1], alone) and shows(numbers[2], total)
    assert not shows(numbers[1], total)


def test_a_layer_has_the_name_that_its_side_gives_it(tmp_path: Path) -> None:
    """Though another side, of which it is the same layer, calls it differently."""
    one = made_result()

    def called(prefix: str) -> Result:
        layers = tuple(replace(layer, name=prefix + layer.name) for layer in one.layers)
        return replace(one, layers=layers, network=prefix)

    runs = {"a": made_result(step_records(layers=1)), "b": called("x."), "c": called("y.")}
    first, second = compared(tmp_path, runs).attributions
    texts = [
        [found.text(line) for line, side in found.alone.items() if side is found.side]
        for found in (first, second)
    ]
    assert texts[0] == ["x.conv0 (only B)", "x.conv1 (only B)", "x.fc (only B)"]
    assert texts[1] == ["y.conv0 (only C)", "y.conv1 (only C)", "y.fc (only C)"]


def test_equal_runs_are_said_to_be_equal(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": made_result()}).attributions[0]
    assert list(verdict(found)) == ["B and A: the same cycles and the same energy, in every layer."]
    for quantity in QUANTITIES:
        assert contributors(found, quantity).largest == [] and contributors(found, quantity).others == 0


# The largest contributors


def test_contributors_are_the_largest_until_nine_tenths_are_told(tmp_path: Path) -> None:
    one = made_result(step_records(layers=8))
    found = compared(tmp_path, {"a": one, "b": slowed(one, {"conv3": 5.0, "conv5": 0.5})}).attributions[0]
    told = contributors(found, "cycles")
    assert {found.text(c.part.line) for c in told.largest if c.part.line is not None} <= {"conv3", "conv5"}
    sizes = [abs(c.difference.with_dram) for c in told.largest]
    assert sizes == sorted(sizes, reverse=True)
    every = np.abs(found.accounts["cycles", "with_dram"].by_part())
    assert sum(sizes) >= 0.9 * every.sum() > sum(sizes[:-1])
    assert all(c.dominating["with_dram"] == "busy" for c in told.largest)


def test_what_is_left_is_counted_and_summed(tmp_path: Path) -> None:
    one = made_result(step_records(layers=40))
    found = compared(
        tmp_path, {"a": one, "b": slowed(one, {f"conv{n}": 1.1 for n in range(40)})}
    ).attributions[0]
    told = contributors(found, "cycles")
    every = found.accounts["cycles", "with_dram"].by_part()
    assert len(told.largest) == MOST_SHOWN
    assert told.others == sum(change != 0 for change in every) - MOST_SHOWN
    shown = math.fsum(c.difference.with_dram for c in told.largest)
    assert shown + told.rest.with_dram == pytest.approx(math.fsum(every))


def test_the_dominating_cause_is_one_in_the_direction_of_the_difference(real: Comparison) -> None:
    for attribution in real.attributions:
        account = attribution.accounts["cycles", "with_dram"]
        rows = {part: account.difference[at] for at, part in enumerate(attribution.parts)}
        for one in contributors(attribution, "cycles").largest:
            values = dict(zip(account.kinds, rows[one.part], strict=True))
            cause = one.dominating["with_dram"]
            assert values[cause] * one.difference.with_dram > 0
            assert all(
                values[cause] / one.difference.with_dram >= v / one.difference.with_dram
                for v in values.values()
            )


def test_parts_are_in_the_order_of_layers_and_stages(real: Comparison) -> None:
    for attribution in real.attributions:
        keys = [(math.inf if p.line is None else p.line, STAGES.index(p.stage)) for p in attribution.parts]
        assert keys == sorted(set(keys))
