"""What stands in a figure, read back from its artists."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from reports.figures.drawing import Drawing
from reports.figures.files import picture, settle
from reports.figures.style import house_style


class Bar(NamedTuple):
    """A horizontal bar, in data coordinates."""

    middle: float
    left: float
    width: float


def bars(axes: Axes) -> dict[str, list[Bar]]:
    """The bars of a panel by colour, in the order they were drawn in."""
    found: dict[str, list[Bar]] = defaultdict(list)
    for collection in axes.collections:
        if isinstance(collection, PolyCollection):
            colour = to_hex(collection.get_facecolor()[0])
            found[colour] += [_bar(path.vertices) for path in collection.get_paths()]
    return found


def _bar(corners: np.ndarray) -> Bar:
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    return Bar(float(low + high) / 2, float(left), float(right - left))


def words(drawing: Drawing) -> set[str]:
    """Every text that is seen."""
    from matplotlib.text import Text

    return {text.get_text() for text in drawing.figure.findobj(Text) if text.get_visible()} - {""}


def svg(drawing: Drawing) -> bytes:
    """The figure as its file."""
    with house_style():
        settle(drawing.figure)
        return picture(drawing.figure, "svg")
