"""Where two runs differ, layer by layer: cycles by cause, energy by component; losses right, gains left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.comparison.attribution import KINDS, QUANTITIES, Attribution, FloatArray, Quantity
from reports.comparison.kinds import kind_colour, kind_word, label_scale
from reports.comparison.numbers import TOGETHER, WORDS, signed
from reports.comparison.sentences import heading
from reports.figures.bars import draw_bars, legend_handle
from reports.figures.drawing import Drawing, Rows
from reports.figures.panels import title_panels
from reports.figures.rows import row_figure
from reports.figures.titles import head
from reports.language import INK, PAPER

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

STEM = "layer-differences"
_ACCOUNTING = "with_dram"  # has the causes and components of the other accounting too
_THICKNESS, _NET_HEIGHT = 0.8, 0.96
_NET_POINTS = 1.4
_ROOM = 1.05  # of the farthest bar
_LEGEND_COLUMNS = 4
_LEGEND_INCHES = 0.6  # of its rows beyond the first, for which a row_figure has no room
_UNITS: Mapping[Quantity, str] = {"cycles": "cycles", "energy_pj": "pj"}


def layer_differences(attribution: Attribution) -> Drawing:
    """For every layer of the line-up a bar of what is added, right of 0, and one of what is saved, left.

    With-DRAM accounting, Forward, GTA and GTW of a layer together; a stroke where both together end. Other
    work is told in the titles, not drawn. Within house_style().
    """
    layers = attribution.lineup.texts
    tables = {quantity: _by_line(attribution, quantity) for quantity in QUANTITIES}
    figure, panels = row_figure(layers, len(tables))
    figure.set_figheight(figure.get_figheight() + _LEGEND_INCHES)
    for axes, (quantity, table) in zip(panels, tables.items(), strict=True):
        _draw(axes, quantity, table, f"{attribution.side.letter} - {attribution.reference.letter}")
    title_panels(panels, [_title(attribution, *found) for found in tables.items()], len(layers))
    head(figure, f"{heading(attribution)}, with DRAM", _handles(), _LEGEND_COLUMNS)
    return Drawing(
        stem=f"{STEM}-{attribution.side.letter.lower()}",
        title=f"{attribution.side.letter} against {attribution.reference.letter}, layer by layer",
        lead="With DRAM; Forward, GTA and GTW of a layer together. Right of 0: what "
        f"{attribution.side.label} takes more, left: what it saves; the stroke is both together.",
        alt=_alt(attribution, tables),
        figure=figure,
        data=_data(layers, tables),
        targets=[Rows(panels[0], len(layers))],
    )


def _by_line(attribution: Attribution, quantity: Quantity) -> FloatArray:
    """The difference by line of the line-up and kind."""
    table = np.zeros((len(attribution.lineup.lines), len(KINDS[quantity, _ACCOUNTING])))
    difference = attribution.accounts[quantity, _ACCOUNTING].difference
    for part, values in zip(attribution.parts, difference, strict=True):
        if part.line is not None:
            table[part.line] += values
    return table


def _other_work(attribution: Attribution, quantity: Quantity) -> float:
    differences = attribution.accounts[quantity, _ACCOUNTING].by_part()
    found = zip(attribution.parts, differences, strict=True)
    return sum(value for part, value in found if part.line is None)


def _kinds(quantity: Quantity) -> tuple[str, ...]:
    """Causes or components of layers; other work is not of a layer."""
    return tuple(kind for kind in KINDS[quantity, _ACCOUNTING] if kind != "other")


def _draw(axes: Axes, quantity: Quantity, table: FloatArray, change: str) -> None:
    rows = np.arange(len(table))
    low, high = np.zeros(len(table)), np.zeros(len(table))
    for at, kind in enumerate(_kinds(quantity)):
        widths = table[:, at]
        lefts = np.where(widths > 0, high, low)
        draw_bars(axes, rows, lefts, widths, _THICKNESS, kind_colour(quantity, kind))
        low, high = low + np.minimum(widths, 0), high + np.maximum(widths, 0)
    _net(axes, table.sum(axis=1))
    axes.axvline(0, color=INK.light, linewidth=0.8)
    farthest = float(low.min(initial=0.0)), float(high.max(initial=0.0))
    rest = (_ROOM - 1) * (farthest[1] - farthest[0]) or 1.0
    axes.set_xlim(farthest[0] - rest, farthest[1] + rest)
    label_scale(axes, quantity, f"{change}, {WORDS[quantity]} per sample")


def _net(axes: Axes, net: FloatArray) -> None:
    """A stroke per row at the sum of its bars; a rim of paper keeps it visible on them."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    half = _NET_HEIGHT / 2
    lines = [[(value, row - half), (value, row + half)] for row, value in enumerate(net.tolist()) if value]
    for colour, width in ((PAPER.light, 2.2 * _NET_POINTS), (INK.light, _NET_POINTS)):
        strokes = LineCollection(lines, colors=colour, linewidths=width, capstyle="butt", zorder=2.5)
        axes.add_collection(strokes, autolim=False)


def _handles() -> list[Artist]:
    """A handle per colour: causes and components that are of one thing share theirs."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    words: dict[str, dict[Quantity, str]] = {}
    for quantity in QUANTITIES:
        for kind in _kinds(quantity):
            words.setdefault(kind_colour(quantity, kind), {})[quantity] = kind_word(quantity, kind)
    handles: list[Artist] = [legend_handle(_together(said), colour) for colour, said in words.items()]
    stroke = Line2D([], [], color=INK.light, linewidth=0, marker="|", markersize=8, label=TOGETHER)
    return [*handles, stroke]


def _together(said: Mapping[Quantity, str]) -> str:
    if len(set(said.values())) == 1 and len(said) > 1:
        return next(iter(said.values()))
    return ", ".join(f"{word} ({WORDS[quantity]})" for quantity, word in said.items())


def _title(attribution: Attribution, quantity: Quantity, table: FloatArray) -> str:
    other = _other_work(attribution, quantity)
    rest = f"\nother work {signed(other, quantity)}, not drawn" if other else ""
    return f"{WORDS[quantity].capitalize()}: layers {signed(float(table.sum()), quantity)}{rest}"


def _alt(attribution: Attribution, tables: Mapping[Quantity, FloatArray]) -> str:
    said = [_told(attribution, quantity, table) for quantity, table in tables.items()]
    return f"Diverging bars for {len(attribution.lineup.texts)} layers. {' '.join(said)}"


def _told(attribution: Attribution, quantity: Quantity, table: FloatArray) -> str:
    net = table.sum(axis=1)
    title = _title(attribution, quantity, table).replace("\n", ", ")
    counts = f"{int((net < 0).sum())} layers take less, {int((net > 0).sum())} more"
    return f"{title}; {counts}{_largest(attribution, quantity, net)}."


def _largest(attribution: Attribution, quantity: Quantity, net: FloatArray) -> str:
    if not net.any():
        return ""
    line = int(np.abs(net).argmax())
    return f", most of all {attribution.text(line)} {signed(float(net[line]), quantity)}"


def _data(layers: Sequence[str], tables: Mapping[Quantity, FloatArray]) -> Mapping[str, Sequence[Any]]:
    data: dict[str, Sequence[Any]] = {"layer": layers}
    for quantity, table in tables.items():
        for at, kind in enumerate(_kinds(quantity)):
            data[f"{kind}_difference_{_UNITS[quantity]}"] = table[:, at].tolist()
        data[f"difference_{_UNITS[quantity]}"] = table.sum(axis=1).tolist()
    return data
