"""The document of a reproduction: are its numbers those of the results, and do its sentences follow them?"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from reports.numbers import times
from reports.reproduction import sentences
from reports.reproduction.document import document, write_document
from reports.reproduction.sheets import Sheet, ladder, reaches, sheets
from sparsesim.reproduction.averages import Average
from sparsesim.reproduction.changes import CHANGES
from sparsesim.reproduction.ladder import BOUND, DISPATCH
from tests.builders_reproduction import SMALL, made_reproduction

MADE = made_reproduction()
TEXT = document(MADE, {})
WORDS = " ".join(TEXT.split())


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _table(text: str, sheet: Sheet) -> list[list[str]]:
    """The rows of a sheet as the document has them."""
    lines = text.partition(f"**{sheet.title}**")[2].strip().split("\n\n")[0].splitlines()
    assert re.fullmatch(r"[|\- :]+", lines[1])
    return [_cells(line) for line in lines[2:]]


@pytest.mark.parametrize("sheet", sheets(MADE), ids=lambda sheet: sheet.stem)
def test_every_table_is_there_cell_by_cell(sheet: Sheet) -> None:
    assert _table(TEXT, sheet) == [list(row) for row in sheet.rows]
    assert all(len(row) == len(sheet.columns) for row in sheet.rows)


def test_the_headline_is_the_average_of_the_networks_of_the_publication() -> None:
    averaged = [one for one in MADE.at(0.9) if one.network in ("alexnet", "resnet18")]
    assert len(averaged) == 4
    speedup = fmean(one.speedup["pruned"].on_chip for one in averaged)
    efficiency = fmean(one.energy_efficiency["pruned"].on_chip for one in averaged)
    told = WORDS.partition("## Result")[2]
    assert f"**{times(speedup)}** (+- 0.04 over samples)" in told
    assert f"**{times(efficiency)}** (+- 0.02 over samples)" in told
    distance = f"{abs(speedup / 2.7 - 1):.0%} {'above' if speedup > 2.7 else 'below'}"
    assert distance in told


@pytest.mark.parametrize(
    ("speedup", "efficiency", "words", "said"),
    [
        (2.7, 2.2, "both", "Both lie within"),
        (2.4, 2.7, "speed", "The speedup lies within"),
        (3.3, 2.0, "energy", "The energy efficiency lies within"),
        (1.5, 4.0, "neither", "Neither lies within"),
    ],
)
def test_what_is_said_of_an_average_follows_its_numbers(
    speedup: float, efficiency: float, words: str, said: str
) -> None:
    assert reaches(speedup, efficiency) == words
    assert sentences._verdict(Average(speedup, efficiency)).startswith(said)


def test_each_change_stands_in_the_line_of_what_it_reaches() -> None:
    (lines,) = [text for text in sentences.of_changes(MADE) if text.startswith("- **")]
    by_word = dict(zip(("both", "speed", "energy", "neither"), lines.split("\n"), strict=True))
    rows = {
        row[0]: row[-1] for row in _table(TEXT, next(one for one in sheets(MADE) if one.stem == "changes"))
    }
    assert rows.pop(CHANGES[0].label)
    failed = [label for label, which in rows.items() if which == "not simulated"]
    assert len(failed) == 1 and not any(failed[0] in line for line in by_word.values())
    for label, which in rows.items():
        assert which == "not simulated" or label in by_word[which]
    assert f"{failed[0]}: no machine can have it." in WORDS


def test_the_losses_of_the_ladder_add_up() -> None:
    sheet = ladder(MADE)
    column = list(sheet.columns).index("step\npruned")
    steps = [float(row[column]) for row in sheet.rows[1:7]]
    bound, whole = (float(row[4].rstrip("x")) for row in (sheet.rows[0], sheet.rows[6]))
    assert sheet.rows[0][0] == BOUND.name and sheet.rows[6][0] == DISPATCH.name
    assert sum(steps) == pytest.approx(whole - bound, abs=0.04)  # of rounded numbers


def test_without_samples_and_steps_nothing_is_made_up() -> None:
    asked = replace(SMALL, samples=1, machine="other.yaml")
    text = document(made_reproduction(asked, steps=[], average_widths={}), {})
    assert "## Beyond it" not in text and "sparsetrain-tuned" not in text
    assert "not known: one sample was simulated" in text and "nan" not in text.lower()
    assert "--machine other.yaml" in text


def test_the_command_is_the_one_that_was_given() -> None:
    assert sentences.command(made_reproduction(replace(SMALL, quick=True))).endswith("reproduce --quick")
    given = sentences.command(MADE)
    assert "--networks alexnet,resnet18,resnet50" in given and "--prune 0.7 --prune 0.9" in given


def test_files_are_written_whole(tmp_path: Path) -> None:
    write_document(MADE, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    images = re.findall(r"!\[[^\]]+\]\((\S+)\)", text)
    assert len(images) == 6 and all((tmp_path / image).stat().st_size > 5000 for image in images)
    assert all((tmp_path / image).with_suffix(".csv").is_file() for image in images)
    before = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    write_document(MADE, tmp_path / "page.md")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.md").mkdir()
    with pytest.raises(OSError) as raised:
        write_document(MADE, tmp_path / "page.md")
    assert raised.value.filename == str(tmp_path / "page.md")
