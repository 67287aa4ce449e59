"""Every PE group: how much of a layer's cycles it worked, and what it waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.drawing import Drawing, Rows
from reports.figures.insets import inset
from reports.figures.panels import title_panels
from reports.figures.rows import row_figure
from reports.figures.titles import STEP, in_lines, run_names, workload_on_machine
from reports.language import CAUSE_WORDS, PAPER, cause_word, ramp
from reports.numbers import percent
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ON_CHIP_CAUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

STEM = "group-heat"
_LEAST_SHARE = 0.05  # of a group's cycles in some layer, that a cause takes to be drawn
_MOST_LINES = 32  # clusters, up to which lines between them leave the groups visible
_PANELS_OF_WIDTH, _PANEL_INCHES = 5, 1.3  # how many a row_figure has room for, and how wide one more is
_BAR_GAP_INCHES, _BAR_INCHES = 0.55, 0.1
_BAR_INDENT = 0.05  # so that its numbers do not move the panels apart
_BAR_ROOM_INCHES = 0.5  # and of a second line of titles

# [layer, group, cause of ON_CHIP_CAUSES]: cycles per sample, Forward, GTA and GTW together.
GroupCycles = NDArray[np.float64]
Shares = NDArray[np.float64]  # [layer, group], of the group's on-chip cycles; nan for a layer without work


@dataclass(frozen=True)
class _Panel:
    run: str  # as it is shown
    cause: str
    shares: Shares

    @property
    def words(self) -> tuple[str, str]:
        return self.run, cause_word(self.cause)


def group_heat(result: Result) -> Drawing | None:
    """Heat maps of layers over PE groups: how busy they are in the dense and in the last run, and the last
    run's other causes that take more than _LEAST_SHARE of some cell.

    On-chip accounting, Forward, GTA and GTW of a layer together. None if the result does not know the cycles
    of single groups. Within house_style().
    """
    cycles = {run: _of_run(result, run) for run in (DENSE, *result.compared[-1:])}
    known = {run: found for run, found in cycles.items() if found is not None}
    if len(known) < len(cycles):
        return None
    names, shown = result.layer_names(), _panels(result, known)
    figure, panels = row_figure(names, len(shown))
    figure.set_figheight(figure.get_figheight() + _BAR_ROOM_INCHES)
    figure.set_figwidth(figure.get_figwidth() + _PANEL_INCHES * max(0, len(shown) - _PANELS_OF_WIDTH))
    images = [_draw(axes, panel.shares, result) for axes, panel in zip(panels, shown, strict=True)]
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    title_panels(panels, ["\n".join(panel.words) for panel in shown], len(names))
    _scale(panels[len(panels) // 2], images[0])
    figure.suptitle(in_lines(f"{workload_on_machine(result)}, on chip, {STEP}"))
    return Drawing(
        stem=STEM,
        title="Where the cycles of the PE groups went",
        lead=_lead(result, shown),
        alt=_alt(shown),
        figure=figure,
        data=_data(names, known),
        targets=[Rows(panels[0], len(names))],
    )


def _panels(result: Result, cycles: Mapping[str, GroupCycles]) -> list[_Panel]:
    names, last = run_names(result), list(cycles)[-1]
    shares = {cause: _shares(cycles[last], cause) for cause in ON_CHIP_CAUSES}
    drawn = [cause for cause in ON_CHIP_CAUSES if cause == "busy" or _most(shares[cause]) > _LEAST_SHARE]
    dense = _Panel(names[DENSE], "busy", _shares(cycles[DENSE], "busy"))
    others = [_Panel(names[last], cause, shares[cause]) for cause in drawn]
    return [dense, *others] if last != DENSE else others


def _most(shares: Shares) -> float:
    return float(np.nanmax(shares, initial=0.0))


def _lead(result: Result, shown: Sequence[_Panel]) -> str:
    """Which runs and causes are drawn, and why these."""
    last, drawn = shown[-1].run, list(dict.fromkeys(panel.cause for panel in shown))
    below = [cause_word(cause) for cause in ON_CHIP_CAUSES if cause not in drawn]
    rest = f" Below that, and in the data only: {', '.join(below)}." if below else ""
    between = [name for run, name in run_names(result).items() if run in result.compared[:-1]]
    skipped = f" Not drawn by group: {', '.join(between)}." if between else ""
    return (
        f"Shares of the on-chip cycles of a PE group: in the dense run busy, in the {last} run busy and "
        f"every other cause with more than {percent(_LEAST_SHARE)} of a group's cycles in some layer "
        f"({'; '.join(CAUSE_WORDS[cause] for cause in drawn)}).{rest}{skipped} Lines: borders of the "
        "clusters, whose groups share their streams."
    )


def _of_run(result: Result, run: str) -> GroupCycles | None:
    """The cycles of the groups, layer by layer; None if any layer knows only their sum."""
    layers = [layer for layer in result.layers if layer.run == run and layer.stage != "other"]
    places = {name: place for place, name in enumerate(result.layer_names())}
    cycles = np.zeros((len(places), result.machine.array.groups, len(ON_CHIP_CAUSES)))
    for layer in layers:
        if layer.cycles_of_groups is None:
            return None
        cycles[places[layer.name]] += layer.cycles_of_groups
    return cycles


def _shares(cycles: GroupCycles, cause: str) -> Shares:
    """The share of a cause in the cycles of a layer and group; nan where there are none."""
    total = cycles.sum(axis=2)
    found = cycles[:, :, ON_CHIP_CAUSES.index(cause)]
    shares: Shares = np.full_like(total, np.nan)
    np.divide(found, total, out=shares, where=total > 0)
    return shares


def _draw(axes: Axes, shares: Shares, result: Result) -> AxesImage:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    image = axes.imshow(
        shares,
        cmap=ramp().with_extremes(bad=(0, 0, 0, 0)),
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="none",
    )
    clusters, each = result.machine.array.clusters, result.machine.groups_per_cluster
    if each > 1 and clusters <= _MOST_LINES:
        borders = np.arange(1, clusters) * each - 0.5
        axes.vlines(borders, -0.5, len(shares) - 0.5, color=PAPER.light, linewidth=0.8)
    axes.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("PE group")
    return image


def _scale(axes: Axes, image: AxesImage) -> None:
    """The colour scale, below a panel; as high in a figure of 400 layers as in one of 5."""
    below = inset(axes, "below", _BAR_GAP_INCHES, _BAR_INCHES, _BAR_INDENT)
    bar = axes.figure.colorbar(image, cax=below, orientation="horizontal")
    bar.set_ticks([0, 0.5, 1], labels=["0", ".5", "1"])
    bar.set_label("share of on-chip cycles")


def _alt(shown: Sequence[_Panel]) -> str:
    layers, groups = shown[0].shares.shape
    panels = "; ".join(f"{' '.join(panel.words)} {_extremes(panel.shares)}" for panel in shown)
    return f"Heat maps of {layers} layers over {groups} PE groups. Lowest to highest share: {panels}."


def _extremes(shares: Shares) -> str:
    known = shares[np.isfinite(shares)]
    return f"{percent(known.min())} to {percent(known.max())}" if known.size else "none"


def _data(names: Sequence[str], cycles: Mapping[str, GroupCycles]) -> Mapping[str, Sequence[Any]]:
    groups = next(iter(cycles.values())).shape[1]
    table = np.concatenate([found.reshape(-1, len(ON_CHIP_CAUSES)) for found in cycles.values()])
    data: dict[str, Sequence[Any]] = {
        "run": [run for run in cycles for _ in range(len(names) * groups)],
        "layer": [name for name in names for _ in range(groups)] * len(cycles),
        "group": list(range(groups)) * (len(names) * len(cycles)),
    }
    return data | {f"{cause}_cycles": table[:, place].tolist() for place, cause in enumerate(ON_CHIP_CAUSES)}
