"""Sentences about a study, for the terminal and the page alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.study.labels import short_names, shown_setting, words
from reports.study.points import Mask, settings_of
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_ERRORS = 5
_MOST_SETTINGS = 6  # of a design
LONGEST_ERROR = 300  # characters of an error's sentence


def points_text(count: int) -> str:
    """1 point, 5,000 points."""
    return f"{count:,} point{'' if count == 1 else 's'}"


def counts(frame: DataFrame) -> str:
    """How many points are done, and how many failed."""
    statuses = Counter(frame["status"]) if "status" in frame else Counter()
    if not statuses:
        return "No point is done yet."
    failed = f", {points_text(statuses['failed'])} failed" if statuses["failed"] else ""
    return f"{points_text(statuses['done'])} done{failed}."


def errors(frame: DataFrame) -> Iterator[str]:
    """The commonest errors and how often each happened."""
    if "error" not in frame or "status" not in frame:
        return
    found = Counter(str(error) for error in settings_of(frame[frame["status"] == "failed"], "error"))
    for error, count in found.most_common(_MOST_ERRORS):
        yield f"{count:,} x {cut(error, LONGEST_ERROR)}"
    if len(found) > _MOST_ERRORS:
        rest = sum(found.values()) - sum(count for _, count in found.most_common(_MOST_ERRORS))
        yield f"{rest:,} x one of {len(found) - _MOST_ERRORS:,} other errors"


def cut(text: str, longest: int) -> str:
    """A text, its end left out beyond so many characters."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def meeting(permitted: Mask, constraints: Sequence[Constraint]) -> str:
    """How many of the points that are done meet the constraints."""
    limits = " and ".join(map(str, constraints))
    return f"{points_text(int(permitted.sum()))} of {len(permitted):,} meet {limits}"


def said(figure: str) -> str:
    """What a figure is, with its accounting: cycles with DRAM."""
    return " ".join(part for part in words(figure) if part)


def design(done: DataFrame, place: int, settings: Sequence[str]) -> str:
    """The values of some settings of a point; of very many the first."""
    point, names = done.iloc[[place]], short_names(settings)
    parts = [f"{name} {shown_setting(settings_of(point, setting)[0])}" for setting, name in names.items()]
    return ", ".join([*parts[:_MOST_SETTINGS], "..."] if len(parts) > _MOST_SETTINGS else parts)


def goals(objectives: Sequence[Objective]) -> str:
    """What the objectives aim at: minimize cycles, maximize speedup."""
    return ", ".join(f"{one.goal} {words(one.figure)[0]}" for one in objectives)


def effect_words(objective: str) -> str:
    """What the effect of a setting is; objective: in words."""
    return (
        f"effect: geometric mean of {objective} at the worst value of a setting over that at "
        "its best (or the inverse, where more is better), over all points done, those that break a "
        "constraint too."
    )
