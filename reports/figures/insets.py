"""Small axes above or below a panel, at a size that does not grow with the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Affine2DBase


def inset(
    axes: Axes, side: Literal["above", "below"], gap_inches: float, height_inches: float, indent: float = 0.0
) -> Axes:
    """Axes outside the upper or lower edge of a panel; a constrained layout leaves room for them.

    indent: of the panel's width, on either side.
    """
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory  # noqa: PLC0415

    edge = ScaledTranslation(0, 1 if side == "above" else 0, cast("Affine2DBase", axes.transAxes))
    inches = blended_transform_factory(axes.transAxes, axes.figure.dpi_scale_trans + edge)
    bottom = gap_inches if side == "above" else -gap_inches - height_inches
    return axes.inset_axes((indent, bottom, 1 - 2 * indent, height_inches), transform=inches)
