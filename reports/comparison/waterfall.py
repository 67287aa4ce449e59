"""From the cycles and the energy of one run to those of another, a step per cause or component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from reports.comparison.attribution import KINDS, QUANTITIES, Attribution, Quantity, totals
from reports.comparison.kinds import kind_colour, kind_word, label_scale
from reports.comparison.numbers import TEXTS, WORDS, change, signed
from reports.comparison.sentences import heading
from reports.figures.bars import draw_bars
from reports.figures.drawing import Drawing
from reports.figures.rows import WIDTH_INCHES
from reports.figures.titles import head
from reports.language import ACCOUNTING_WORDS, FAINT, INK, run_colour
from sparsesim.results.parts import ACCOUNTINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEM = "waterfall"
_ROW_INCHES, _MARGIN_INCHES = 0.2, 1.8
_THICKNESS = 0.7
_STROKE_POINTS = 3.0
_SMALL_POINTS = 7
_ROOM_FOR_VALUES = 0.25  # of the width of the scale
# Where all steps lie within this part of the scale it begins later than 0, as far before the first step as
# the steps are wide.
_NARROW = 0.15


@dataclass(frozen=True)
class Step:
    """A bar from `begin` over `width`; kind "" is the whole of the side named by `label`."""

    label: str
    kind: str
    begin: float
    width: float

    @property
    def end(self) -> float:
        """Where the next one begins."""
        return self.begin + self.width


def waterfall(attribution: Attribution) -> Drawing:
    """Four panels: cycles by cause and energy by component, on chip and with DRAM; centre energies.

    Within house_style().
    """
    panels = {
        (quantity, accounting): list(_steps(attribution, quantity, accounting))
        for quantity in QUANTITIES
        for accounting in ACCOUNTINGS
    }
    figure, axes = _axes()
    for (quantity, accounting), steps in panels.items():
        panel = axes[quantity][ACCOUNTINGS.index(accounting)]
        _draw(panel, attribution, steps, quantity, accounting)
    head(figure, heading(attribution))
    letters = attribution.reference.letter, attribution.side.letter
    return Drawing(
        stem=f"{STEM}-{attribution.side.letter.lower()}",
        title=f"From {letters[0]} to {letters[1]}",
        lead=f"From the top, {attribution.reference.label}, to the bottom, {attribution.side.label}: every "
        "step begins where the one above it ends; to the left is a saving. Where the scale does not begin at "
        "0 the two are strokes, not bars. Cycles of the PE groups by cause, energy by component.",
        alt=_alt(panels),
        figure=figure,
        data=_data(panels),
    )


def _steps(attribution: Attribution, quantity: Quantity, accounting: str) -> Iterator[Step]:
    """A, every cause or component of the quantity (nothing where the accounting lacks it), B."""
    split = attribution.accounts[quantity, accounting].by_kind()
    before, after = totals(attribution.reference, quantity), totals(attribution.side, quantity)
    kinds = KINDS[quantity, "with_dram"]
    changes = [split[kind][2] if kind in split else 0.0 for kind in kinds]
    yield Step(attribution.reference.letter, "", 0.0, before[accounting])
    begins = accumulate(changes, initial=before[accounting])
    for kind, width, begin in zip(kinds, changes, begins, strict=False):
        yield Step(kind_word(quantity, kind), kind, begin, width)
    yield Step(attribution.side.letter, "", 0.0, after[accounting])


def _axes() -> tuple[Figure, Mapping[Quantity, Sequence[Axes]]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = [len(KINDS[quantity, "with_dram"]) + 2 for quantity in QUANTITIES]
    height = _MARGIN_INCHES + _ROW_INCHES * sum(rows)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    grid = figure.subplots(2, 2, sharey="row", height_ratios=rows)
    return figure, {quantity: list(row) for quantity, row in zip(QUANTITIES, grid, strict=True)}


def _draw(
    axes: Axes, attribution: Attribution, steps: Sequence[Step], quantity: Quantity, accounting: str
) -> None:
    begin = _begin(steps)
    _bars(axes, attribution, steps, quantity, cut=begin > 0)
    farthest = max(max(step.begin, step.end) for step in steps) or 1.0
    axes.set_xlim(begin, farthest + _ROOM_FOR_VALUES * (farthest - begin))
    _connect(axes, steps)
    present = attribution.accounts[quantity, accounting].kinds
    for row, step in enumerate(steps):
        if step.kind and step.kind not in present:
            _say(axes, row, step, "not in this accounting", FAINT.light, left=True)
        else:
            _say(axes, row, step, _value(step, quantity), INK.light)
    axes.set_yticks(range(len(steps)), [step.label for step in steps])
    axes.set_ylim(len(steps) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"{WORDS[quantity]} {ACCOUNTING_WORDS[accounting]}: {_told(steps)}", loc="left")
    label_scale(axes, quantity, f"{WORDS[quantity]} per sample", "; does not begin at 0" if begin else "")


def _begin(steps: Sequence[Step]) -> float:
    """Where the scale begins: at 0 unless the steps would be too thin to be seen."""
    ends = [end for step in steps if step.kind for end in (step.begin, step.end)]
    low, high = min(ends), max(ends)
    if not 0 < high - low < _NARROW * high:
        return 0.0
    return max(0.0, low - (high - low))


def _bars(axes: Axes, attribution: Attribution, steps: Sequence[Step], quantity: Quantity, cut: bool) -> None:
    """cut: the scale does not begin at 0, so the length of a bar would not be what the whole of a side is."""
    sides = {attribution.reference.letter: attribution.reference, attribution.side.letter: attribution.side}
    for row, step in enumerate(steps):
        colour = kind_colour(quantity, step.kind) if step.kind else run_colour(sides[step.label].run)
        if cut and not step.kind:
            _stroke(axes, row, step.end, colour)
        else:
            draw_bars(axes, [row], [step.begin], [step.width], _THICKNESS, colour)


def _stroke(axes: Axes, row: int, value: float, colour: str) -> None:
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    half = _THICKNESS / 2
    line = [(value, row - half), (value, row + half)]
    axes.add_collection(LineCollection([line], colors=colour, linewidths=_STROKE_POINTS, capstyle="butt"))


def _connect(axes: Axes, steps: Sequence[Step]) -> None:
    """A line from where a step ends down to where the next one begins."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    half = _THICKNESS / 2
    lines = [[(step.end, row + half), (step.end, row + 1 - half)] for row, step in enumerate(steps[:-1])]
    axes.add_collection(LineCollection(lines, colors=FAINT.light, linewidths=0.7), autolim=False)


