"""Very many points: a picture inside the SVG, and what stands for them in a legend."""

from __future__ import annotations

from typing import Any

MOST_VECTORS = 800  # points of a figure, beyond which they are a picture


def is_crowd(points: int) -> bool:
    """Whether so many points become a picture."""
    return points > MOST_VECTORS


def unswapped(colour: Any) -> str:
    """A colour beside this one, nothing that an eye can tell.

    The page swaps the colours of the visual language by their value on dark paper, which it cannot do in a
    picture: what explains the picture has to keep its colours too. colour: whatever matplotlib takes.
    """
    from matplotlib.colors import to_hex  # noqa: PLC0415

    value = int(to_hex(colour)[1:], 16)
    return f"#{value ^ 1:06x}"
