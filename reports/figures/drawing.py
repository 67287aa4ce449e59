"""A figure, the data it shows, and where on it the layers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Rows:
    """Layers as rows: layer i fills the figure's width between i - 0.5 and i + 0.5 of the axes' y."""

    axes: Axes
    layers: int


@dataclass(frozen=True)
class Points:
    """Layers as points: one of layer layers[i] at x[i], y[i] of the axes, in data coordinates."""

    axes: Axes
    layers: Sequence[int]
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Drawing:
    """A figure ready to be written.

    stem: of the file names. title: in a few words. lead: a sentence or two on how to read it, plain text.
    alt: what is seen, in words and numbers, for those who do not see it. data: the numbers drawn, a column by
    name, all equally long, units in the names. targets: where a layer (its place in Result.layer_names()) can
    be clicked on the page.
    """

    stem: str
    title: str
    lead: str
    alt: str
    figure: Figure
    data: Mapping[str, Sequence[Any]]
    targets: Sequence[Rows | Points] = field(default=())
