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
from reports.figures.titles import workload_on_machine
from reports.language import PAPER, ramp
from reports.numbers import percent
from reports.text import shown_name
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ON_CHIP_CAUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

STEM = "group-heat"
_CAUSES = ("busy", "imbalance", "buffer")  # of the last run; what groups do otherwise takes little time
_MOST_LINES = 32  # clusters, up to which lines between them leave the groups visible
_BAR_GAP_INCHES, _BAR_INCHES = 0.55, 0.1
_BAR_INDENT = 0.1  # so that its numbers do not move the panels apart
_BAR_ROOM_INCHES = 0.3

# [layer, group, cause of ON_CHIP_CAUSES]: cycles per sample, Forward, GTA and GTW together.
GroupCycles = NDArray[np.float64]


@dataclass(frozen=True)
class _Panel:
    run: str
    cause: str
    shares: NDArray[np.float64]  # [layer, group], of the group's on-chip cycles; nan for a layer without work

    @property
    def title(self) -> str:
        return f"{shown_name(self.run)}: {self.cause}"


def group_heat(result: Result) -> Drawing | None:
    """Heat maps of layers over PE groups: how busy they are in the dense and in the last run, and the last
    run's waits that differ between groups or are longest.

    On-chip accounting, Forward, GTA and GTW of a layer together. None if the result does not know the cycles
    of single groups. Within house_style().
    """
    cycles = {run: _of_run(result, run) for run in (DENSE, *result.compared[-1:])}
    known = {run: found for run, found in cycles.items() if found is not None}
    if len(known) < len(cycles):
        return None
    names, last = result.layer_names(), list(known)[-1]
    pictured = [(DENSE, "busy"), *((last, cause) for cause in _CAUSES)]
    shown = [_Panel(run, cause, _shares(known[run], cause)) for run, cause in pictured]
    figure, panels = row_figure(names, len(shown))
    figure.set_figheight(figure.get_figheight() + _BAR_ROOM_INCHES)
    images = [_draw(axes, panel.shares, result) for axes, panel in zip(panels, shown, strict=True)]
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    title_panels(panels, [panel.title for panel in shown], len(names))
    _scale(panels[1], images[0])
    figure.suptitle(f"{workload_on_machine(result)}, on chip, one training step")
    return Drawing(
        stem=STEM,
        title="Where the cycles of the PE groups went",
        lead="The share of its on-chip cycles in which a PE group is at work on useful products (busy), "
        "waits for a slower neighbour (imbalance) or for rows from the buffer (buffer). Lines: borders of "
        "the clusters, whose groups share their streams.",
        alt=_alt(shown),
        figure=figure,
        data=_data(names, known),
        targets=[Rows(panels[0], len(names))],
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


def _shares(cycles: GroupCycles, cause: str) -> NDArray[np.float64]:
    """The share of a cause in the cycles of a layer and group; nan where there are none."""
    total = cycles.sum(axis=2)
    found = cycles[:, :, ON_CHIP_CAUSES.index(cause)]
    shares: NDArray[np.float64] = np.full_like(total, np.nan)
    np.divide(found, total, out=shares, where=total > 0)
    return shares


def _draw(axes: Axes, shares: NDArray[np.float64], result: Result) -> AxesImage:
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
    bar.set_label("share of on-chip cycles")


def _alt(shown: Sequence[_Panel]) -> str:
    layers, groups = shown[0].shares.shape
    panels = "; ".join(f"{panel.title} {_extremes(panel.shares)}" for panel in shown)
    return f"Heat maps of {layers} layers over {groups} PE groups. Lowest to highest share: {panels}."


def _extremes(shares: NDArray[np.float64]) -> str:
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
