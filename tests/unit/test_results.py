"""Results: do the books balance, is the summary schema 1, does a run folder appear whole or not at all?"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy import stats

from compiler.program import Stage
from sparsesim.energy import EnergyModel
from sparsesim.engine.kernels import layout
from sparsesim.machine import load_machine
from sparsesim.results.actions import stage_actions
from sparsesim.results.bounds import BoundViolation, check_bounds
from sparsesim.results.document import number
from sparsesim.results.folder import folder_name, reserve
from sparsesim.results.interval import mean_half_width, ratio_half_width, student_quantile
from sparsesim.results.manifest import manifest
from sparsesim.results.model import Result
from tests.builders_results import MACHINE, made_result, several, stage_record, step_records
from tests.schema_result import check_summary
from workloads.errors import UserError

STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def about(result: Result) -> dict[str, object]:
    return manifest(
        result, arguments={"network": "resnet18"}, inputs={"machine": "00"}, argv=["x"], started=STARTED
    )


# The summary


@pytest.mark.parametrize(
    "runs", [("dense", "natural", "pruned"), ("dense", "natural"), ("dense", "recorded")], ids="-".join
)
@pytest.mark.parametrize("samples", [1, 3])
def test_the_summary_is_as_schema_1_has_it(runs: tuple[str, ...], samples: int) -> None:
    result = made_result(step_records(runs, samples=samples))
    check_bounds(result)
    check_summary(json.loads(json.dumps(result.to_dict(), allow_nan=False)))


def test_the_schema_check_notices_a_cause_that_does_not_add_up() -> None:
    summary = made_result().to_dict()
    summary["layers"][0]["group_cycles"]["busy"] += 5000
    with pytest.raises(AssertionError):
        check_summary(summary)


def test_the_summary_holds_the_complete_machine() -> None:
    machine = load_machine("sparsetrain", ["kind=hbm2"])
    summary = made_result(machine=machine).to_dict()
    assert summary["machine"] == machine.model_dump()


def test_whole_counts_are_integers_and_fractions_stay() -> None:
    assert (number(3.0), number(2.5)) == (3, 2.5)
    assert isinstance(number(3.0), int)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_never_gets_into_a_summary(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        number(value)


def test_transferred_sparsity_is_said_and_a_recording_of_its_own_has_no_such_key() -> None:
    profile = {"name": "n", "kind": "profile", "source": "s", "transferred_from": "another network"}
    assert made_result(profile=profile).to_dict()["profile"] == profile
    assert "transferred_from" not in made_result().to_dict()["profile"]


# Per sample


def test_a_record_of_several_samples_counts_as_their_mean() -> None:
    fc = made_result().of_run("pruned")["fc", "forward"]
    single = stage_record("pruned", "fc", 2, Stage.FORWARD)
    assert fc.cycles.on_chip == single.on_chip_cycles
    assert fc.bytes.dram_read == single.dram_read_bytes
    assert fc.group_cycles["busy"] == single.states[:, layout.BUSY].sum() / 3


def test_samples_are_averaged_by_how_many_a_record_holds() -> None:
    records = step_records(("dense", "natural"))
    one, other = (stage_record("natural", "gw", 9, Stage.GTW, sample) for sample in (0, 1))
    dense = stage_record("dense", "gw", 9, Stage.GTW)
    records = replace(records, stages=(*records.stages, one, several(other, 3), dense))
    layer = made_result(records).of_run("natural")["gw", "gtw"]
    assert layer.cycles.on_chip == (one.on_chip_cycles + 3 * other.on_chip_cycles) / 4
    assert layer.useful_macs == layer.computed_macs == (one.useful_macs + 3 * other.useful_macs) / 4


def test_the_passes_of_a_layer_outside_the_convolutions_are_one_row_that_costs_nothing_on_chip() -> None:
    layer = made_result().of_run("natural")["bn0", "other"]
    assert (layer.cycles.on_chip, layer.cycles.with_dram) == (0, 1200.5)
    assert layer.group_cycles["other"] == 1200.5 * MACHINE.array.groups
    assert layer.energy_pj.on_chip.high == 0
    assert layer.energy_pj.with_dram.low > 0
    assert layer.bytes.dram_read == 17_000


# Energy


def test_sums_of_the_other_pes_are_added_in_the_ppu_but_not_for_weight_gradients() -> None:
    forward = stage_actions(stage_record("natural", "a", 0, Stage.FORWARD), MACHINE)
    gtw = stage_actions(stage_record("natural", "a", 0, Stage.GTW), MACHINE)
    assert (forward.added_words, gtw.added_words) == (2 * 5000, 0)


def test_on_chip_energy_has_no_memory_and_its_leakage_runs_for_on_chip_cycles() -> None:
    result = made_result()
    run = result.runs["natural"]
    assert "dram" not in run.energy_pj.on_chip_components
    leakage = EnergyModel(MACHINE).per_action["leakage.cycle"].centre
    assert run.energy_pj.by_component_on_chip["leakage"] == pytest.approx(leakage * run.cycles.on_chip)
    assert run.energy_pj.by_component["leakage"] == pytest.approx(leakage * run.cycles.with_dram)


def test_the_dense_run_pays_for_no_detector() -> None:
    runs = made_result().runs
    assert runs["dense"].energy_pj.by_component["detector"] == 0
    assert runs["natural"].energy_pj.by_component["detector"] > 0


def test_ratios_of_energy_are_formed_column_by_column() -> None:
    result = made_result()
    dense, pruned = (result.runs[name].energy_pj.on_chip for name in ("dense", "pruned"))
    ratio = result.energy_efficiency_range["pruned"]["on_chip"]
    assert ratio == pytest.approx(tuple(a / b for a, b in zip(dense, pruned, strict=True)))


# Confidence intervals


@pytest.mark.parametrize("degrees", [*range(1, 12), 30, 101, 4095])
def test_student_quantiles_are_those_of_scipy(degrees: int) -> None:
    assert student_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


def test_the_interval_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).normal(5, 2, (7, 2))
    low, high = stats.t.interval(0.95, 6, values.mean(axis=0), stats.sem(values, axis=0))
    assert mean_half_width(values) == pytest.approx((high - low) / 2)


def test_a_single_sample_has_no_interval() -> None:
    result = made_result()
    assert result.runs["pruned"].cycles_half_width is None
    assert not result.speedup_half_width
    assert "speedup_half_width" not in result.to_dict()


def test_the_interval_of_a_ratio_covers_it_19_times_out_of_20() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(2000):
        below = generator.normal(10, 1, (12, 1))
        above = 3 * below + generator.normal(0, 2, (12, 1))
        width = ratio_half_width(above, below)
        hits += abs(above.mean() / below.mean() - 3) <= width[0]
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_with_several_samples_cycles_and_speedup_get_an_interval() -> None:
    result = made_result(step_records(samples=5))
    run = result.runs["pruned"]
    assert 0 < run.cycles_half_width.on_chip < run.cycles.on_chip
    assert 0 < run.energy_half_width_pj.with_dram < run.energy_pj.with_dram.centre
    assert result.runs["dense"].cycles_half_width.on_chip == 0
    # The dense cycles do not vary, so the relative widths of cycles and speedup agree.
    relative = run.cycles_half_width.on_chip / run.cycles.on_chip
    assert result.speedup_half_width["pruned"].on_chip / result.speedup["pruned"].on_chip == pytest.approx(
        relative
    )


# Bounds


def test_a_result_that_is_right_passes() -> None:
    check_bounds(made_result(step_records(samples=2)))


def broken(**changed: object) -> Result:
    records = step_records(("dense", "natural"))
    stages = list(records.stages)
    place = next(i for i, record in enumerate(stages) if record.run == "natural")
    stages[place] = replace(stages[place], **changed)
    return made_result(replace(records, stages=tuple(stages)))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"on_chip_cycles": 5000}, "below the lower bound"),
        ({"useful_macs": 3}, "products computed, but the masks have 3.0"),
        ({"with_dram_cycles": 100}, "negative cycles"),
        ({"dram_read_bytes": 10**9}, r"\(with_dram\) are below the lower bound"),
        ({"dense_macs": 1000}, "more than the 1,000.0 dense ones"),
        ({"density_input": 1.5}, "not all within 0 and 1"),
        ({"states": np.ones((56, 6), np.int64)}, "causes add up"),
    ],
)
def test_what_cannot_be_true_is_a_violation(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(BoundViolation, match=sentence) as caught:
        check_bounds(broken(**changed))
    assert str(caught.value).startswith("this is a bug in sparsesim")
    assert "natural conv0 forward" in str(caught.value)


def test_a_speedup_above_what_the_work_permits_is_a_violation() -> None:
    result = made_result()
    pruned = result.runs["pruned"]
    faster = replace(pruned, cycles=replace(pruned.cycles, on_chip=pruned.cycles.on_chip / 4))
    with pytest.raises(BoundViolation, match="its work permits"):
        check_bounds(replace(result, runs={**result.runs, "pruned": faster}))


# The table


def test_the_data_frame_has_a_row_per_layer_stage_and_run_and_the_summary_s_numbers() -> None:
    result = made_result()
    frame = result.to_dataframe()
    assert len(frame) == len(result.layers)
    assert not frame.duplicated(["run", "layer", "stage"]).any()
    sums = frame[frame.run == "pruned"].sum(numeric_only=True)
    run = result.runs["pruned"]
    assert sums.cycles_with_dram == pytest.approx(run.cycles.with_dram)
    assert sums.group_cycles_busy == pytest.approx(run.group_cycles["busy"])
    assert sums.energy_on_chip_low_pj == pytest.approx(run.energy_pj.on_chip.low)
    assert sums.energy_registers_pj == pytest.approx(run.energy_pj.by_component["registers"])


def test_every_column_with_a_quantity_names_its_unit() -> None:
    units = ("_pj", "_bytes", "_macs", "_cycles", "cycles_on_chip", "cycles_with_dram")
    dimensionless = ("run", "index", "layer", "stage", "utilization")
    for name in made_result().to_dataframe().columns:
        assert name in dimensionless or name.startswith(("density_", "group_cycles_")) or name.endswith(units)


# The run folder


def test_a_run_folder_holds_everything(tmp_path: Path) -> None:
    result = made_result()
    path = reserve(tmp_path / "deep" / "run", "unused").write(result, about(result))
    assert {file.name for file in path.iterdir()} == {
        "manifest.json", "summary.json", "machine.yaml", "layers.csv", "layers.parquet", "groups.parquet",
    }  # fmt: skip
    check_summary(json.loads((path / "summary.json").read_text()))
    assert load_machine(path / "machine.yaml") == MACHINE
    frame = result.to_dataframe()
    pandas.testing.assert_frame_equal(pandas.read_csv(path / "layers.csv"), frame, check_dtype=False)
    pandas.testing.assert_frame_equal(pandas.read_parquet(path / "layers.parquet"), frame, check_dtype=False)


def test_equal_results_give_equal_tables_byte_by_byte(tmp_path: Path) -> None:
    result = made_result()
    one, other = (reserve(tmp_path / name, "").write(result, about(result)) for name in ("one", "other"))
    for name in (path.name for path in one.iterdir()):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_manifests_of_two_runs_differ_in_their_volatile_part_only() -> None:
    one = about(made_result(wall_seconds=1.0))
    other = manifest(
        made_result(wall_seconds=2.0),
        arguments={"network": "resnet18"},
        inputs={"machine": "00"},
        argv=["x", "--out", "y"],
        started=datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert one.pop("volatile") != other.pop("volatile")
    assert one == other
    assert {"python", "numpy", "numba", "sparsesim"} <= set(one["versions"])


def test_a_folder_that_exists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--out .*: it exists already"):
        reserve(tmp_path, "")


@pytest.mark.parametrize("place", ["/dev/null/run", "/proc/run"])
def test_a_place_that_cannot_be_written_is_refused(place: str) -> None:
    with pytest.raises(UserError, match=rf"--out {place}: cannot be written"):
        reserve(Path(place), "")


def test_reserving_leaves_nothing_behind(tmp_path: Path) -> None:
    reserve(tmp_path / "a" / "b", "")
    assert not list(tmp_path.iterdir())


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    result = made_result()

    def disk_is_full(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        reserve(tmp_path / "run", "").write(result, about(result), disk_is_full)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_appears_meanwhile_is_not_touched(tmp_path: Path) -> None:
    result = made_result()
    folder = reserve(tmp_path / "run", "")
    folder.path.mkdir()
    (folder.path / "mine").write_text("x")
    with pytest.raises(UserError, match="has appeared"):
        folder.write(result, about(result))
    assert [file.name for file in folder.path.iterdir()] == ["mine"]
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_no_folder_with_the_final_name(tmp_path: Path, how: signal.Signals) -> None:
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from sparsesim.results.folder import reserve
        from tests.builders_results import made_result

        def hang(folder):
            print("writing", flush=True)
            time.sleep(60)

        reserve(Path(sys.argv[1]), "").write(made_result(), {}, hang)
    """)
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        os.kill(process.pid, how)
        process.wait(timeout=20)
    left = [entry.name for entry in tmp_path.iterdir()]
    assert "run" not in left
    assert all(name.startswith(".run.partial-") for name in left)
    if how is signal.SIGINT:
        assert not left


def test_folder_names_sort_by_time_and_depend_on_the_inputs() -> None:
    name = folder_name(STARTED, "resnet18", "imagenet", {"seed": 0})
    assert name.startswith("20260301T120000Z-resnet18-imagenet-")
    assert name != folder_name(STARTED, "resnet18", "imagenet", {"seed": 1})
    assert "/" not in folder_name(STARTED, "../a b", "x/y", {})
