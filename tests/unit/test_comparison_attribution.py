"""Where a difference comes from: does every cycle and picojoule of it add up, whatever is compared?"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.comparison.attribution import KINDS, QUANTITIES, Account, Attribution, totals
from reports.comparison.compare import Comparison
from reports.comparison.contributors import ENOUGH, MOST_SHOWN, contributors
from reports.comparison.factors import factors
from reports.comparison.sentences import verdict
from sparsesim.results.parts import ACCOUNTINGS, STAGES
from tests.builders_comparisons import compared, simulated, slowed
from tests.builders_results import made_result, step_records

COMPARED = ("groups112", "hbm2", "samples", "network", "recorded")


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


@pytest.fixture
def found(request: pytest.FixtureRequest, real: Comparison, made: Comparison) -> Attribution:
    every = {a.side.name: a for comparison in (real, made) for a in comparison.attributions}
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


def test_rounding_is_no_difference() -> None:
    before = np.array([[3.0, 1e6, 0.0, 5.0]])
    after = np.array([[3.0 + 4e-16, 1e6 + 1e-4, 1e-9, 5.0]])
    found = Account(("busy", "reject", "buffer", "ppu"), before, after)
    assert found.difference.tolist() == [[0.0, after[0, 1] - 1e6, 1e-9, 0.0]]


def test_on_chip_has_neither_dram_nor_other_work() -> None:
    assert not {"dram", "other"} & {*KINDS["cycles", "on_chip"], *KINDS["energy_pj", "on_chip"]}


@pytest.mark.parametrize("found", COMPARED, indirect=True)
def test_work_array_and_use_make_the_ratio_of_cycles(found: Attribution) -> None:
    parts = factors(found.reference, found.side)
    wanted = found.side.measures.cycles.over(found.reference.measures.cycles)
    assert parts.macs * parts.multipliers * parts.utilization == pytest.approx(wanted.on_chip)
    assert parts.cycles_on_chip * parts.waiting == pytest.approx(wanted.with_dram)


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
    assert any("3 layers without a counterpart: conv2 (only C)" in sentence for sentence in verdict(found))


def test_equal_runs_are_said_to_be_equal(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": made_result(), "b": made_result()}).attributions[0]
    assert list(verdict(found)) == ["B and A: the same cycles and the same energy, in every layer."]
    for quantity in QUANTITIES:
        assert contributors(found, quantity).largest == [] and contributors(found, quantity).others == 0


# The largest contributors


def test_contributors_are_the_largest_until_enough_is_told(tmp_path: Path) -> None:
    one = made_result(step_records(layers=8))
    found = compared(tmp_path, {"a": one, "b": slowed(one, {"conv3": 5.0, "conv5": 0.5})}).attributions[0]
    told = contributors(found, "cycles")
    assert {found.text(c.part.line) for c in told.largest if c.part.line is not None} <= {"conv3", "conv5"}
    sizes = [abs(c.difference.with_dram) for c in told.largest]
    assert sizes == sorted(sizes, reverse=True)
    every = np.abs(found.accounts["cycles", "with_dram"].by_part())
    assert sum(sizes) >= ENOUGH * every.sum() > sum(sizes[:-1])
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
