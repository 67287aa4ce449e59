"""`report` and `run --report`: the right files in the right place, and one sentence for everything else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sparsesim.cli.main import main
from tests.builders_results import small_trace


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that has a report inside."""
    folder = tmp_path_factory.mktemp("runs")
    recorded = small_trace(folder / "t.npz")
    command = ["run", "--trace", str(recorded), "--samples", "1", "--report", "--no-figure"]
    assert main([*command, "--out", str(folder / "run")]) == 0
    return folder / "run"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_report_made_later_is_the_one_made_with_the_run(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "--out", str(tmp_path / "later")]) == 0
    assert files(tmp_path / "later") == files(run / "report")
    assert capsys.readouterr().out.split() == ["report", "in", str(tmp_path / "later" / "report.html")]


def test_the_place_is_told_whatever_else_is_there(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report").mkdir()
    assert main(["report", str(run / "summary.json"), "--out", str(tmp_path), "--format", "html"]) == 0
    assert capsys.readouterr().out.split()[-1] == str(tmp_path / "report.html")


def test_formats_are_written_as_asked(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "--out", str(tmp_path / "o"), "--format", "pdf, png"]) == 0
    assert {path.suffix for path in (tmp_path / "o").iterdir()} == {".pdf", ".png", ".csv"}


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("file/x", "--out file/x: cannot be written, "),
        ("file", "--out file: cannot be written, "),
        ("", "must name a folder"),
        ("taken", "taken/report.html: is a folder, the page needs the name"),
        ("dangling", "--out dangling: cannot be written, "),
        ("n" * 300, "cannot be written"),
    ],
)
def test_places_that_cannot_be(
    out: str,
    words: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("taken/report.html").mkdir(parents=True)
    Path("dangling").symlink_to("nowhere")
    before = sorted(os.walk("."))
    assert main(["report", str(run), "--out", out]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert sorted(os.walk(".")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "nothing"], "there is no such folder"),
        (["report", ".", "--format", "htm"], "Did you mean 'html'?"),
        (["report", ".", "--format", ","], "--format needs at least one of"),
        (["report", "."], "is not a run folder"),
        (["run", "alexnet", "--report", "--no-save"], "contradict each other"),
    ],
)
def test_what_cannot_be_reported(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("error: ") and words in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), [("network", "vgg16"), ("seed", 7), ("machine", {})])
def test_the_manifest_of_another_run_is_refused(
    name: str, value: object, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in run.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, name: value}), encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 2
    assert f"{name} must be" in capsys.readouterr().err


def test_a_full_disk_is_told_with_the_place(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.files.render", full)
    assert main(["report", str(run), "--out", str(tmp_path / "o")]) == 1
    sentence = f"error: {tmp_path / 'o'}: No space left on device; the report is not complete.\n"
    assert capsys.readouterr().err == sentence
    assert not list((tmp_path / "o").iterdir())


def test_names_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "\x1b[31mred")]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said and "?[31mred" in said
