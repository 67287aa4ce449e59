"""How wide text will be, without a figure to draw it in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

_SIZE_POINTS = 100.0
_FRACTION = 65536  # of FreeType's numbers of the type 16.16
_POINTS_PER_INCH = 72


def width_inches(text: str, points: float) -> float:
    """The width of the widest line of a text in the font of the style, `points` high; kerning is left out."""
    from matplotlib.font_manager import FontProperties, findfont  # noqa: PLC0415

    path = findfont(FontProperties())
    ems = max(sum(_width_ems(character, path) for character in line) for line in text.split("\n"))
    return ems * points / _POINTS_PER_INCH


@lru_cache(maxsize=4096)
def _width_ems(character: str, path: str) -> float:
    """In heights of the font; a character that it does not have is as wide as the box that stands for it."""
    font = _font(path)
    glyph = font.load_glyph(font.get_char_index(ord(character)))
    return float(glyph.linearHoriAdvance / _FRACTION / _SIZE_POINTS)


@lru_cache(maxsize=4)
def _font(path: str) -> FT2Font:
    """A font of its own: that of matplotlib's renderers has settings of theirs."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415

    font = FT2Font(path)
    font.set_size(_SIZE_POINTS, _POINTS_PER_INCH)
    return font
