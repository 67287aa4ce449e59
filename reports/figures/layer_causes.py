"""Where the cycles went: every layer's cycles by cause, run beside run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.bars import draw_stacks, legend_handle
from reports.figures.drawing import Drawing, Rows
from reports.figures.panels import title_panels
from reports.figures.rows import row_figure
from reports.figures.titles import STEP, head, run_names, workload_on_machine
from reports.language import CAUSE_WORDS, INK
from reports.language import CAUSES as COLOURS
from reports.numbers import percent, times
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import CAUSES, COMPUTING_STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEM = "layer-causes"
ALL_LAYERS, WHOLE_STEP = "all layers", "whole step"
_MOST_PANELS = 3
_LEGEND_COLUMNS = 2
_LEGEND_INCHES = 0.5  # of its rows beyond the first, for which a row_figure has no room

# [row, cause of CAUSES]: cycles per sample, or percent of the dense cycles of the row.
Table = NDArray[np.float64]


def layer_causes(result: Result) -> Drawing:
    """For every layer a bar per panel and run: cycles by cause, in percent of the layer's dense cycles.

    With-DRAM accounting, Forward, GTA and GTW of a layer together. Set apart at the bottom: all layers, and
    the whole step if it holds other work. Dense and the last two of the other runs. Within house_style().
    """
    layers = len(result.layer_names())
    runs = [DENSE, *result.compared[-_MOST_PANELS + 1 :]]
    rows = [*result.layer_names(), ALL_LAYERS, *([WHOLE_STEP] if result.has_other_work else [])]
    cycles = {run: _cycles(result, run)[: len(rows)] for run in runs}
    percents = {run: _percents(cycles[run], cycles[DENSE]) for run in runs}
    figure, panels = row_figure(rows, len(runs))
    figure.set_figheight(figure.get_figheight() + _LEGEND_INCHES)
    _draw(panels, percents, layers)
    title_panels(panels, [_panel_title(result, run) for run in runs], len(rows))
    handles = [legend_handle(CAUSE_WORDS[cause], COLOURS[cause].light) for cause in _causes(rows)]
    head(figure, f"{workload_on_machine(result)}, with DRAM, {STEP}", handles, _LEGEND_COLUMNS)
    return Drawing(
        stem=STEM,
        title="Cycles by cause, layer by layer",
        lead="Cycles of the PE groups by cause, with DRAM, in percent of what the same layer takes in the "
        "dense run: a shorter bar is a faster layer. Other work is in the whole step only.",
        alt=_alt(result, percents, rows),
        figure=figure,
        data=_data(rows, cycles, percents),
        targets=[Rows(panels[0], layers)],
    )


def _causes(rows: Sequence[str]) -> tuple[str, ...]:
    """The causes there are: other work is in the whole step only."""
    return CAUSES if rows[-1] == WHOLE_STEP else CAUSES[:-1]


def _cycles(result: Result, run: str) -> Table:
    """Cycles by cause of the layers, of all of them together and of the whole step."""
    of_run = result.of_run(run)

    def of_layer(name: str) -> list[float]:
        found = [of_run[name, stage].group_cycles for stage in COMPUTING_STAGES if (name, stage) in of_run]
        return [sum(cycles[cause] for cycles in found) for cause in CAUSES]

    layers = np.array([of_layer(name) for name in result.layer_names()])
    whole = [result.runs[run].group_cycles[cause] for cause in CAUSES]
    return np.vstack([layers, layers.sum(axis=0), whole]) / result.machine.array.groups


def _percents(cycles: Table, dense: Table) -> Table:
    """In percent of the dense cycles of the row; nan where the dense run has none."""
    of_row = dense.sum(axis=1, keepdims=True)
    percents: Table = np.full_like(cycles, np.nan)
    np.divide(100 * cycles, of_row, out=percents, where=of_row > 0)
    return percents


def _draw(panels: Sequence[Axes], percents: Mapping[str, Table], layers: int) -> None:
    longest = max(100.0, *(float(np.nansum(table, axis=1).max()) for table in percents.values()))
    for axes, table in zip(panels, percents.values(), strict=True):
        parts = dict(zip(CAUSES, table.T.tolist(), strict=True))
        draw_stacks(axes, range(len(table)), parts, {cause: COLOURS[cause].light for cause in CAUSES}, 0.8)
        axes.axhline(layers - 0.5, color=INK.light, linewidth=0.8)
        axes.axvline(100, color=INK.light, linewidth=0.8, linestyle=":")
        axes.set_xlim(0, 1.03 * longest)
        axes.set_xlabel("% of the row's dense cycles")


def _panel_title(result: Result, run: str) -> str:
    shown = run_names(result)[run]
    return shown if run == DENSE else f"{shown}: speedup {times(result.speedup[run].with_dram)}"


def _data(
    rows: Sequence[str], cycles: Mapping[str, Table], percents: Mapping[str, Table]
) -> Mapping[str, Sequence[Any]]:
    def column(tables: Mapping[str, Table], cause: str) -> list[float]:
        return [float(value) for table in tables.values() for value in table[:, CAUSES.index(cause)]]

    return (
        {"run": [run for run in cycles for _ in rows], "layer": [*rows] * len(cycles)}
        | {f"{cause}_cycles": column(cycles, cause) for cause in _causes(rows)}
        | {f"{cause}_percent_of_dense": column(percents, cause) for cause in _causes(rows)}
    )


def _alt(result: Result, percents: Mapping[str, Table], rows: Sequence[str]) -> str:
    shown = run_names(result)
    runs = "; ".join(
        f"{shown[run]} {_shares(dict(zip(CAUSES, table[-1], strict=True)), _causes(rows))}"
        for run, table in percents.items()
    )
    return (
        f"Stacked bars by cause for {len(result.layer_names())} layers, a panel per run. The bar "
        f"of {rows[-1]!r}, in percent of its dense cycles: {runs}."
    )


def _shares(of_row: Mapping[str, float], causes: Sequence[str]) -> str:
    total = percent(sum(of_row.values()) / 100)
    return f"{total} ({', '.join(f'{cause} {percent(of_row[cause] / 100)}' for cause in causes)})"
