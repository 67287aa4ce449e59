"""Do drawn tables move as they should, and is the energy they give that of the model?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sparsesim.energy import ACTIONS, ActionCounts, EnergyModel, default_table, on_chip, total
from sparsesim.energy.error_groups import GROUPS, group_of_action, group_of_row, grouped_rows, groups_of
from sparsesim.energy.monte_carlo import (
    EfficiencyDraws,
    draw_tables,
    drawn_energies,
    how_often,
    quantiles,
    value_at,
    values_at,
)
from sparsesim.energy.table import EnergyTable, Row
from sparsesim.machine import load_machine
from sparsesim.results.totals import total_actions
from tests.builders_results import MACHINE, made_result, step_records
from workloads.errors import UserError

TABLE = default_table()
COLUMN_AT = {-1.0: "low", 0.0: "centre", 1.0: "high"}
RUNS = ("natural", "pruned")


def row(low: float, centre: float, high: float) -> Row:
    return Row(low=low, centre=centre, high=high, unit="pJ", source="made up")


def with_given() -> EnergyTable:
    """The default table with energies of the user's own."""
    given = {"buffer.read": row(4, 8, 12), "buffer.write": row(5, 9, 18), "dram.read": row(100, 200, 500)}
    return TABLE.model_copy(update={"actions": given})


def energies_at(table: EnergyTable, deviate: float, machine=MACHINE) -> np.ndarray:
    return drawn_energies(machine, [values_at(table, dict.fromkeys(groups_of(table), deviate))])[0]


# Rows and groups


@pytest.mark.parametrize(
    ("deviate", "expected"), [(-1, 2), (-0.5, 4), (0, 8), (0.5, 8 * math.sqrt(4)), (1, 32)]
)
def test_a_row_moves_by_powers_of_its_range(deviate: float, expected: float) -> None:
    assert value_at(row(2, 8, 32), deviate) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("of", "deviate", "expected"),
    [((0, 8, 16), -0.25, 6), ((0, 8, 16), 0.5, 8 * math.sqrt(2)), ((0, 0, 3), 0.5, 1.5), ((0, 0, 0), 1, 0)],
)
def test_where_there_is_no_factor_a_row_moves_linearly(
    of: tuple[float, float, float], deviate: float, expected: float
) -> None:
    assert value_at(row(*of), deviate) == pytest.approx(expected, rel=1e-12)


def test_every_row_rises_with_the_deviate_within_its_range() -> None:
    for name, _, of in grouped_rows(TABLE):
        values = [value_at(of, deviate) for deviate in np.linspace(-1, 1, 21)]
        assert (np.diff(values) >= -1e-15).all(), name
        assert values[0] == pytest.approx(of.low) and values[-1] == pytest.approx(of.high)


def test_every_row_and_action_has_a_group() -> None:
    assert {group for _, group, _ in grouped_rows(TABLE)} == set(GROUPS) == set(groups_of(TABLE))
    assert group_of_row("sram", "area_per_bank") == group_of_row("logic", "area_overhead") == "area"
    assert group_of_row("sram", "leak") == group_of_row("logic", "leak") == "leakage"
    assert group_of_row("sram", "read_scale") == "sram"
    assert group_of_action("buffer.read") == group_of_action("buffer.write") != group_of_action("dram.read")


def deviate_of(of: Row, value: float) -> float:
    end = of.high if value >= of.centre else of.low
    return math.copysign(math.log(value / of.centre) / math.log(end / of.centre), value - of.centre)


def test_rows_of_a_group_move_together_and_groups_independently() -> None:
    drawn = list(draw_tables(TABLE, 400, 7))

    def deviates(name: str) -> np.ndarray:
        return np.array([deviate_of(TABLE.row(name), values.rows(name)) for values in drawn])

    multiplier = deviates("mul_int16.compute")
    np.testing.assert_allclose(multiplier, deviates("counter32.count"), atol=1e-9)
    np.testing.assert_allclose(multiplier, deviates("mac_bf16.compute"), atol=1e-9)
    for other in ("flop_bit.write", "sram.read_scale", "wire.transfer", "logic.leak", "mac_int16.area"):
        assert abs(np.corrcoef(multiplier, deviates(other))[0, 1]) < 0.2
    assert stats.kstest(multiplier, stats.triang(0.5, loc=-1, scale=2).cdf).pvalue > 0.001


def test_energies_of_ones_own_move_by_component() -> None:
    table = with_given()
    drawn = [values.actions for values in draw_tables(table, 50, 0)]
    read, write, memory = (
        np.array([deviate_of(table.actions[name], values[name]) for values in drawn])
        for name in ("buffer.read", "buffer.write", "dram.read")
    )
    np.testing.assert_allclose(read, write, atol=1e-9)
    assert abs(np.corrcoef(read, memory)[0, 1]) < 0.5


# Seeds


def test_equal_seeds_give_equal_tables_and_few_draws_are_the_first_of_many() -> None:
    def energies(draws: int, seed: int, table: EnergyTable = TABLE) -> np.ndarray:
        return drawn_energies(MACHINE, draw_tables(table, draws, seed))

    many = energies(20, 3)
    np.testing.assert_array_equal(many, energies(20, 3))
    np.testing.assert_array_equal(many[:5], energies(5, 3))
    assert (many != energies(20, 4)).any()
    # Energies of one's own leave the draws of all others alone.
    given = energies(20, 3, with_given())
    same = [name not in with_given().actions for name in EnergyModel(MACHINE).per_action]
    np.testing.assert_array_equal(many[:, same], given[:, same])


