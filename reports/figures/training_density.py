"""Densities of I over depth and training time, where a profile was recorded epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.drawing import Drawing, Rows
from reports.figures.insets import inset
from reports.figures.rows import row_figure
from reports.figures.titles import in_lines
from reports.language import DENSITIES, DENSITY_WORDS, FAINT, GRID, ramp
from reports.numbers import density
from reports.text import shown_name
from sparsesim.results.model import Result
from workloads.sparsity.over_time import DensityOverTime

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

STEM = "training-density"
_LINES_GAP_INCHES, _LINES_INCHES = 0.3, 1.3
_SCALE_GAP_INCHES, _SCALE_INCHES = 0.5, 0.1
_ROOM_INCHES = 2.4  # of the lines and the colour scale
_MOST_TICKS = 12
_WORD = DENSITY_WORDS["input"]
_QUARTILES = "half of the layers (quartiles)"
_EXTREMES = "least and most dense layer"

Densities = NDArray[np.float64]  # [layer, epoch]


def training_density(result: Result) -> Drawing | None:
    """A heat map of the density of I, layers over epochs; above it the mean over the layers by epoch.

    Rows are the layers of the result where the recording is of its network, else those of the recording.
    None if no epochs are known. Within house_style().
    """
    recorded = result.density_over_time
    if recorded is None:
        return None
    own = _is_own(result, recorded)
    rows = result.layer_names() if own else tuple(recorded.layers)
    densities = np.array(list(recorded.layers.values()), dtype=float)
    figure, (axes,) = row_figure(rows, 1)
    figure.set_figheight(figure.get_figheight() + _ROOM_INCHES)
    image = _heat(axes, rows, recorded)
    lines = inset(axes, "above", _LINES_GAP_INCHES, _LINES_INCHES)
    _draw_lines(lines, densities)
    _mark_epochs(lines, recorded.epochs)
    _scale(axes, image)
    where = shown_name(recorded.recorded_on)
    simulated = f"{shown_name(result.network)}, {shown_name(result.dataset)}"
    figure.suptitle(in_lines(f"{simulated}: density of {_WORD} while {where} was trained"))
    return Drawing(
        stem=STEM,
        title=f"Density of {_WORD} over depth and training time, recorded on {where}",
        lead=_lead(recorded, own),
        alt=_alt(recorded, densities),
        figure=figure,
        data=_data(recorded, densities),
        targets=[Rows(axes, len(rows))] if own else [],
    )


def _is_own(result: Result, recorded: DensityOverTime) -> bool:
    """Whether the layers of the recording are those of the result, not only of the same names."""
    same = recorded.recorded_on.startswith(f"{result.network}-")
    return same and set(recorded.layers) <= set(result.layer_names())


def _lead(recorded: DensityOverTime, own: bool) -> str:
    missing = "Rows without colour have no recording of their own." if own else "Rows are its layers."
    return f"Fraction of non-zeros of {_WORD}. Source: {recorded.source}. {missing}"


def _heat(axes: Axes, rows: Sequence[str], recorded: DensityOverTime) -> AxesImage:
    unknown = [math.nan] * len(recorded.epochs)
    densities = np.array([recorded.layers.get(row, unknown) for row in rows], dtype=float)
    image = axes.imshow(
        densities,
        cmap=ramp().with_extremes(bad=(0, 0, 0, 0)),
        vmin=0,
        vmax=max(1, math.ceil(10 * np.nanmax(densities))) / 10,
        aspect="auto",
        interpolation="none",
    )
    axes.grid(False)
    _mark_epochs(axes, recorded.epochs)
    axes.tick_params(axis="x", top=True, labeltop=True)
    axes.set_xlabel("epoch")
    return image


def _mark_epochs(axes: Axes, epochs: Sequence[int]) -> None:
    """Round epochs, at their places: they need not follow each other."""
    steps = (digit * 10**power for power in range(10) for digit in (1, 2, 5))
    few = (step for step in steps if sum(epoch % step == 0 for epoch in epochs) <= _MOST_TICKS)
    step = next(few, 1)
    places = [place for place, epoch in enumerate(epochs) if epoch % step == 0] or [0]
    axes.set_xticks(places, [str(epochs[place]) for place in places])


def _draw_lines(axes: Axes, densities: Densities) -> None:
    epochs = np.arange(densities.shape[1])
    of_layers = _over_layers(densities)
    # A single epoch has no line.
    marker = "" if len(epochs) > 1 else "o"
    axes.fill_between(
        epochs, of_layers["lower_quartile"], of_layers["upper_quartile"], color=GRID.light, label=_QUARTILES
    )
    for name, label in (("least", _EXTREMES), ("most", "_most")):
        axes.plot(epochs, of_layers[name], color=FAINT.light, linewidth=0.8, marker=marker, label=label)
    colour = DENSITIES["input"].light
    axes.plot(
        epochs,
        of_layers["mean"],
        color=colour,
        linewidth=1.6,
        marker=marker,
        label="mean over the layers",
    )
    axes.set_xlim(-0.5, len(epochs) - 0.5)
    axes.set_ylim(0, 1)
    axes.grid(True, axis="y")
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.set_ylabel(f"density of {_WORD}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)


def _over_layers(densities: Densities) -> dict[str, NDArray[np.float64]]:
    """By epoch: what stands for all layers, each of them counting the same."""
    lower, upper = np.quantile(densities, (0.25, 0.75), axis=0)
    return {
        "mean": densities.mean(axis=0),
        "least": densities.min(axis=0),
        "lower_quartile": lower,
        "upper_quartile": upper,
        "most": densities.max(axis=0),
    }


def _scale(axes: Axes, image: AxesImage) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes of a figure"
    bar = figure.colorbar(
        image, cax=inset(axes, "below", _SCALE_GAP_INCHES, _SCALE_INCHES), orientation="horizontal"
    )
    bar.set_label(f"density of {_WORD}")


def _alt(recorded: DensityOverTime, densities: Densities) -> str:
    mean = densities.mean(axis=0)
    first, last = recorded.epochs[0], recorded.epochs[-1]
    return (
        f"Heat map of {len(densities)} layers over {len(recorded.epochs)} epochs of training, recorded on "
        f"{shown_name(recorded.recorded_on)}. The mean density of {_WORD} over the layers is "
        f"{density(mean[0])} in epoch {first} and {density(mean[-1])} in epoch {last}; single layers are "
        f"between {density(densities.min())} and {density(densities.max())}."
    )


def _data(recorded: DensityOverTime, densities: Densities) -> Mapping[str, Sequence[Any]]:
    """A row per epoch."""
    of_layers = {f"{name}_density": values.tolist() for name, values in _over_layers(densities).items()}
    layers = {f"density of {name}": list(values) for name, values in recorded.layers.items()}
    return {"epoch": list(recorded.epochs)} | of_layers | layers
