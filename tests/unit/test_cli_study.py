"""`sweep` and `explore` in this process: what they announce, keep and show, and what they refuse.

The workers are threads here; those of the real command are in tests/integration.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import sparsesim
from sparsesim.cli.main import main
from sparsesim.cli.study import memory_bytes
from sparsesim.study import cluster
from sparsesim.study.store import read_study
from tests.builders_points import threads_client
from tests.builders_results import small_trace
from workloads.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

Output = pytest.CaptureFixture[str]
SWEEP = "sweep --trace t.npz --out s --no-figure "
EXPLORE = "explore --trace t.npz --out s --no-figure --population 4 "


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with threads_client() as found:
        yield found


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    small_trace(Path("t.npz"))


@pytest.fixture
def workers(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Threads in place of the workers the options ask for; the options, each time they are asked."""
    asked: list[object] = []

    @contextlib.contextmanager
    def workers_of(options: object) -> Iterator[Client]:
        asked.append(options)
        yield client

    for command in ("sweep", "explore"):
        monkeypatch.setattr(f"sparsesim.cli.{command}.workers_of", workers_of)
    return asked


def ran(output: Output, command: str, status: int = 0) -> tuple[str, str]:
    """What a command prints and what it says."""
    output.readouterr()
    found = main(command.split())
    out, err = output.readouterr()
    assert found == status, err
    return " ".join(out.split()), " ".join(err.split())


# Sweeps


def test_a_sweep_is_announced_run_shown_and_kept(workers: list[object], capsys: Output) -> None:
    out, err = ran(capsys, SWEEP + "--vary groups=14,28 --vary kilobytes=64,128 --csv all.csv")
    assert "s: 4 points (groups x kilobytes)." in err
    assert "About" in err
    assert "stored already" not in err
    assert "python -m sparsesim show s ROW" in out
    frame = sparsesim.load_study("s")
    assert list(frame["status"]) == ["done"] * 4
    pd.testing.assert_frame_equal(pd.read_csv("all.csv", keep_default_na=False), frame, check_dtype=False)
    assert {path.name for path in Path().iterdir()} == {"t.npz", "s", "all.csv"}


def test_the_same_command_goes_on_and_a_wider_one_runs_what_is_missing(
    workers: list[object], capsys: Output
) -> None:
    ran(capsys, SWEEP + "--vary groups=14,28")
    first = sparsesim.load_study("s")
    assert len(workers) == 1
    _, err = ran(capsys, SWEEP + "--vary groups=14,28")
    assert "2 of them are stored already, 0 of these failed." in err
    assert "About" not in err
    assert len(workers) == 1
    ran(capsys, SWEEP + "--vary groups=14,28,7")
    assert len(workers) == 2
    frame = sparsesim.load_study("s")
    pd.testing.assert_frame_equal(frame[:2], first)
    # Rows stand in the order in which points ended; two of them ran at the same time.
    assert set(first["array.groups"]) == {14, 28}
    assert list(frame["array.groups"][2:]) == [7]
    with read_study(Path("s")) as study:
        assert len(study.sessions()) == 3


def test_points_that_fail_cost_the_others_nothing_and_are_run_again_when_asked(
    workers: list[object], capsys: Output
) -> None:
    vary = SWEEP + "--vary reg1_words=1,64"
    ran(capsys, vary)
    assert sorted(sparsesim.load_study("s")["status"]) == ["done", "failed"]
    _, err = ran(capsys, vary)
    assert "2 of them are stored already, 1 of these failed." in err
    ran(capsys, vary + " --retry-failed")
    assert len(workers) == 2
    with read_study(Path("s")) as study:
        assert {row.status: row.attempts for row in study.rows()} == {"done": 1, "failed": 2}


def test_a_study_of_nothing_but_failures_ends_with_status_1(workers: list[object], capsys: Output) -> None:
    out, _ = ran(capsys, SWEEP + "--vary reg1_words=1", status=1)
    assert "Set it to at least 3 (parameter pe.reg1_words)" in out


def test_a_plan_that_is_only_announced_touches_nothing(workers: list[object], capsys: Output) -> None:
    _, err = ran(capsys, SWEEP + "--vary groups=7,14,28 --vary seed=0:333332:1 --plan")
    assert "s: 999,999 points (groups x seed)." in err
    assert workers == []
    assert list(Path().iterdir()) == [Path("t.npz")]


def test_combinations_that_no_machine_can_have_are_refused_or_left_out(
    workers: list[object], capsys: Output
) -> None:
    _, err = ran(capsys, SWEEP + "--vary groups=14,13", status=2)
    assert "1 of 2 combinations break a rule" in err
    assert not Path("s").exists()
    _, err = ran(capsys, SWEEP + "--vary groups=14,13 --skip-invalid")
    assert "at most 2 points" in err
    assert list(sparsesim.load_study("s")["array.groups"]) == [14]
    ran(capsys, SWEEP + "--vary groups=14,13 --skip-invalid")
    assert len(workers) == 1


def test_a_study_file_names_its_folder_and_keeps_it_for_itself(workers: list[object], capsys: Output) -> None:
    Path("mine.yaml").write_text("trace: t.npz\nvary: {groups: [14, 28]}\nconstraints: [area <= 1.5]\n")
    _, err = ran(capsys, "sweep mine.yaml --no-figure")
    assert f"{Path('runs/mine')}: 2 points (groups)." in err
    assert len(sparsesim.load_study("runs/mine")) == 2
    _, err = ran(capsys, "sweep --trace t.npz --vary groups=14 --out runs/mine", status=2)
    assert "give another --out" in err
    assert len(sparsesim.load_study("runs/mine")) == 2