def _say(axes: Axes, row: int, step: Step, text: str, colour: str, left: bool = False) -> None:
    axes.annotate(
        text,
        (max(step.begin, step.end), row),
        xytext=(-4 if left else 4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=_SMALL_POINTS,
        color=colour,
    )


def _value(step: Step, quantity: Quantity) -> str:
    return signed(step.width, quantity) if step.kind else TEXTS[quantity](step.end)


def _told(steps: Sequence[Step]) -> str:
    return change(steps[0].end, steps[-1].end)


def _alt(panels: Mapping[tuple[Quantity, str], Sequence[Step]]) -> str:
    return " ".join(
        f"{WORDS[quantity].capitalize()} {ACCOUNTING_WORDS[accounting]}, {_told(steps)}: "
        f"{', '.join(f'{step.label} {_value(step, quantity)}' for step in steps)}."
        for (quantity, accounting), steps in panels.items()
    )


def _data(panels: Mapping[tuple[Quantity, str], Sequence[Step]]) -> Mapping[str, Sequence[Any]]:
    """A row per bar: where it begins, and how far it reaches."""
    rows = [
        (quantity, accounting, step.kind or step.label, step.begin, step.width)
        for (quantity, accounting), steps in panels.items()
        for step in steps
    ]
    header = ("quantity", "accounting", "step", "begin_cycles_or_pj", "difference_cycles_or_pj")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
