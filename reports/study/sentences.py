"""Sentences about a study, for the terminal and the page alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reports.study.effects import Effect
from reports.study.labels import short_names, shown_setting, words
from reports.study.points import Mask, settings_of
from sparsesim.study.objectives import Constraint, Objective

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_ERRORS = 5
_MOST_SETTINGS = 6  # of a design
_MOST_APART = 6  # values named
NOT_ALL = "they are not all combinations of the values (a search or a list chose them, or some failed)"
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


def effect_heading(all_combinations: bool) -> str:
    """The heading of the effects of settings; all_combinations: as in effect_words."""
    return "effect" if all_combinations else "estimated effect"


def effect_words(objective: str, all_combinations: bool) -> str:
    """What the effect of a setting is, and what it rests on.

    objective: in words; all_combinations: of reports.study.effects.are_all_combinations.
    """
    ends = (
        f"{objective} at the worst value of a setting over that at its best (or the inverse, where more is "
    )
    ends += "better)"
    over = "over all points done, those that break a constraint too"
    if all_combinations:
        return f"effect: geometric mean of {ends}, {over}; they are all combinations of the values."
    return (
        f"estimated effect: {ends} with the other settings held fixed, as far as these points allow: "
        f"{NOT_ALL}. A least-squares fit {over}; a dash: no difference, or none that can be told from "
        "those of other settings."
    )


def apart_words(effects: Iterable[Effect], names: Mapping[str, str]) -> str:
    """Names the values that were not comparable with the others; "" where there are none."""
    found = dict.fromkeys(f"{names[effect.setting]} {label}" for effect in effects for label in effect.apart)
    if not found:
        return ""
    shown = ", ".join([*found][:_MOST_APART])
    more = f" and {len(found) - _MOST_APART} more" if len(found) > _MOST_APART else ""
    return f" Left out, because nothing compares them with the other values: {shown}{more}."
