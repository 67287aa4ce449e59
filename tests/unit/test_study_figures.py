"""The figures of a point: is each the number of the result that its name and unit say?"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from sparsesim.energy import COMPONENTS, EnergyModel
from sparsesim.machine import load_machine
from sparsesim.results.model import Result
from sparsesim.results.parts import CAUSES
from sparsesim.study.figures import ALIASES, FIGURES, RUNS, area_figures, canonical_figure, figures_of
from sparsesim.study.judge import judge
from tests.builders_results import MACHINE, made_result, step_records
from workloads.errors import UserError

AREA = EnergyModel(MACHINE).area_um2
UNITS = {"_pj": "pJ", "_ms": "ms", "_pj_ms": "pJ ms", "_mm2": "mm2", "_bytes": "bytes", "_cycles": "cycles"}


def figures(*runs: str, **changed: Any) -> tuple[Result, dict[str, float]]:
    result = made_result(step_records(runs or ("dense", "natural", "pruned")), **changed)
    return result, figures_of(result, AREA)


# Names


def test_every_figure_has_its_unit_in_its_name() -> None:
    for name, figure in FIGURES.items():
        assert figure.name == name
        suffix = re.search(r"(_pj_ms|_pj|_ms|_mm2|_bytes|_cycles)$", name)
        if suffix:
            assert figure.unit == UNITS[suffix[0]], name
        elif name.partition(".")[2] in ("", "useful_macs") and "macs" in name:
            assert figure.unit == "MACs"
        elif "group_cycles" in name:
            assert figure.unit == "group cycles"
        else:
            assert figure.unit == "", name


def test_every_figure_that_may_be_there_is_documented_and_every_documented_one_may_be_there() -> None:
    seen: set[str] = set()
    for runs in (("dense", "natural", "pruned"), ("dense", "natural"), ("dense", "recorded")):
        _, found = figures(*runs)
        assert list(found) == [name for name in FIGURES if name in found]
        seen |= set(found)
    never = {name for name in FIGURES if re.match(r"dense\..*(speedup|efficiency)$", name)}
    assert seen == set(FIGURES) - never


def test_aliases_stand_for_figures_and_are_none_themselves() -> None:
    assert not ALIASES.keys() & FIGURES.keys()
    assert {canonical_figure(alias, "here") for alias in ALIASES} <= FIGURES.keys()
    assert canonical_figure("cycles", "here") == "with_dram_cycles"
    assert canonical_figure("dense.with_dram_cycles", "here") == "dense.with_dram_cycles"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("cycle", "cycles"), ("aera", "area"), ("on_chip_cycle", "on_chip_cycles"),
     ("dense.on_chip_cycle", "dense.on_chip_cycles")],
)  # fmt: skip
def test_an_unknown_figure_is_told_the_nearest_one_and_the_place(name: str, nearest: str) -> None:
    with pytest.raises(UserError, match=rf"^here: unknown figure '{name}'\. Did you mean '{nearest}'\?"):
        canonical_figure(name, "here")


# Values


@pytest.mark.parametrize(
    ("runs", "headline"),
    [
        (("dense", "natural", "pruned"), "pruned"),
        (("dense", "natural"), "natural"),
        (("dense", "recorded"), "recorded"),
    ],
)
def test_the_headline_is_the_last_run_and_the_others_have_their_names(
    runs: tuple[str, ...], headline: str
) -> None:
    result, found = figures(*runs)
    assert found["with_dram_cycles"] == result.runs[headline].cycles.with_dram
    for run in runs:
        of_run = result.runs[run]
        assert found[f"{run}.on_chip_cycles"] == of_run.cycles.on_chip
        assert found[f"{run}.with_dram_energy_pj"] == of_run.energy_pj.with_dram.centre
        assert found[f"{run}.pe_utilization"] == of_run.pe_utilization
        assert found[f"{run}.useful_macs"] == of_run.useful_macs
    for name, value in found.items():
        if name.startswith(f"{headline}."):
            assert found[name.partition(".")[2]] == value
    assert {name.partition(".")[0] for name in found if "." in name} == set(runs) <= set(RUNS)


def test_ratios_have_the_dense_run_above() -> None:
    _, found = figures()
    for accounting in ("on_chip", "with_dram"):
        for run in ("natural", "pruned"):
            cycles = found[f"dense.{accounting}_cycles"] / found[f"{run}.{accounting}_cycles"]
            energy = found[f"dense.{accounting}_energy_pj"] / found[f"{run}.{accounting}_energy_pj"]
            assert found[f"{run}.{accounting}_speedup"] == pytest.approx(cycles, rel=1e-15)
            assert found[f"{run}.{accounting}_energy_efficiency"] == pytest.approx(energy, rel=1e-15)
            assert cycles > 1


@pytest.mark.parametrize("clock_mhz", [800, 1, 3217.5])
def test_time_is_cycles_at_the_clock_of_the_machine(clock_mhz: float) -> None:
    machine = load_machine("sparsetrain", [f"clock_mhz={clock_mhz}"])
    result = made_result(machine=machine)
    found = figures_of(result, AREA)
    for name in ("on_chip", "with_dram"):
        milliseconds = found[f"{name}_cycles"] / clock_mhz / 1000
        assert found[f"{name}_time_ms"] == pytest.approx(milliseconds, rel=1e-14)
        product = found[f"{name}_energy_pj"] * milliseconds
        assert found[f"{name}_energy_delay_pj_ms"] == pytest.approx(product, rel=1e-14)


def test_parts_add_up_to_what_they_are_parts_of() -> None:
    result, found = figures()
    energy = sum(found[f"energy_{name}_pj"] for name in COMPONENTS)
    assert energy == pytest.approx(found["with_dram_energy_pj"], rel=1e-12)
    cycles = sum(found[f"group_cycles_{cause}"] for cause in CAUSES)
    assert cycles == pytest.approx(found["with_dram_cycles"] * result.machine.array.groups, rel=1e-12)
    area = sum(found[f"area_{part}_mm2"] for part in ("pe", "ppu", "buffer", "controller"))
    assert area == pytest.approx(found["area_mm2"], rel=1e-12)
    assert area == pytest.approx(AREA["total"].centre * 1e-6, rel=1e-12)
    bytes_moved = result.runs["pruned"].bytes
    assert found["dram_traffic_bytes"] == bytes_moved.dram_read + bytes_moved.dram_write
    assert found["buffer_traffic_bytes"] == bytes_moved.buffer_read + bytes_moved.buffer_write


def test_the_columns_of_the_energy_table_are_in_order() -> None:
    _, found = figures()
    for name in ("on_chip", "with_dram"):
        low, centre, high = (found[f"{name}_energy_{column}pj"] for column in ("low_", "", "high_"))
        assert 0 < low < centre < high


def test_a_figure_that_does_not_exist_is_left_out() -> None:
    result, _ = figures()
    run = result.runs["pruned"]
    nothing = replace(run, cycles=replace(run.cycles, on_chip=0.0), pe_utilization=math.nan)
    found = figures_of(replace(result, runs={**result.runs, "pruned": nothing}), AREA)
    missing = {name for name in FIGURES if name in figures()[1] and name not in found}
    assert missing == {"on_chip_speedup", "pruned.on_chip_speedup", "pe_utilization", "pruned.pe_utilization"}
    assert all(math.isfinite(value) for value in found.values())


def test_areas_are_known_without_a_result() -> None:
    _, found = figures()
    areas = area_figures(AREA)
    assert areas == {name: value for name, value in found.items() if name in areas}
    assert len(areas) == 5


def test_every_figure_of_two_workloads_makes_one_number_and_of_equal_ones_what_its_kind_says() -> None:
    _, found = figures()
    for name, value in found.items():
        together = judge(name, [found, found]) if value > 0 or FIGURES[name].combination == "sum" else None
        if together is not None:
            twice = FIGURES[name].combination == "sum"
            assert together == pytest.approx(2 * value if twice else value, rel=1e-12), name
