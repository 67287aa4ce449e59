"""From the published arrangement to the better machine: what every step buys, and what area it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.figures.bars import draw_bars
from reports.figures.drawing import Drawing
from reports.figures.titles import head
from reports.figures.values import write_values
from reports.language import RUNS, run_colour
from reports.numbers import times
from reports.reproduction.figures.frame import (
    PRUNED,
    WIDTH_INCHES,
    columns_of,
    counted,
    draw_reference,
    lines_of,
    machine_and_rate,
)
from reports.text import shown_name
from sparsesim.reproduction.averages import step_gain
from sparsesim.reproduction.model import Reproduction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "beyond"
AREA = "area_mm2"
GAINS: Mapping[str, str] = {
    "on_chip_cycles": "faster\non chip",
    "with_dram_cycles": "faster\nwith DRAM",
    "with_dram_energy_pj": "less energy\nwith DRAM",
}
_ROW_INCHES, _MARGIN_INCHES = 0.36, 1.3
_LINE = 30  # characters of a step's words
_THICKNESS = 0.55
_ROOM_FOR_END = 1.08


@dataclass(frozen=True)
class Step:
    """gains: the published arrangement over the machine after the step, by figure; what is unknown is nan."""

    words: str
    gains: Mapping[str, float]
    area_mm2: float


def beyond(reproduction: Reproduction) -> Drawing | None:
    """A row per step, panels of what it gains and of the area; None without steps. Within house_style()."""
    if not reproduction.steps:
        return None
    steps = beyond_steps(reproduction)
    figure, panels = _panels(steps)
    for axes, (name, words) in zip(panels, GAINS.items(), strict=False):
        _draw(axes, [step.gains[name] for step in steps], run_colour(PRUNED), 1.0, times)
        axes.set_title(words)
    _draw(panels[-1], [step.area_mm2 for step in steps], RUNS["dense"].light, steps[0].area_mm2, _area)
    panels[-1].set_title("area\n[mm2]")
    head(figure, f"Step by step to a better machine: from {machine_and_rate(reproduction)}")
    return Drawing(
        stem=STEM,
        title="What every step buys",
        lead="Each row is the machine after that step and all above it; the first is the published "
        "arrangement, the line in every panel. Cycles and energies of the pruned run there over those after "
        f"the step, geometric means over {counted(reproduction)}. The area must stay left of its line.",
        alt=_alt(steps),
        figure=figure,
        data=_data(steps),
    )


def beyond_steps(reproduction: Reproduction) -> list[Step]:
    """All of them, the published arrangement first."""
    return [
        Step(
            step.words,
            {name: step_gain(reproduction, place, name) for name in GAINS},
            next(iter(step.figures.values()), {}).get(AREA, math.nan),
        )
        for place, step in enumerate(reproduction.steps)
    ]


def _panels(steps: Sequence[Step]) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    height = _MARGIN_INCHES + _ROW_INCHES * len(steps)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    panels: Sequence[Axes] = list(figure.subplots(1, len(GAINS) + 1, sharey=True))
    labels = [lines_of(step.words, _LINE) for step in steps]
    panels[0].set_yticks(range(len(steps)), labels)
    panels[0].set_ylim(len(steps) - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    return figure, panels


def _draw(axes: Axes, values: Sequence[float], colour: str, limit: float, text: Any) -> None:
    """Bars from 0, and a line at what the first row has."""
    draw_bars(axes, range(len(values)), 0, values, _THICKNESS, colour)
    known = [(row, text(value)) for row, value in enumerate(values) if math.isfinite(value)]
    write_values(axes, [row for row, _ in known], [shown for _, shown in known])
    finite = [value for value in (*values, limit) if math.isfinite(value)]
    axes.set_xlim(0, _ROOM_FOR_END * max(finite, default=1.0))
    if math.isfinite(limit):
        draw_reference(axes, limit)


def _area(value: float) -> str:
    return f"{value:.2f}"


def _alt(steps: Sequence[Step]) -> str:
    sentences = [
        f"{shown_name(step.words)}: "
        + ", ".join(f"{times(step.gains[name])} {' '.join(words.split())}" for name, words in GAINS.items())
        + f", {_area(step.area_mm2) if math.isfinite(step.area_mm2) else '-'} mm2"
        for step in steps
    ]
    return f"{'; '.join(sentences)}."


def _data(steps: Sequence[Step]) -> Mapping[str, Sequence[Any]]:
    header = ("after", *(f"{name}_gain".replace("_pj", "") for name in GAINS), AREA)
    return columns_of(header, [(step.words, *step.gains.values(), step.area_mm2) for step in steps])
