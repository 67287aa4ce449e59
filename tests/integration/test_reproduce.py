"""`reproduce`, for real and small: are its numbers those of `simulate`, does it go on where it was ended?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sparsesim
from reports.numbers import times
from sparsesim.cli.reproduce import ReproduceOptions, reproduce_command
from sparsesim.cli.study import StudyOptions
from sparsesim.reproduction.asked import Asked
from sparsesim.reproduction.changes import CHANGES
from sparsesim.reproduction.generator import FILE
from sparsesim.reproduction.ladder import BALANCE

KEYS = ("as-described", "channel-order", "netlist")
ASKED = Asked(("alexnet",), ("cifar10",), (0.9,), 1)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three changes instead of all, one step, one trace."""
    monkeypatch.setattr("sparsesim.reproduction.generator.TRACES", ("alexnet_32_p0.9",))
    monkeypatch.setattr("sparsesim.reproduction.generator.SEEDS", 1)
    kept = tuple(change for change in CHANGES if change.key in KEYS)
    monkeypatch.setattr("sparsesim.reproduction.changes.CHANGES", kept)
    monkeypatch.setattr("sparsesim.reproduction.points.STEPS", (("8 banks", ("banks=8",)),))
    monkeypatch.setattr("sparsesim.reproduction.changes.changes", lambda quick: kept)
    monkeypatch.setattr("sparsesim.reproduction.points.changes", lambda quick: kept)
    monkeypatch.setattr("sparsesim.reproduction.collect.changes", lambda quick: kept)


def _row(text: str, *names: str) -> list[str]:
    """The numbers of the first row of a Markdown table that begins with names."""
    start = re.escape("| " + " | ".join(names) + " |")
    line, *_ = re.findall(rf"^{start}.*$", text, re.MULTILINE)
    return [cell.strip() for cell in line.strip("|").split("|")][len(names) :]


@pytest.mark.slow
def test_it_prints_what_was_simulated_and_goes_on(
    few: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = StudyOptions(out=tmp_path / "study", workers=1)
    options = ReproduceOptions(document=tmp_path / "first.md")
    reproduce_command(ASKED, study, options)
    first = capsys.readouterr().out
    rows = sparsesim.load_study(tmp_path / "study")
    # Grid and machine as described are the same point.
    assert len(rows) == 8 and set(rows.status) == {"done"}
    kept = (tmp_path / "study" / FILE).read_bytes()

    reproduce_command(ASKED, study, ReproduceOptions(document=tmp_path / "second.md"))
    second = capsys.readouterr().out
    assert sparsesim.load_study(tmp_path / "study").equals(rows)
    assert (tmp_path / "study" / FILE).read_bytes() == kept
    assert second == first.replace("first.md", "second.md")
    text = (tmp_path / "first.md").read_text(encoding="utf-8")
    assert (tmp_path / "second.md").read_text(encoding="utf-8") == text
    _check_numbers(text, tmp_path)


def _check_numbers(text: str, folder: Path) -> None:
    plain = sparsesim.simulate("alexnet", "cifar10")
    speedup, efficiency = plain.speedup["pruned"], plain.energy_efficiency["pruned"]
    cells = _row(text, "alexnet", "cifar10", "pruned")
    assert (cells[0], cells[2], cells[4]) == (
        times(speedup.on_chip),
        times(efficiency.on_chip),
        times(speedup.with_dram),
    )
    free = [f"ideal.{name}=true" for name in BALANCE.free or ()]
    balanced = sparsesim.simulate("alexnet", "cifar10", overrides=free).speedup
    ladder = _row(text, "balance")
    assert ladder[3:5] == [times(balanced["natural"].on_chip), times(balanced["pruned"].on_chip)]
    assert _row(text, "dispatch")[4] == times(speedup.on_chip)
    wider = sparsesim.simulate("alexnet", "cifar10", overrides=["banks=8"])
    gain = plain.runs["pruned"].cycles.over(wider.runs["pruned"].cycles)
    assert _row(text, "8 banks")[:2] == [times(gain.on_chip), times(gain.with_dram)]
    images = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(images) >= 4 and all((folder / image).is_file() for image in images)