@pytest.mark.parametrize(("draws", "seed", "words"), [(0, 0, "draws .* 1 or more"), (5, -1, "seed .* 0 or")])
def test_what_cannot_be_drawn_is_refused(draws: int, seed: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        draw_tables(TABLE, draws, seed)


# Energies


@pytest.mark.parametrize("table", [TABLE, with_given()], ids=["default", "given"])
@pytest.mark.parametrize(
    "machine", [MACHINE, MACHINE.dense_baseline(), load_machine("sparsetrain", ["kind=hbm2"])]
)
@pytest.mark.parametrize("deviate", COLUMN_AT)
def test_at_the_ends_and_the_centre_energies_are_the_columns(table, machine, deviate: float) -> None:
    found = energies_at(table, deviate, machine)
    columns = EnergyModel(machine, table).per_action.values()
    expected = [getattr(energy, COLUMN_AT[deviate]) for energy in columns]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("deviate", COLUMN_AT)
@pytest.mark.parametrize("samples", [1, 3])
def test_the_energy_of_a_result_is_that_of_its_total_actions(deviate: float, samples: int) -> None:
    records = step_records(samples=samples)
    result = made_result(records)
    for run, found in result.runs.items():
        machine = MACHINE.dense_baseline() if run == "dense" else MACHINE
        pj = energies_at(TABLE, deviate, machine)
        inside, everything = (pj @ how_often(counts) for counts in total_actions(records, run, MACHINE))
        assert inside == pytest.approx(getattr(found.energy_pj.on_chip, COLUMN_AT[deviate]), rel=1e-12)
        assert everything == pytest.approx(getattr(found.energy_pj.with_dram, COLUMN_AT[deviate]), rel=1e-12)


def test_total_actions_are_those_of_the_records_per_sample() -> None:
    records = step_records(("dense", "pruned"), samples=3)
    inside, everything = total_actions(records, "pruned", MACHINE)
    result = made_result(records).runs["pruned"]
    assert inside.cycles == pytest.approx(result.cycles.on_chip)
    assert everything.cycles == pytest.approx(result.cycles.with_dram)
    assert inside.macs == everything.macs == pytest.approx(result.useful_macs)
    assert everything.dram_read_bytes == pytest.approx(result.bytes.dram_read)
    assert inside.dram_read_bytes == inside.dram_write_bytes == inside.vector_operations == 0


def test_a_tiny_case_by_hand() -> None:
    """MACs of 1, 2, 8 pJ and words from the memory of 100, 200, 400 pJ; all else is free."""
    free = dict.fromkeys(ACTIONS, row(0, 0, 0))
    given = free | {"mac.compute": row(1, 2, 8), "dram.read": row(100, 200, 400)}
    table = TABLE.model_copy(update={"actions": given})
    deviates = dict.fromkeys(groups_of(table), 0.0) | {"given mac": 0.5, "given dram": -1.0}
    pj = drawn_energies(MACHINE, [values_at(table, deviates)])[0]
    dense = ActionCounts(macs=300.0, dram_read_bytes=80.0)  # 300 x 4 + 10 x 100
    run = ActionCounts(macs=100.0, dram_read_bytes=40.0)  # 100 x 4 + 5 x 100
    assert pj @ how_often(dense) == pytest.approx(2200) and pj @ how_often(run) == pytest.approx(900)
    centre = EfficiencyDraws(MACHINE, table, 200, 1).efficiency(dense, run)
    # Between memory alone, 10 over 5, and MACs alone, 300 over 100; at the centre 2600 over 1200.
    assert ((centre > 2) & (centre < 3)).all()
    assert np.median(centre) == pytest.approx(2600 / 1200, abs=0.05)


def test_both_machines_share_a_draw() -> None:
    """The error of a row is the same on both sides: a machine over itself is 1 in every draw."""
    drawn = EfficiencyDraws(MACHINE.dense_baseline(), TABLE, 20, 0)
    counts = total_actions(step_records(), "dense", MACHINE).with_dram
    np.testing.assert_allclose(drawn.efficiency(counts, counts), 1.0, rtol=1e-12)


def test_the_interval_is_around_the_centre() -> None:
    records = step_records()
    result = made_result(records)
    drawn = EfficiencyDraws(MACHINE, TABLE, 300, 0)
    dense = total_actions(records, "dense", MACHINE)
    for run in RUNS:
        actions = total_actions(records, run, MACHINE)
        for accounting in ("on_chip", "with_dram"):
            draws = drawn.efficiency(getattr(dense, accounting), getattr(actions, accounting))
            found = quantiles(draws)
            centre = result.energy_efficiency_range[run][accounting].centre
            assert found.low < centre < found.high
            assert found.median == pytest.approx(centre, rel=0.05)


def test_a_table_that_charges_nothing_has_no_efficiency() -> None:
    drawn = EfficiencyDraws(MACHINE, TABLE, 3, 0)
    assert np.isnan(drawn.efficiency(ActionCounts(macs=1.0), ActionCounts())).all()
    assert math.isnan(quantiles(np.array([1.0, math.nan])).median)


def test_quantiles_are_those_of_the_draws() -> None:
    assert quantiles(np.arange(1001.0)) == pytest.approx((25.0, 500.0, 975.0))


def test_a_draw_keeps_the_accountings_apart() -> None:
    """The energies of a drawn table add up as those of the model do, on chip without the memory."""
    counts = ActionCounts(macs=1e6, lines_read=2e4, dma_lines=300.0, dram_read_bytes=4800.0, cycles=5e4)
    model = EnergyModel(MACHINE)
    energies = model.energy(counts)
    pj = energies_at(TABLE, 0.0)
    assert pj @ how_often(counts) == pytest.approx(total(energies).centre, rel=1e-12)
    memory = ActionCounts(dram_read_bytes=4800.0)
    assert pj @ (how_often(counts) - how_often(memory)) == pytest.approx(on_chip(energies).centre, rel=1e-12)
