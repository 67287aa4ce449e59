"""The page of a study."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.page.model import Card, Page, Section, Table
from reports.page.study_table import Asked, best_table, effects_table, failed_table, points_table
from reports.study.labels import limit_text, short_names, shown_figure, shown_setting
from reports.study.levels import levels
from reports.study.marked import marked_points
from reports.study.points import Mask, allowed, done_points, values_of, workloads
from reports.study.ranking import best_of
from reports.study.sensitivity import STEM as SENSITIVITY
from reports.study.sentences import counts, design, errors, meeting, points_text, said
from reports.study.transferred import transferred_of_points, transferred_of_settings
from reports.text import shown_name
from sparsesim.study.asked import asked_rows, frame_of_question
from sparsesim.study.definition import FLAGS_SOURCE
from sparsesim.study.objectives import Objective
from sparsesim.study.session import Question, last_question
from workloads.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

    from reports.figures.drawing import Drawing
    from sparsesim.study.store import Session, Study

_MOST_CARDS = 8
_MOST_SESSIONS = 20
_MOST_WORKLOADS, _MOST_VALUES = 12, 16  # named in a sentence
_LONGEST_FILE_BYTES = 200_000
_REPRODUCE = """\
python -m sparsesim show STUDY ROW            the command that simulates one row by itself, and its figures
python -m sparsesim show STUDY ROW --layers   the same row layer by layer
python -m sparsesim show STUDY ROW --export DIR
                                              machine and energies of the row as they were
