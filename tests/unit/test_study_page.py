"""The page of a study: are all its points on it, escaped, and can what is chosen be found everywhere?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.figures.style import house_style
from reports.files import PAGE, write_report
from reports.page.model import Page, Table
from reports.page.of_study import page_of_study, study_page
from reports.page.render import render, table_csv
from reports.study.figure import study_drawings
from sparsesim.study.definition import define
from sparsesim.study.flags import Flags
from sparsesim.study.objectives import Constraint, Objective
from sparsesim.study.session import Question, begin, question_of
from sparsesim.study.store import Done, Failed, Place, read_study, write_study
from tests.builders_study import AREA, CYCLES, ENERGY, GRID, SMALL, VARIED, brute_front, failed, study
from workloads.errors import UserError

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\n\x1b[31m\x00" + "z" * 400


class Parsed(HTMLParser):
    """The tags of a page, the attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data

    def having(self, attribute: str) -> list[tuple[str, dict[str, str | None]]]:
        return [(tag, attributes) for tag, attributes in self.tags if attribute in attributes]


def page(
    frame: pd.DataFrame,
    objectives: Sequence[Objective] = (CYCLES, ENERGY),
    constraints: Sequence[Constraint] = (),
    varied: Sequence[str] = VARIED,
    name: str = "mine",
    made: Sequence[tuple[str, str]] = (),
) -> Page:
    question = Question("command line", tuple(varied), tuple(objectives), tuple(constraints))
    with house_style():
        drawings = study_drawings(frame, varied, objectives, constraints)
    return study_page(frame, question, drawings, name, made)


def tables(of: Page) -> dict[str, Table]:
    return {table.stem: table for section in of.sections for table in section.tables}


def rows_of(table: Table) -> list[int]:
    return [int(row.cells[0].text) for row in table.rows]


def column(table: Table, heading: str) -> list[Any]:
    place = [" ".join(one.heading.split()) for one in table.columns].index(heading)
    return [row.cells[place].value for row in table.rows]


# What is on it


def test_every_point_that_is_done_is_in_the_table_with_its_figures() -> None:
    frame = failed(study(("alexnet", "vgg16")), [3], "broken")
    found = tables(page(frame))["table-points"]
    done = frame[frame["status"] == "done"]
    assert rows_of(found) == done["row"].tolist()
    assert column(found, "cycles with DRAM") == done[CYCLES.figure].tolist()
    assert column(found, "groups") == done["array.groups"].tolist()
    assert [row.cells[2].text for row in found.rows] == done["network"].tolist()


def test_the_table_of_the_best_is_the_front_and_tells_who_is_best_at_what() -> None:
    frame = study()
    found = tables(page(frame))["table-best"]
    assert set(rows_of(found)) == brute_front(frame, [CYCLES, ENERGY])
    assert found.caption.startswith("Pareto front, ")
    remarks = {row.cells[1].text for row in found.rows}
    assert {"best cycles", "best energy"} <= set(", ".join(remarks).split(", "))


def test_points_on_the_front_and_points_excluded_are_marked_in_the_table() -> None:
    frame = study()
    states = {
        int(row.cells[0].text): row.cells[1].text
        for row in tables(page(frame, constraints=[SMALL]))["table-points"].rows
    }
    meeting = frame[frame["area_mm2"] <= 1.2]
    front = brute_front(meeting, [CYCLES, ENERGY])
    assert {row for row, state in states.items() if state == "front"} == front
    assert {row for row, state in states.items() if state == "excluded"} == set(frame["row"]) - set(
        meeting["row"]
    )


def test_every_failed_point_is_listed_with_its_error() -> None:
    frame = study(grid={"array.groups": range(1, 1201)})
    frame = failed(frame, range(1, 1101), "conv1: no room " + "x" * 500)
    found = tables(page(frame, varied=["array.groups"]))["table-failed"]
    assert rows_of(found) == list(range(1, 1101))
    assert all(row.cells[-1].text.startswith("conv1: no room") for row in found.rows)
    assert len(render(page(frame, varied=["array.groups"]))) < 2_000_000


def test_cards_name_the_best_design_of_every_objective() -> None:
    frame = failed(study(), [1], "x")
    cards = page(frame, [CYCLES, AREA]).cards
    assert (cards[0].number, cards[0].small) == ("15", "1 failed")
    for card, figure in zip(cards[1:], (CYCLES.figure, AREA.figure), strict=True):
        best = frame.loc[frame[figure].idxmin()]
        assert card.small.startswith(f"row {best['row']}: groups {best['array.groups']}, pes_per_group")


