"""`run --timeline`: is the file there, standard output as pure as before, every mistake told at once?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparsesim.cli.main import main
from tests.builders_results import small_trace


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    small_trace(Path("t.npz"))
    yield


@pytest.fixture
def unsimulated(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command in which nothing may be simulated."""

    def simulate(*_: Any, **__: Any) -> Any:
        raise AssertionError("the simulation has begun")

    def run(*options: str) -> int:
        monkeypatch.setattr("sparsesim.cli.run.simulate", simulate)
        return main(["run", "--trace", "t.npz", *options])

    return run


def _run(*options: str) -> int:
    return main(["run", "--trace", "t.npz", "--no-save", *options])


def test_the_file_is_written_and_the_last_line_says_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--timeline", "x.json") == 0
    about = json.loads(Path("x.json").read_text())["otherData"]
    last = capsys.readouterr().out.splitlines()[-1]
    window = f"{about['first_cycle']}:{about['end_cycle']} of {about['stage_cycles']}"
    assert last.startswith(
        f"timeline of {about['layer']} {about['stage']} of run 'recorded', cycles {window}"
    )
    assert "x.json" in last
    assert (about["network"], about["dataset"], about["machine"]) == ("tiny", "noise", "sparsetrain")
    assert about["clock_mhz"] == 800


def test_all_that_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--timeline-layer", "a", "--timeline-stage", "gtw", "--timeline-run", "dense")
    assert _run("--timeline", "x.json", *chosen, "--timeline-cycles", "150:250") == 0
    about = json.loads(Path("x.json").read_text())["otherData"]
    assert (about["layer"], about["stage"], about["run"]) == ("a", "gtw", "dense")
    assert (about["first_cycle"], about["end_cycle"]) == (150, 250)


def test_json_stays_pure_and_is_the_same_as_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--json", "--timeline", "x.json") == 0
    printed = capsys.readouterr()
    with_timeline = json.loads(printed.out)
    assert "timeline of" in printed.err
    assert _run("--json") == 0
    without = json.loads(capsys.readouterr().out)
    for summary in (with_timeline, without):
        del summary["wall_seconds"], summary["engine"]
    assert with_timeline == without


def test_the_run_folder_is_as_without(capsys: pytest.CaptureFixture[str]) -> None:
    for name, options in (("a", ["--timeline", "x.json"]), ("b", [])):
        assert main(["run", "--trace", "t.npz", "--no-figure", "--out", name, *options]) == 0
    arguments = [json.loads(Path(name, "manifest.json").read_text())["arguments"] for name in ("a", "b")]
    assert arguments[0] == arguments[1]
    assert {p.name for p in Path("a").iterdir()} == {p.name for p in Path("b").iterdir()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--timeline", "no/x.json"], "error: --timeline no/x.json: cannot be written"),
        (["--timeline", "."], "error: --timeline .: is there and no file"),
        (["--timeline", ""], "error: --timeline .: is there and no file"),
        (
            ["--timeline-layer", "a"],
            "error: --timeline-layer is about a timeline; give --timeline FILE, too.",
        ),
        (["--timeline-cycles", "0:9"], "error: --timeline-cycles is about a timeline"),
        (["--timeline", "x.json", "--timeline-layer", "aa"], "Did you mean 'a'? Known: a, b."),
        (["--timeline", "x.json", "--timeline-stage", "gtz"], "Known: forward, gta, gtw."),
        (["--timeline", "x.json", "--timeline-run", "pruned"], "Known: dense, recorded."),
        (["--timeline", "x.json", "--timeline-cycles", "0:123456789"], "give a window within 0:"),
        (["--timeline", "x.json", "--timeline-cycles", "9:3"], "FROM must be less than TO"),
    ],
)
def test_mistakes_are_told_before_anything_is_simulated(
    options: list[str], words: str, unsimulated: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert unsimulated(*options) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert [path.name for path in Path().iterdir()] == ["t.npz"]


def test_a_full_disk_does_not_cost_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> Any:
        yield ""
        raise OSError(28, "No space left on device", "x.json")

    monkeypatch.setattr("sparsesim.timeline.trace_file.trace_text", full)
    assert main(["run", "--trace", "t.npz", "--no-figure", "--out", "kept", "--timeline", "x.json"]) == 1
    printed = capsys.readouterr()
    assert "error: x.json: No space left on device." in printed.err
    assert "kept" in printed.out
    assert Path("kept", "summary.json").is_file()
    assert not Path("x.json").exists()
