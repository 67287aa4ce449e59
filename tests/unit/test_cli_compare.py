"""`compare` on the command line: what it prints and writes, and what bad input gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.files import PAGE
from sparsesim.cli.main import main
from tests.builders_results import made_result, step_records
from tests.builders_runs import saved


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three run folders, and where the tests are at."""
    folder = tmp_path_factory.mktemp("runs")
    saved(made_result(), folder / "a")
    saved(made_result(step_records(samples=2)), folder / "b")
    saved(made_result(step_records(("dense", "recorded")), prune=None), folder / "trace")
    return folder


def failed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence of an error, exit status 2 and nothing else."""
    assert main(["compare", *arguments]) == 2
    found = capsys.readouterr()
    assert found.out == "" and found.err.startswith("error: ") and found.err.count("\n") == 1
    return found.err


def test_it_prints_and_writes_nothing(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(runs.rglob("*"))
    assert main(["compare", str(runs / "a"), str(runs / "b"), str(runs / "trace")]) == 0
    said = capsys.readouterr().out
    assert "A a: resnet18 on cifar10" in said and "C trace less A a (recorded less pruned)" in said
    assert sorted(runs.rglob("*")) == before and not list(tmp_path.iterdir())


def test_out_gets_the_page_and_the_figures(
    runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["compare", str(runs / "a"), str(runs / "b"), "--out", str(out)]) == 0
    assert {PAGE, "waterfall-b.svg", "layer-differences-b.svg", "overview.csv"} <= {
        p.name for p in out.iterdir()
    }
    assert capsys.readouterr().out.rstrip().endswith(f"comparison in {out}")


def test_a_format_alone_writes_into_a_folder_here(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(runs / "a"), str(runs / "b"), "--format", "png"]) == 0
    names = {path.name for path in (tmp_path / "comparison").iterdir()}
    assert "waterfall-b.png" in names and PAGE not in names


def test_the_run_can_be_chosen(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(runs / "a"), str(runs / "b"), "--run", "natural"]) == 0
    assert "B b less A a (natural)" in capsys.readouterr().out


def test_bad_input_is_one_sentence(runs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, b = str(runs / "a"), str(runs / "b")
    (tmp_path / "file").write_text("")
    assert "takes 2 to 26 run folders" in failed(capsys, a)
    assert "was given twice" in failed(capsys, a, b, f"{a}/")
    assert "no such folder" in failed(capsys, a, str(runs / "nix"))
    assert "is not a run folder" in failed(capsys, a, str(tmp_path))
    assert "Did you mean 'pruned'" in failed(capsys, a, b, "--run", "prune")
    assert "trace has no such run" in failed(capsys, a, str(runs / "trace"), "--run", "pruned")
    assert "unknown format 'gif'" in failed(capsys, a, b, "--format", "gif")
    for inside in ("", "/x", "/x/y"):
        said = failed(capsys, a, b, "--out", f"{tmp_path}/file{inside}")
        assert f"{tmp_path}/file: Not a directory" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_no_folder_is_none(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(runs / "a"), str(runs / "b"), "--out", ""]) == 2
    found = capsys.readouterr()
    assert found.out == "" and "must name a folder" in found.err
