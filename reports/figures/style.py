"""The style all figures are drawn in."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from importlib import resources
from pathlib import Path


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw and save in the house style; it holds for everything made inside the block.

    A name that the font has no letters for gets boxes there, without a warning.
    """
    from matplotlib import style  # noqa: PLC0415

    path = Path(str(resources.files("reports") / "figures" / "style.mplstyle"))
    with style.context(path), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph .* missing from font", category=UserWarning)
        yield
