"""Single changes of the machine, the data and the accounting: which of them reach what was published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import published
from reports.figures.drawing import Drawing
from reports.figures.titles import head
from reports.figures.values import write_values
from reports.language import FAINT, INK, PAPER, PUBLISHED, run_colour
from reports.numbers import times
from reports.reproduction.figures.frame import (
    NATURAL,
    PRUNED,
    SMALL_POINTS,
    WIDTH_INCHES,
    columns_of,
    counted,
    draw_dots,
    draw_published,
    draw_reference,
    machine_and_rate,
)
from reports.study.sentences import cut
from reports.text import plain, shown_name
from sparsesim.reproduction.averages import Average, is_near, of_figures
from sparsesim.reproduction.model import ChangeOutcome, Reproduction

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "changes"
_ROW_INCHES, _MARGIN_INCHES = 0.165, 1.5
_LONGEST_LABEL, _LONGEST_ERROR = 52, 38  # characters
_ROOM_FOR_END, _ROOM_FOR_BEGIN = 1.04, 0.85
_PANELS: Mapping[str, tuple[str, float]] = {
    "speedup": ("speedup on chip, pruned", published.SPEEDUP),
    "efficiency": ("energy efficiency on chip, pruned", published.EFFICIENCY),
}


@dataclass(frozen=True)
class Row:
    """A change and where it stands: row 0 on top, a row for the name of every group above its first."""

    place: int
    outcome: ChangeOutcome
    natural: Average
    pruned: Average

    @property
    def is_known(self) -> bool:
        """Whether it could be simulated on every workload."""
        return math.isfinite(self.pruned.speedup)


def changes(reproduction: Reproduction) -> Drawing | None:
    """Dots of all changes, by what they are about; None without one that was simulated.

    Within house_style().
    """
    rows, headings = change_rows(reproduction)
    if not any(row.is_known for row in rows):
        return None
    figure, panels = _panels(rows, headings)
    for axes, (name, (words, quoted)) in zip(panels, _PANELS.items(), strict=True):
        _draw(axes, rows, name, quoted)
        axes.set_xlabel(words)
    _explain(panels[0], rows)
    head(figure, f"One change at a time: {machine_and_rate(reproduction)}", _handles(), 2)
    return Drawing(
        stem=STEM,
        title="Single changes",
        lead=f"Averages over {counted(reproduction)}, one sample, everything else as described. A line goes "
        "from the machine as described to each dot. The band is what lies within 15 % of the published "
        f"averages, {published.SPEEDUP}x and {published.EFFICIENCY}x; dots in it are filled.",
        alt=_alt(rows),
        figure=figure,
        data=_data(rows),
    )


def change_rows(reproduction: Reproduction) -> tuple[list[Row], Mapping[int, str]]:
    """All changes in their order, and the names of the groups by row."""
    rows: list[Row] = []
    headings: dict[int, str] = {}
    for outcome in reproduction.changes:
        if outcome.change.group not in headings.values():
            headings[len(rows) + len(headings)] = outcome.change.group
        averages = [_average(reproduction, outcome, run) for run in (NATURAL, PRUNED)]
        rows.append(Row(len(rows) + len(headings), outcome, *averages))
    return rows, headings


def _average(reproduction: Reproduction, outcome: ChangeOutcome, run: str) -> Average:
    """Not known unless it is of every workload."""
    if set(outcome.figures) != set(reproduction.counts):
        return Average(math.nan, math.nan)
    return of_figures(outcome.figures, reproduction.counts, run, "on_chip")


def _panels(rows: Sequence[Row], headings: Mapping[int, str]) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    height = len(rows) + len(headings)
    size = WIDTH_INCHES, _MARGIN_INCHES + _ROW_INCHES * height
    figure = Figure(figsize=size, layout="constrained")
    panels: Sequence[Axes] = list(figure.subplots(1, 2, sharey=True))
    names = {**headings} | {row.place: shown_name(row.outcome.change.label, _LONGEST_LABEL) for row in rows}
    panels[0].set_yticks(sorted(names), [names[place] for place in sorted(names)], fontsize=SMALL_POINTS)
    for place, label in zip(sorted(names), panels[0].get_yticklabels(), strict=True):
        if place in headings:
            label.set_fontweight("bold")
    panels[0].set_ylim(height - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    return figure, panels


def _draw(axes: Axes, rows: Sequence[Row], name: str, quoted: float) -> None:
    known = [row for row in rows if row.is_known]
    values = {row.place: float(getattr(row.pruned, name)) for row in known}
    draw_published(axes, quoted, band=True)
    described = [row for row in known if not row.outcome.change.settings]
    if described:
        start = values[described[0].place]
        draw_reference(axes, start)
        _stems(axes, values, start)
    for hollow in (False, True):
        chosen = {place: value for place, value in values.items() if is_near(value, quoted) != hollow}
        draw_dots(axes, list(chosen.values()), list(chosen), run_colour(PRUNED), hollow)
    write_values(axes, list(values), [times(value) for value in values.values()])
    ends = [*values.values(), quoted]
    axes.set_xlim(_ROOM_FOR_BEGIN * min(ends), _ROOM_FOR_END * max(ends))


def _stems(axes: Axes, values: Mapping[int, float], start: float) -> None:
    axes.hlines(
        list(values), start, list(values.values()), colors=run_colour(PRUNED), linewidth=1.0, zorder=1.5
    )


def _explain(axes: Axes, rows: Sequence[Row]) -> None:
    """Why there is no dot, in the row of what could not be simulated."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    for row in rows:
        if not row.is_known:
            axes.annotate(
                cut(plain(row.outcome.error or "not simulated"), _LONGEST_ERROR),
                (0, row.place),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL_POINTS,
                color=FAINT.light,
                in_layout=False,
                path_effects=[withStroke(linewidth=3, foreground=PAPER.light)],
            )


def _handles() -> list[Artist]:
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    return [
        Line2D([], [], color=INK.light, linewidth=0.9, label="as described"),
        Line2D([], [], color=PUBLISHED.light, linewidth=1.2, linestyle="--", label="published average"),
        Line2D([], [], color=run_colour(PRUNED), linestyle="", marker="o", label="pruned, on chip"),
        Patch(facecolor=PUBLISHED.light, alpha=0.1, label="within 15 % of it"),
    ]


def _alt(rows: Sequence[Row]) -> str:
    quoted = f"Published: {published.SPEEDUP}x and {published.EFFICIENCY}x."
    return f"Speedup and energy efficiency on chip, pruned. {'; '.join(_told(rows))}. {quoted}"


def _told(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        label = shown_name(row.outcome.change.label)
        if row.is_known:
            yield f"{label}: {times(row.pruned.speedup)} and {times(row.pruned.efficiency)}"
        else:
            yield f"{label}: not known"


def _data(rows: Sequence[Row]) -> Mapping[str, Sequence[Any]]:
    header = (
        "group", "change", "natural_speedup", "natural_energy_efficiency", "pruned_speedup",
        "pruned_energy_efficiency", "error",
    )  # fmt: skip
    return columns_of(
        header,
        [
            (
                row.outcome.change.group,
                row.outcome.change.label,
                *(getattr(one, name) for one in (row.natural, row.pruned) for name in _PANELS),
                row.outcome.error,
            )
            for row in rows
        ],
    )
