"""The bars of the overview: groups of them, where they stand and what is written beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.figures.gains import AVERAGE, Gain, averages, brief_labels, gains
from sparsesim.results.model import Result

GAP, _LEAST = 1.0, 3  # rows between groups, and rows of a group at least: labels have up to three lines


@dataclass(frozen=True)
class Group:
    """Bars that belong together, from row `start` on, and the text beside them."""

    text: str
    gains: Sequence[Gain]
    start: float
    is_average: bool = False

    @property
    def rows(self) -> int:
        return max(len(self.gains), _LEAST)

    def row(self, place: int) -> float:
        """Of the gain at a place."""
        return self.start + (self.rows - len(self.gains)) / 2 + place


def gain_groups(
    results: Sequence[Result], labels: Sequence[str], averaged: Sequence[Result] | None = None
) -> list[Group]:
    """A group per result, a star where sparsity is transferred, and a last one of averages if there are.

    averaged: those of the results that averages are over, by default all.
    """
    chosen = results if averaged is None else averaged
    groups: list[Group] = []
    for text, label, result in zip(brief_labels(labels), labels, results, strict=True):
        star = " *" if result.profile.transferred_from else ""
        groups.append(Group(text + star, gains(result, label), _next_row(groups)))
    if chosen and (means := averages(chosen, [gain for one in chosen for gain in gains(one, "")])):
        text = f"{AVERAGE}\nof {most_results(means)}"
        groups.append(Group(text, means, _next_row(groups), is_average=True))
    return groups


def _next_row(groups: Sequence[Group]) -> float:
    return groups[-1].start + groups[-1].rows + GAP if groups else 0.0


def most_results(means: Sequence[Gain]) -> int:
    """How many results the widest of some averages is of."""
    return max(gain.results for gain in means)