def test_the_effects_of_settings_are_listed_for_every_figure_shown() -> None:
    found = tables(page(study(), [CYCLES]))["table-effects"]
    assert {row.cells[0].text for row in found.rows} == {"cycles with DRAM", "area"}
    assert [row.cells[1].text for row in found.rows][:3] == ["groups", "pes_per_group", "kind"]


def test_the_summary_says_what_was_asked_and_what_came_of_it() -> None:
    frame = study()
    made = page(frame, constraints=[SMALL])
    (summary,) = (one for one in made.sections if one.anchor == "summary")
    varied = "Varied: groups (14, 28, 56, 112); pes_per_group (1, 3); kind (lpddr4, hbm2)."
    meeting = int((frame["area_mm2"] <= 1.2).sum())
    assert list(summary.paragraphs) == [
        "16 points done. Workload: resnet18, cifar10.",
        varied,
        f"{meeting} points of 16 meet area_mm2 <= 1.2; the others are grey in the figures.",
    ]
    assert made.subtitle.startswith("Minimize cycles with DRAM, minimize energy with DRAM, where area")


# Size


def test_of_very_many_points_the_best_are_in_the_table_and_a_sentence_says_so() -> None:
    grid: dict[str, Any] = {"array.groups": range(1, 2001), "array.pes_per_group": range(1, 5)}
    frame = study(grid=grid)
    frame[ENERGY.figure] = frame[CYCLES.figure] * (1 + frame["row"] % 7)
    for number in range(6):
        frame[f"policy.option_{number}"] = frame["row"] / 7 + number
    varied = [*grid, *(f"policy.option_{number}" for number in range(6))]
    made = page(frame, varied=varied)
    found = tables(made)["table-points"]
    assert found.note.startswith(f"The best {len(found.rows):,} of 8,000 points")
    assert 3000 < len(found.rows) < 8000
    front = brute_front(frame, [CYCLES, ENERGY])
    kept = set(rows_of(found))
    assert front <= kept
    others = frame[~frame["row"].isin(front)]
    best = others.sort_values([CYCLES.figure, ENERGY.figure, "row"])["row"].tolist()[: len(kept) - len(front)]
    assert kept == front | set(best)
    assert len(render(made)) < 5_000_000


# Choosing


def test_what_is_chosen_in_a_figure_is_the_same_row_in_every_table() -> None:
    frame = failed(study(), [2], "x")
    made = page(frame)
    assert made.layers == [f"row {row}" for row in frame["row"] if row != 2]
    for name in ("table-points", "table-best"):
        for row in tables(made)[name].rows:
            assert row.layer is not None
            assert made.layers[row.layer] == f"row {row.cells[0].text}"
    parsed = Parsed(render(made))
    circles = {attributes["data-layer"] for tag, attributes in parsed.having("data-layer") if tag == "circle"}
    lines = {attributes["data-layer"] for tag, attributes in parsed.having("data-layer") if tag == "tr"}
    assert circles == lines == {str(number) for number in range(15)}


# Hostile values


def hostile_page() -> str:
    frame = study((NASTY, "vgg16"), {**GRID, "memory.kind": ["ok", NASTY]})
    frame[f"energy.{NASTY}"] = np.arange(len(frame)) % 2
    frame = failed(frame, [1, 2], NASTY)
    made = page(
        frame,
        varied=["network", *VARIED, f"energy.{NASTY}"],
        name=NASTY,
        made=[("Study file", NASTY), (NASTY, "x")],
    )
    return render(made)


def test_nothing_of_a_study_becomes_markup() -> None:
    parsed = Parsed(hostile_page())
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in parsed.tags]
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in parsed.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", parsed.text)


def test_long_names_are_cut_but_verbatim_texts_are_not() -> None:
    parsed = Parsed(hostile_page())
    # The study file and what it is called; errors end after 300 characters.
    assert parsed.text.count("z" * 400) == 2


# Degenerate


@pytest.mark.parametrize("frame", [pd.DataFrame(), study()[:0]])
def test_a_study_of_nothing_says_so(frame: pd.DataFrame) -> None:
    made = page(frame)
    assert "No point is done yet." in made.warnings
    assert "No point is done yet." in Parsed(render(made)).text
    assert list(tables(made)) == []


def test_a_study_of_failures_lists_them() -> None:
    made = page(failed(study(), range(1, 17), "broken"))
    assert list(tables(made)) == ["table-failed"]
    assert made.warnings == ["0 points done, 16 points failed."]
    assert made.layers == []


def test_a_study_of_one_point_and_one_without_figures_are_shown() -> None:
    assert rows_of(tables(page(study()[:1]))["table-best"]) == [1]
    lacking = study().assign(with_dram_cycles=np.nan)
    found = tables(page(lacking))
    assert "table-best" not in found
    assert len(found["table-points"].rows) == 16


