"""The command line in rough hands: signals, full disks, equal runs at once, options without effect."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from sparsesim.cli.main import main
from sparsesim.energy import EnergyModel, default_table, load_energy
from sparsesim.energy.table import EnergyTable
from sparsesim.machine import export_yaml, load_machine
from sparsesim.results.folder import folder_name, reserve
from sparsesim.results.result import build_result
from tests.builders_reproduction import without_simulation
from tests.builders_results import MACHINE, PROFILE, made_result, small_trace, step_records
from tests.schema_result import check_summary
from workloads.errors import UserError


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    yield


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sparsesim", *arguments]


# Usage


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("runn resnet18", "unknown command 'runn'. Did you mean 'run'?"),
        ("run --batch x", "'--batch': must be a whole number (got 'x')"),
        ("run --samples 1.5", "'--samples': must be a whole number (got '1.5')"),
        ("run --prune many", "'--prune': must be a number (got 'many')"),
        ("compile resnet18 --layer conv1 --stage gti", "'gti' is not one of 'forward', 'gta', 'gtw'"),
        ("compile resnet18 --layer conv1 --batch 5000", "--batch must be a whole number from 1 to 4096"),
        ("machines --set groups=28", "--set changes one machine"),
        ("machines sparsetrain --fields", "leave out the name, --export and --set"),
        ("machines --fields --export", "leave out the name, --export and --set"),
        ("reproduce --networks alexnt", "unknown network 'alexnt'. Did you mean 'alexnet'?"),
        ("reproduce --networks , --report r", "--networks ',': must hold at least one name"),
        ("reproduce --datasets ,, --report r", "--datasets ',,': must hold at least one name"),
    ],
)
def test_wrong_usage_is_a_sentence_naming_value_and_remedy(
    arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert sentence in err.splitlines()[0]
    assert not list(Path().iterdir())


def test_nothing_at_all_gets_the_help_and_a_status_that_is_not_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert "reproduce" in out
    assert err == ""


def test_blanks_and_empty_names_in_lists_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = without_simulation(monkeypatch)
    assert main(["reproduce", "--networks", "alexnet, resnet18,", "--datasets", "cifar10"]) == 0
    (asked,) = seen
    assert asked.workloads() == (("alexnet", "cifar10"), ("resnet18", "cifar10"))


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_number_of_the_averages_is_cut_off(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    without_simulation(monkeypatch)
    assert main(["reproduce", "--quick"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert all(len(line) <= int(columns) for line in out.splitlines())
    # The published averages are on chip: they must not stand among numbers of the other accounting.
    first, *others = [line for line in out.splitlines() if line.startswith("published ")]
    (headings, *_) = [line for line in out.splitlines() if line.startswith("network ")]
    speedup, efficiency = [found.end() for found in re.finditer("on chip", headings)]
    assert [(found[0], found.end()) for found in re.finditer(r"[\d.]+x", first)] == [
        ("2.70x", speedup),
        ("2.20x", efficiency),
    ]
    assert not any("x" in line for line in others)


@pytest.mark.parametrize("columns", [80, 120])
def test_every_field_is_readable_at_every_width(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["machines", "--fields"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert len(lines) < 145


# Python


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": "32"}, "--batch must be a whole number from 1 to 4096 .got '32'."),
        ({"samples": 1.5}, "--samples must be a whole number"),
        ({"samples": True}, "--samples must be a whole number"),
        ({"seed": -1}, "--seed must be from 0 to"),
        ({"seed": 0.5}, "--seed must be from 0 to"),
        ({"threads": 0}, "--threads must be a whole number from 1 to 1024"),
        ({"prune": "0.9"}, "pruning rate must be a number"),
        ({"prune": float("nan")}, "outside what was recorded"),
        ({"overrides": "groups=28"}, "overrides must be a list"),
        ({"machine": load_machine("sparsetrain"), "overrides": ["groups=28"]}, "is a Machine already"),
        ({"machine": {"groups": 28}}, "machine must be a name, a file or a Machine"),
    ],
)
def test_python_is_told_what_it_gave_wrongly(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        sparsesim.simulate("alexnet", "cifar10", **options)


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    path = small_trace(Path("t.npz"))
    assert sparsesim.simulate(trace=path, samples=np.int64(1)).samples == 1  # type: ignore[arg-type]


# Run folders


def test_equal_runs_in_the_same_second_are_all_kept(tmp_path: Path) -> None:
    started = datetime(2026, 1, 2, tzinfo=UTC)
    folders = [reserve(None, folder_name(started, "net", "data", {})) for _ in range(3)]
    names = [folder.write(made_result(), {}).name for folder in folders]
    assert names == [names[0], names[0] + "-2", names[0] + "-3"]
    assert all(len(list((tmp_path / "runs" / name).iterdir())) == 6 for name in names)


def test_a_failure_removes_the_folders_above_that_it_made_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    Path("there").mkdir()
    monkeypatch.setattr("sparsesim.results.folder._write_csv", full)
    with pytest.raises(OSError, match="No space left"):
        reserve(Path("there/a/b/c"), "").write(made_result(), {})
    assert [path.name for path in Path().iterdir()] == ["there"]
    assert not list(Path("there").iterdir())


@pytest.mark.parametrize("place", ["new/..", "new/deep/..", "..", "/"])
def test_a_folder_that_always_exists_is_refused_before_anything_is_computed(place: str) -> None:
    with pytest.raises(UserError, match="it exists already"):
        reserve(Path(place), "")
    assert not list(Path().iterdir())


def test_what_cannot_be_kept_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "hidden/layers.csv")

    monkeypatch.setattr("sparsesim.results.folder._write_csv", full)
    monkeypatch.setattr("sparsesim.cli.run.simulate", lambda *_, **__: made_result())
    assert main(["run", "resnet18", "--out", "kept"]) == 1
    out, err = capsys.readouterr()
    assert "all layers" in out
    assert "saved in" not in out
    assert err == "error: kept: No space left on device; the run is not saved.\n"


def test_a_folder_whose_name_is_no_text_is_written() -> None:
    small_trace(Path("t.npz"))
    name = os.fsdecode(b"n\xff")
    assert main(["run", "--trace", "t.npz", "--out", name]) == 0
    assert len(list(Path(name).iterdir())) == 9  # six of the run, three of its figure
    assert sparsesim.load_run(name).result.network == "tiny"


# Signals


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [(signal.SIGINT, 130, "error: interrupted; nothing was saved.\n"), (signal.SIGTERM, 143, "")],
)
def test_a_signal_ends_a_run_with_one_sentence_and_without_a_trace(
    number: signal.Signals, status: int, message: str
) -> None:
    arguments = command("run", "vgg16", "--samples", "64")
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True) as process:
        time.sleep(1.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", message)
    assert not list(Path().iterdir())


# Energy tables and machines at their limits


def free_table() -> EnergyTable:
    table = default_table().model_dump()
    for rows in table["components"].values():
        for row in rows.values():
            row.update(low=0.0, centre=0.0, high=0.0)
    return EnergyTable.model_validate(table)


def test_a_table_that_charges_nothing_gives_no_ratio_of_energies_and_no_warning() -> None:
    about: dict[str, Any] = {
        "network": "n", "dataset": "d", "batch": 1, "seed": 0, "profile": PROFILE, "wall_seconds": 1.0,
    }  # fmt: skip
    models = (EnergyModel(machine, free_table()) for machine in (MACHINE, MACHINE.dense_baseline()))
    result = build_result(step_records(samples=3), MACHINE, *models, **about)
    summary = result.to_dict()
    assert summary["energy_efficiency"]["pruned"] == {}
    assert summary["speedup"]["pruned"]["on_chip"] > 1


def test_an_energy_beyond_all_reason_in_an_ert_is_refused() -> None:
    Path("ert.yaml").write_text(
        "ERT:\n  version: '0.4'\n  tables:\n  - name: system.mac[1..168]\n    actions:\n"
        "    - {name: compute, arguments: {}, energy: 1.0e+12}\n"
    )
    with pytest.raises(UserError, match=r"ert\.yaml:6:\d+: .*energy must be a number from 0 to 1000000000"):
        load_energy("ert.yaml")


@pytest.mark.parametrize("bandwidth", ["0", "1e-300", "-1", ".nan", ".inf"])
def test_a_memory_without_bandwidth_is_refused(bandwidth: str) -> None:
    with pytest.raises(UserError, match=r"must be a number from 0\.001 to 100000"):
        load_machine("sparsetrain", [f"bandwidth_gbytes_per_second={bandwidth}"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["groups=1", "clusters=1", "pes_per_group=1"],
        ["groups=4096", "clusters=512"],
        ["banks=1"],
        ["banks=1024", "kilobytes=65536"],
        ["macs_per_pe=3"],
        ["row_format=offset", "row_handout=dynamic", "job_handout=static"],
        ["clock_mhz=1"],
        ["bandwidth_gbytes_per_second=0.001", "latency_ns=100000"],
        ["operand_format=bf16", "line_bits=1024", "kind=hbm2"],
        ["mask_skipping=false", "input_skipping=false", "accumulated_samples=32"],
        ["skip_zeros=false", "mask_skipping=false", "input_skipping=false"],
    ],
)
def test_machines_at_their_limits_keep_their_books(overrides: list[str]) -> None:
    result = sparsesim.simulate(trace=small_trace(Path("t.npz")), overrides=overrides, check=True)
    check_summary(result.to_dict())
    Path("m.yaml").write_text(export_yaml(result.machine))
    assert load_machine("m.yaml") == result.machine
