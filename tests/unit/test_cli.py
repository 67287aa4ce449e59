"""The command line: is standard output pure, every mistake a sentence, every interruption without a trace?"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsesim.cli.main import main
from sparsesim.results.bounds import BoundViolation
from tests.builders_results import made_result, small_trace
from tests.schema_result import check_summary

ROOT = Path(__file__).parents[2]
WATCHED = {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1", "TERM": "xterm", "COLUMNS": "120"}


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replaces the simulation by a made-up result; collects what it was called with."""
    calls: list[dict[str, Any]] = []

    def simulate(network: str | None, dataset: str | None, **options: Any) -> Any:
        calls.append({"network": network, "dataset": dataset, **options})
        options["progress"](1, 2, "dense conv0 forward")
        return made_result(network=network or "resnet18", dataset=dataset or "imagenet")

    monkeypatch.setattr("sparsesim.cli.run.simulate", simulate)
    return calls


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes the simulation raise."""

    def fail_with(error: BaseException) -> None:
        def simulate(*_: Any, **__: Any) -> Any:
            raise error

        monkeypatch.setattr("sparsesim.cli.run.simulate", simulate)

    return fail_with


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sparsesim", *arguments]


# Output


def test_json_is_the_only_thing_on_standard_output(
    simulated: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "resnet18", "--json", "--out", "kept", "--no-figure"]) == 0
    out, err = capsys.readouterr()
    check_summary(json.loads(out))
    assert out.count("\n") == 1
    assert "saved in kept" in err


def test_the_table_goes_to_standard_output_and_names_the_folder(
    simulated: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "resnet18", "--out", "kept", "--no-figure"]) == 0
    out, err = capsys.readouterr()
    assert "saved in kept" in out
    assert err == ""


def test_a_run_is_kept_under_runs_with_its_figure(simulated: list[dict[str, Any]]) -> None:
    assert main(["run", "resnet18", "--dataset", "cifar10", "--seed", "7"]) == 0
    (folder,) = Path("runs").iterdir()
    assert "-resnet18-cifar10-" in folder.name
    assert {"speedup-energy.svg", "speedup-energy.png"} <= {file.name for file in folder.iterdir()}
    manifest = json.loads((folder / "manifest.json").read_text())
    asked = {"network": "resnet18", "dataset": "cifar10", "samples": 1, "prune": 0.9, "seed": 7}
    assert asked.items() <= manifest["arguments"].items()
    assert {"machine", "energy", "network", "profile"} == set(manifest["inputs_sha256"])


def test_no_save_writes_nothing(simulated: list[dict[str, Any]]) -> None:
    assert main(["run", "resnet18", "--no-save"]) == 0
    assert not list(Path().iterdir())


def test_options_reach_the_simulation_as_they_were_given(simulated: list[dict[str, Any]]) -> None:
    options = (
        "--dataset cifar100 --set groups=28 --set clusters=7 --memory hbm2 --batch 8 --samples 3 --prune 0.8"
        " --activations here"
    )
    assert (
        main(["run", "vgg16", *options.split(), "--seed", "5", "--threads", "2", "--check", "--no-save"]) == 0
    )
    (call,) = simulated
    assert call.pop("progress")
    assert call == {
        "network": "vgg16", "dataset": "cifar100", "machine": "sparsetrain", "batch": 8, "samples": 3,
        "prune": 0.8, "overrides": ("groups=28", "clusters=7", "memory.kind=hbm2"), "seed": 5, "trace": None,
        "density": None, "energy": None, "threads": 2, "check": True, "input_shape": None,
        "activations": "here",
    }  # fmt: skip


def test_the_manifest_holds_the_activations_that_were_asked_for(simulated: list[dict[str, Any]]) -> None:
    asked = {"plain": [], "imagenet": ["--activations", "imagenet"]}
    manifests = {}
    for name, options in asked.items():
        assert main(["run", "resnet18", "--dataset", "cifar10", *options, "--out", name, "--no-figure"]) == 0
        manifests[name] = json.loads(Path(name, "manifest.json").read_text())
    assert manifests["imagenet"]["arguments"]["activations"] == "imagenet"
    assert "activations" not in manifests["plain"]["arguments"]
    profiles = {about["inputs_sha256"]["profile"] for about in manifests.values()}
    assert len(profiles) == 2


def test_threads_do_not_change_the_manifest(simulated: list[dict[str, Any]]) -> None:
    manifests = []
    for threads in ("1", "2"):
        main(["run", "resnet18", "--threads", threads, "--out", threads, "--no-figure"])
        manifests.append(json.loads(Path(threads, "manifest.json").read_text()))
        del manifests[-1]["volatile"]
    assert manifests[0] == manifests[1]


# Mistakes of the user: one sentence, exit status 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            "run",
            "error: run needs a network, a file of your own (model.onnx, topology.csv) or --trace FILE.npz; ",
        ),
        ("run resnet19", "error: unknown network 'resnet19'. Did you mean 'resnet18'?"),
        ("run resnet18 --dataset imagenett", "error: unknown data set 'imagenett'. Did you mean 'imagenet'?"),
        ("run resnet18 --machine sparsetrian", "Did you mean 'sparsetrain'?"),
        ("run resnet18 --machine none.yaml", "error: none.yaml: there is no such file"),
        (
            "run resnet18 --set grups=28",
            "error: --set grups=28: unknown field 'grups'. Did you mean 'groups'?",
        ),
        ("run resnet18 --set groups=29", "array.clusters must divide array.groups = 29 (got 7)"),
        ("run resnet18 --set reg1_words=2", "reg1_words"),
        ("run resnet18 --memory ddr5", "memory.kind must be lpddr4, ddr4 or hbm2 (got 'ddr5')"),
        ("run resnet18 --batch 0", "error: --batch must be a whole number from 1 to 4096 (got 0)."),
        ("run resnet18 --samples 0", "error: --samples must be a whole number"),
        ("run resnet18 --threads 0", "error: --threads must be a whole number"),
        ("run resnet18 --seed -1", "error: --seed must be from 0"),
        ("run resnet18 --prune 0.999", "error: pruning rate 0.999 lies outside what was recorded"),
        ("run resnet18 --prune nan", "error: pruning rate nan lies outside what was recorded"),
        (
            "run resnet18 --activations imagnet",
            "error: unknown activations 'imagnet'. Did you mean 'imagenet'?",
        ),
        (
            "run --trace none.npz --activations here",
            "error: activations 'here' and a trace contradict each other",
        ),
        ("run resnet18 --energy none.yaml", "error: none.yaml: there is no such file"),
        ("run --trace none.npz", "error: trace none.npz: no such file."),
        ("run --trace none.npz --prune 0.5", "error: --prune 0.5 and --trace contradict each other"),
        (
            "run --trace none.npz --dataset cifar10",
            "error: --dataset cifar10 and --trace contradict each other",
        ),
        ("run resnet18 --out x --no-save", "error: --out and --no-save contradict each other"),
        ("run resnet18 --out /dev/null/x", "error: --out /dev/null/x: cannot be written"),
        ("run resnet18 --out /", "error: --out /: it exists already"),
        ("compile resnet18 --layer conv2", "Did you mean 'conv1'?"),
        (
            "compile resnet18 --layer conv1 --stage gta",
            "--stage gta: layer 'conv1' has no such stage; it has",
        ),
        ("compile resnet18 --layer conv1 --batch 0", "--batch must be a whole number from 1 to 4096 (got 0)"),
        ("machines none", "unknown machine (neither built in nor a file) 'none'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_2(
    arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert out == ""
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "arguments", ["runn resnet18", "run resnet18 --sample 3", "run --batch x", "compile resnet18"]
)
def test_an_unknown_command_or_option_is_a_usage_error(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: python -m sparsesim" in err
    assert "Traceback" not in err


def test_a_damaged_trace_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    path = small_trace(Path("t.npz"))
    path.write_bytes(path.read_bytes()[:-300])
    assert main(["run", "--trace", "t.npz"]) == 2
    assert "t.npz" in capsys.readouterr().err
    assert [entry.name for entry in Path().iterdir()] == ["t.npz"]


def test_a_network_that_is_not_the_trace_s_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    small_trace(Path("t.npz"))
    assert main(["run", "resnet18", "--trace", "t.npz", "--no-save"]) == 2
    assert "is a trace of 'tiny', not of 'resnet18'" in capsys.readouterr().err


def test_more_samples_than_a_trace_holds_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    small_trace(Path("t.npz"))
    assert main(["run", "--trace", "t.npz", "--samples", "3", "--no-save"]) == 2
    assert "t.npz holds 2 samples" in capsys.readouterr().err


# What is not the user's fault: a sentence, exit status 1


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (OSError(28, "No space left on device", "runs/x"), 1, "error: runs/x: No space left on device"),
        (MemoryError(), 1, "error: out of memory"),
        (BoundViolation("this is a bug in sparsesim: ..."), 1, "error: this is a bug in sparsesim"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_failures_leave_nothing_and_say_why(
    failing: Callable[[BaseException], None],
    error: BaseException,
    status: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(error)
    assert main(["run", "resnet18"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(sentence)
    assert not list(Path().iterdir())


def test_an_error_nobody_foresaw_keeps_its_traceback(failing: Callable[[BaseException], None]) -> None:
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["run", "resnet18"])


def test_a_disk_that_fills_up_while_saving_leaves_no_folder(
    simulated: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "layers.csv")

    monkeypatch.setattr("sparsesim.results.folder._write_csv", full)
    assert main(["run", "resnet18", "--out", "kept"]) == 1
    assert "No space left on device; the run is not saved." in capsys.readouterr().err
    assert not list(Path().iterdir())


# The other commands


def test_the_ir_is_printed_so_that_it_can_be_parsed_back(capsys: pytest.CaptureFixture[str]) -> None:
    from compiler.ir.parser import parse_program
    from compiler.ir.printer import print_program

    arguments = "compile resnet18 --dataset cifar10 --layer layer1.0.conv1 --stage gta --emit ir"
    assert main(arguments.split()) == 0
    text = capsys.readouterr().out
    assert print_program(parse_program(text)) == text


def test_without_a_stage_all_stages_are_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "resnet18", "--dataset", "cifar10", "--layer", "layer1.0.conv1"]) == 0
    assert capsys.readouterr().out.count("program ") == 3


@pytest.mark.parametrize(
    ("emit", "words"), [("explain", "the lowest estimate wins"), ("jobs", "tile 0: load")]
)
def test_reasons_and_jobs_are_printed(emit: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = f"compile resnet18 --dataset cifar10 --layer fc --stage forward --emit {emit}"
    assert main(arguments.split()) == 0
    assert words in capsys.readouterr().out


def test_the_exported_machine_can_be_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["machines", "sparsetrain", "--export", "--set", "groups=28"]) == 0
    Path("mine.yaml").write_text(capsys.readouterr().out)
    assert main(["machines", "mine.yaml", "--export"]) == 0
    assert "groups: 28" in capsys.readouterr().out


def test_machines_fields_and_workloads_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    from sparsesim.machine.fields import field_rows
    from workloads.catalog import DATASETS, NETWORKS

    for arguments in (["machines"], ["machines", "--fields"], ["machines", "sparsetrain"], ["workloads"]):
        assert main(arguments) == 0
    out = capsys.readouterr().out
    for row in field_rows():
        assert out.count(row.name) >= 2
    for name in (*NETWORKS, *DATASETS):
        assert name in out


# As a process


def test_a_trace_is_simulated_kept_and_printed_as_json() -> None:
    trace = small_trace(Path("t.npz"), samples=3)
    arguments = command("run", "--trace", str(trace), "--json", "--out", "kept", "--check")
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    check_summary(summary)
    assert (summary["network"], summary["samples"], summary["profile"]["kind"]) == ("tiny", 3, "trace")
    kept = json.loads(Path("kept/summary.json").read_text())
    assert kept == summary
    assert "trace" in json.loads(Path("kept/manifest.json").read_text())["inputs_sha256"]
    assert done.stderr == "checked: every layer computes what the reference does\nsaved in kept\n"


def test_the_same_inputs_give_the_same_tables_whatever_the_threads() -> None:
    small_trace(Path("t.npz"))
    for threads in ("1", "2"):
        assert main(["run", "--trace", "t.npz", "--threads", threads, "--out", threads]) == 0
    for name in ("layers.csv", "layers.parquet", "speedup-energy.svg"):
        assert Path("1", name).read_bytes() == Path("2", name).read_bytes()


def test_ctrl_c_during_a_simulation_leaves_nothing() -> None:
    # With the progress bar forced on, its first sign of a finished layer says that the simulation runs.
    environment = os.environ | WATCHED
    arguments = command("run", "vgg16", "--samples", "64", "--out", "kept")
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = b""
        while b"features.0" not in seen:
            seen += process.stderr.read1()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
    assert not list(Path().iterdir())


def test_a_reader_that_stops_reading_gets_no_complaint() -> None:
    with subprocess.Popen(command("workloads"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_progress_appears_in_a_terminal_on_standard_error_only() -> None:
    small_trace(Path("t.npz"))
    arguments = command("run", "--trace", "t.npz", "--json", "--no-save")
    environment = os.environ | WATCHED
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment)
    # Which task the bar names when it is drawn last depends on which thread ends last.
    assert re.search(r"(dense|recorded) [ab] (forward|gta|gtw)", done.stderr), done.stderr
    check_summary(json.loads(done.stdout))


def test_help_and_version_import_nothing_heavy() -> None:
    script = (
        "import sys; from sparsesim.cli.main import main;"
        "main(['--help']); main(['--version']); main(['run', '--help']);"
        "heavy = {'numpy', 'numba', 'pandas', 'matplotlib', 'networkx', 'pyarrow'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "workloads" in done.stdout
    assert "sparsesim 0." in done.stdout


def test_simulate_is_one_call_away() -> None:
    import sparsesim
    from sparsesim.api import simulate

    assert sparsesim.simulate is simulate
    with pytest.raises(AttributeError):
        _ = sparsesim.simulated


def test_python_gets_the_typed_result_of_the_command_line() -> None:
    import sparsesim

    result = sparsesim.simulate(trace=small_trace(Path("t.npz")))
    assert isinstance(result, sparsesim.Result)
    assert set(result.to_dataframe()["run"]) == {"dense", "recorded"}