def test_constraints_that_nothing_meets_are_a_warning() -> None:
    made = page(study(), constraints=[Constraint("area_mm2", "<=", 0.1)])
    assert made.warnings == ["0 points of 16 meet area_mm2 <= 0.1: there is no best design."]
    assert "table-best" not in tables(made)


def test_one_objective_lists_the_best() -> None:
    frame = study()
    best = frame.sort_values(CYCLES.figure, kind="stable")["row"].tolist()
    assert rows_of(tables(page(frame, [CYCLES]))["table-best"]) == best


# Files


def test_equal_studies_give_equal_reports(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_report(page(failed(study(), [1], "x"), constraints=[SMALL]), tmp_path / name, ("html", "svg"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert {PAGE, "pareto.svg", "sensitivity.csv", "table-points.csv", "table-failed.csv"} <= set(names)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name


def test_the_csv_of_the_points_is_at_full_precision() -> None:
    frame = study()
    lines = table_csv(tables(page(frame))["table-points"]).splitlines()
    place = lines[0].split(",").index(CYCLES.figure)
    assert [float(line.split(",")[place]) for line in lines[1:]] == frame[CYCLES.figure].tolist()


def test_headings_of_numbers_in_a_csv_are_names_with_units() -> None:
    found = tables(page(study(), constraints=[SMALL]))
    expected = ["row", "state", *VARIED, "with_dram_cycles", "with_dram_energy_pj", "area_mm2"]
    expected.append("with_dram_speedup")
    assert table_csv(found["table-points"]).splitlines()[0].split(",") == expected
    assert table_csv(found["table-best"]).splitlines()[0].split(",")[-3:] == expected[-3:]


def test_a_page_sent_alone_is_whole_whatever_the_size_of_its_data() -> None:
    frame = study(grid={"array.groups": range(1, 2001), "array.pes_per_group": [1, 2, 3]})
    html = render(page(frame, varied=["array.groups", "array.pes_per_group"]))
    parsed = Parsed(html)
    assert "Data: table-points.csv beside this page." in parsed.text
    fetched = [value for name in ("href", "src") for _, has in parsed.having(name) for value in [has[name]]]
    assert fetched
    assert all(str(value).startswith(("#", "data:")) for value in fetched)


# From the store


def stored(folder: Path) -> None:
    """A study of three points, one of which failed, asked for by options."""
    definition = define(
        None,
        Flags(networks="alexnet", datasets="cifar10", vary=("groups=14,28,56",), minimize=("cycles",)),
    )
    question = question_of(definition)
    figures = {"with_dram_cycles": 1e6, "area_mm2": 1.0, "with_dram_energy_pj": 1e9}
    with begin(folder, definition, ["sparsesim", "sweep", "--vary", "groups=14,28,56"], question) as writer:
        for place, groups in enumerate((14, 28, 56)):
            common: dict[str, Any] = {
                "key": f"point {groups}",
                "settings": {**definition.base, "array.groups": groups},
                "seconds": 1.0,
                "places": (Place(question.places, place),),
            }
            if groups == 28:
                writer.put([Failed(kind="MemoryError", error="out of memory", traceback="", **common)])
            else:
                writer.put(
                    [
                        Done(
                            figures=figures | {"with_dram_cycles": 1e8 / groups},
                            runs=(),
                            machine="{}",
                            energy="{}",
                            simulations=(),
                            **common,
                        )
                    ]
                )


def test_the_page_of_a_stored_study_says_how_it_was_made(tmp_path: Path) -> None:
    stored(tmp_path / "a folder")
    with read_study(tmp_path / "a folder") as found:
        made = page_of_study(found)
    assert made.title.endswith(": 2 points compared")
    assert rows_of(tables(made)["table-failed"]) == [2]
    details = dict(made.sections[-1].details)
    assert details["Commands"] == "python -m sparsesim sweep --vary groups=14,28,56"
    assert "show STUDY ROW" in details["A row again"]
    assert str(tmp_path) not in render(made)


def test_a_study_file_is_on_the_page_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("network: alexnet\ndataset: cifar10\nvary: {groups: [14, 28]}\n# <b>why</b>\n")
    with begin(tmp_path / "study", define(path), ["sparsesim", "sweep", str(path)]):
        pass
    with read_study(tmp_path / "study") as found:
        details = dict(page_of_study(found).sections[-1].details)
        assert details["Study file, as it is now"] == path.read_text()
        path.unlink()
        assert "Study file, as it is now" not in dict(page_of_study(found).sections[-1].details)


def test_a_study_that_never_began_is_refused(tmp_path: Path) -> None:
    with write_study(tmp_path / "study", code="1"):
        pass
    with read_study(tmp_path / "study") as found, pytest.raises(UserError, match="the study is empty"):
        page_of_study(found)