# Searches


def test_a_search_shows_its_front_and_goes_on_where_it_ended(workers: list[object], capsys: Output) -> None:
    search = EXPLORE + "--vary groups=7,14,21,28,42,56 --vary kilobytes=32,64,128 --minimize cycles,area "
    _, err = ran(capsys, search + "--trials 4 --csv all.csv")
    assert "s: 4 trials of groups x kilobytes, to minimize with_dram_cycles and minimize area_mm2." in err
    frame = pd.read_csv("all.csv")
    assert len(frame) == 4
    assert {"trial", "array.groups", "buffer.kilobytes", "area_mm2", "with_dram_cycles"} <= set(frame)
    ran(capsys, search + "--trials 8 --csv more.csv")
    more = pd.read_csv("more.csv")
    assert len(more) == 8
    pd.testing.assert_frame_equal(more[:4], frame)
    with read_study(Path("s")) as study:
        assert study.counts().done == 8
        assert {row.attempts for row in study.rows()} == {1}


def test_a_constraint_known_before_is_not_simulated(workers: list[object], capsys: Output) -> None:
    out, _ = ran(
        capsys,
        EXPLORE + "--vary groups=7,14,4000 --set clusters=1 --constraint area<=5 --trials 6 --csv all.csv",
    )
    assert "were not simulated" in out
    assert "No design is left, or none that the search would choose" in out
    assert set(sparsesim.load_study("s")["array.groups"]) == {7, 14}


# What is refused


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("sweep", "network is missing"),
        ("sweep --trace t.npz", "nothing is varied"),
        (SWEEP + "--vary groups=14 --workers abc", "'--workers': must be a whole number (got 'abc')"),
        (SWEEP + "--vary groups=14 --workers 0", "--workers must be a whole number from 1 to 1024 (got 0)"),
        (SWEEP + "--vary groups=14 --memory 1", "--memory must be at least 512MiB for a worker to start"),
        (SWEEP + "--vary groups=14 --memory much", "--memory must be a size such as 2GiB (got 'much')"),
        (SWEEP + "--vary groups=14 --memory " + "9" * 400, "--memory must be a size such as 2GiB"),
        (SWEEP + "--vary groups=14 --scheduler tcp://h:1 --workers 2", "--scheduler contradicts --workers"),
        (SWEEP + "--vary groups=14 --scheduler tcp://h:1 --memory 2G", "--scheduler contradicts --workers"),
        (SWEEP + "--vary groups=14 --csv no/such/all.csv", "there is no folder no/such; make it first."),
        (SWEEP + "--vary groups=14 --csv .", "--csv .: is a folder"),
        (SWEEP + "--vary groups=14 --prune 0.5", "prune and trace"),
        (SWEEP + "--vary groups=14 --trace other.npz", "other.npz: no such file"),
        (SWEEP + "--vary groups=14 --trials 5", "No such option: --trials"),
        (SWEEP + "--vary groups=14 --minimize cycle", "Did you mean 'cycles'?"),
        ("sweep t.npz", "t.npz: is not a study file"),
        ("sweep nothing.yaml", "nothing.yaml: there is no such file"),
        ("sweep .", "give the path of a study file"),
        ("sweep --trace t.npz --vary groups=14 --out t.npz", "t.npz: "),
        ("sweep --trace t.npz --vary groups=14 --out t.npz/s", "t.npz/s: "),
        ("sweep --trace t.npz --vary groups=14 --out .", ".: is not empty and not a study"),
        (EXPLORE + "--vary groups=14,28 --trials 0", "--trials must be a whole number from 1 (got 0)"),
        (EXPLORE + "--vary groups=14,28 --trials x", "'--trials': must be a whole number (got 'x')"),
        (EXPLORE + "--vary groups=14,28 --search-seed -1", "--search-seed must be from 0 to 2^63 - 1"),
        (EXPLORE + "--vary groups=14,28 --sampler best", "'best' is not one of 'nsga2', 'tpe', 'random'"),
        (EXPLORE + "--vary groups=14,28 --memory 1", "--memory must be at least 512MiB"),
        ("explore --trace t.npz --vary groups=14 --population 1", "--population must be a whole number"),
        (EXPLORE + "--vary groups=14,28 --constraint area<2", "is not a constraint"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_sentence_before_anything_is_made(
    command: str, sentence: str, capsys: Output
) -> None:
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (error,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert sentence in error
    assert "Traceback" not in err
    assert list(Path().iterdir()) == [Path("t.npz")]


def test_a_scheduler_that_does_not_answer_is_named(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    monkeypatch.setitem(cluster._SETTINGS, "distributed.comm.timeouts.connect", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        _, err = ran(capsys, SWEEP + f"--vary groups=14 --scheduler {address}", status=2)
    assert f"error: --scheduler {address}: no Dask scheduler answers" in err
    assert "give the address that `dask scheduler` printed" in err


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 2**30), ("1g", 2**30), (" 0.5 GB ", 2**29), ("600M", 600 * 2**20), ("536870912", 2**29)],
)
def test_sizes_are_in_powers_of_1024(text: str, size: int) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1e9", "1,5G", "nan", "inf", "1 G i", "0x10", "1GiB2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--memory must be a size such as 2GiB"):
        memory_bytes(text)


def test_the_settings_of_a_row_have_canonical_names_and_whole_paths(
    workers: list[object], capsys: Output
) -> None:
    ran(capsys, SWEEP + "--vary groups=14")
    assert main(["show", "s", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"] == {"trace": str(Path("t.npz").resolve()), "array.groups": 14}