python -m sparsesim show STUDY --csv FILE     all rows, all figures
STUDY is the folder of the study, ROW a number of the tables above."""


def page_of_study(study: Study) -> Page:
    """The page of what the last run of a study asked for; UserError where none began yet."""
    from reports.figures.style import house_style  # noqa: PLC0415
    from reports.study.figure import study_drawings  # noqa: PLC0415

    question = last_question(study)
    if question is None:
        raise UserError(
            f"{study.folder}: the study is empty: the run that made it was ended before it began."
        )
    frame = frame_of_question(study, question)
    with house_style():
        drawings = study_drawings(frame, question.varied, question.objectives, question.constraints)
    transferred = _transferred(study, question, frame)
    return study_page(frame, question, drawings, _name(study), list(_made(study, question)), transferred)


def study_page(
    frame: DataFrame,
    question: Question,
    drawings: Sequence[Drawing],
    name: str,
    made: Sequence[tuple[str, str]] = (),
    transferred: Mapping[str, str] | None = None,
) -> Page:
    """The page of a study.

    frame: of sparsesim.study.asked.frame_of_question. drawings: of reports.study.figure.study_drawings for
    the same. name: of the study. made: how it was made, (summary, text) pairs. transferred: workloads whose
    sparsity is, and from what, where the frame does not tell.
    """
    done = done_points(frame)
    marked = marked_points(done, question.varied, question.objectives, question.constraints)
    asked = Asked(frame, done, question.varied, question.objectives, question.constraints, marked)
    return Page(
        title=f"{shown_name(name)}: {points_text(len(done))} compared",
        subtitle=_aims(question),
        cards=list(_cards(asked)),
        warnings=[
            *_warnings(asked),
            *_of_sparsity(transferred_of_points(done) if transferred is None else transferred),
        ],
        sections=list(_sections(asked, drawings, made)),
        thing="point",
        layers=[f"row {row}" for row in done["row"].iloc[marked].tolist()] if marked else [],
    )


def _aims(question: Question) -> str:
    aims = ", ".join(f"{one.goal} {said(one.figure)}" for one in question.objectives)
    limits = " and ".join(map(limit_text, question.constraints))
    return f"{_sentence(aims)}{f', where {limits}' if limits else ''}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sections(
    asked: Asked, drawings: Sequence[Drawing], made: Sequence[tuple[str, str]]
) -> Iterator[Section]:
    some = not asked.done.empty and bool(asked.objectives)
    best = _given(best_table(asked)) if some else []
    yield Section("summary", "Summary", list(_summary(asked)), tables=best)
    of_settings = _given(effects_table(asked)) if some else []
    for drawing in drawings:
        tables = of_settings if drawing.stem == SENSITIVITY else []
        yield Section(drawing.stem, drawing.title, drawings=[drawing], tables=tables)
    if of_settings and SENSITIVITY not in [drawing.stem for drawing in drawings]:
        yield Section(SENSITIVITY, "What matters most", tables=of_settings)
    if some:
        yield Section("table", "All points", tables=[points_table(asked)])
    if failed := _given(failed_table(asked)):
        yield Section("failed", "Failed points", tables=failed)
    yield Section("made", "How it was made", details=[*made, ("A row again", _REPRODUCE)])


def _given(table: Table | None) -> list[Table]:
    return [] if table is None else [table]


def _summary(asked: Asked) -> Iterator[str]:
    if asked.frame.empty:
        yield counts(asked.frame)
        return
    yield f"{counts(asked.frame)} {' '.join(_workloads(asked.frame))}"
    if varied := "; ".join(_varied(asked)):
        yield f"Varied: {varied}."
    yield from errors(asked.frame)
    if asked.constraints and not asked.done.empty:
        yield f"{meeting(_permitted(asked), asked.constraints)}; the others are grey in the figures."


def _permitted(asked: Asked) -> Mask:
    return allowed(asked.done, asked.constraints)


def _workloads(frame: DataFrame) -> Iterator[str]:
    """Which workloads the points are of; of very many the first."""
    names = list(workloads(frame))
    shown = "; ".join(names[:_MOST_WORKLOADS])
    more = f" and {len(names) - _MOST_WORKLOADS:,} more" if len(names) > _MOST_WORKLOADS else ""
    yield f"Workload{'s' if len(names) > 1 else ''}: {shown}{more}."


def _varied(asked: Asked) -> Iterator[str]:
    """The values of every setting; of very many how many, and the ends."""
    for setting, name in short_names(asked.settings).items():
        found = levels(asked.frame, setting)
        if found.ranges:
            first, last = (shown_setting(end) for end in (np.nanmin(found.places), np.nanmax(found.places)))
            count = len(np.unique(found.places[np.isfinite(found.places)]))
            yield f"{name} ({count:,} values from {first} to {last})"
        elif len(found.labels) > _MOST_VALUES:
            yield f"{name} ({len(found.labels):,} values)"
        else:
            yield f"{name} ({', '.join(found.labels)})"


def _cards(asked: Asked) -> Iterator[Card]:
    failed = len(asked.frame) - len(asked.done)
    yield Card(f"{len(asked.done):,}", "points done", f"{failed:,} failed" if failed else "none failed")
    of_workloads = list(workloads(asked.done).items())
    objectives = list(dict.fromkeys(asked.objectives))
    every = [(name, mine, objective) for name, mine in of_workloads for objective in objectives]
    for name, mine, objective in every[: _MOST_CARDS - 1]:
        yield from _best_card(asked, name if len(of_workloads) > 1 else "", mine, objective)


def _best_card(asked: Asked, name: str, mine: Mask, objective: Objective) -> Iterator[Card]:
    """The best point that is allowed; nothing where there is none."""
    place = best_of(asked.done, mine & _permitted(asked), objective, asked.objectives)
    if place is None:
        return
    value = float(values_of(asked.done, objective.figure)[place])
    direction = "lowest" if objective.goal == "minimize" else "highest"
    yield Card(
        shown_figure(objective.figure, value),
        f"{direction} {said(objective.figure)}{f', {name}' if name else ''}",
        f"row {asked.done['row'].iloc[place]}: {design(asked.done, place, asked.settings)}",
    )


def _warnings(asked: Asked) -> Iterator[str]:
    if asked.done.empty:
        yield counts(asked.frame)
    elif asked.constraints and not _permitted(asked).any():
        yield f"{meeting(_permitted(asked), asked.constraints)}: there is no best design."


def _of_sparsity(transferred: Mapping[str, str]) -> Iterator[str]:
    """A warning as on the page of a run, for all workloads of the same source together."""
    for source in dict.fromkeys(transferred.values()):
        names = [name for name, found in transferred.items() if found == source]
        shown = "; ".join(names[:_MOST_WORKLOADS])
        more = f" and {len(names) - _MOST_WORKLOADS:,} more" if len(names) > _MOST_WORKLOADS else ""
        yield f"Sparsity is transferred: not all of it was recorded on {shown}{more}: {source}."


def _transferred(study: Study, question: Question, frame: DataFrame) -> dict[str, str]:
    """Workloads whose sparsity is transferred; the designs of a search do not name all of theirs."""
    if question.workloads:
        asked = asked_rows(study, question)
        return transferred_of_settings(row.settings for row in study.rows() if row.row in asked)
    return transferred_of_points(done_points(frame))


def _name(study: Study) -> str:
    """The study's own name: its folder may be anywhere, and be called anything."""
    found: str = json.loads(study.text(study.sessions()[-1].definition))["name"]
    return found


def _made(study: Study, question: Question) -> Iterator[tuple[str, str]]:
    if question.source != FLAGS_SOURCE and (text := _file_text(Path(question.source))):
        yield "Study file, as it is now", text
    sessions = study.sessions()
    commands = [f"python -m sparsesim {shlex.join(one.argv[1:])}" for one in sessions[-_MOST_SESSIONS:]]
    yield "Commands", "\n".join(dict.fromkeys(commands))
    yield "What was asked last", json.dumps(json.loads(study.text(sessions[-1].definition)), indent=2)
    yield "Versions", json.dumps(_versions(study, sessions[-1]), indent=2)


def _file_text(path: Path) -> str:
    """The text of a study file; "" where there is none any more, or it is none."""
    try:
        if path.stat().st_size > _LONGEST_FILE_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def _versions(study: Study, session: Session) -> dict[str, object]:
    return {"sparsesim": study.code, "platform": session.platform, "packages": dict(session.packages)}
