"""The style all figures are drawn in."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from importlib import resources
from pathlib import Path


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw and save in the house style; it holds for everything made inside the block.

    Settings of the user's own (a matplotlibrc, MPLBACKEND) do not: equal figures shall be equal everywhere. A
    name that the font has no letters for gets boxes there, without a warning.
    """
    with _without_backend():
        from matplotlib import style  # noqa: PLC0415

    path = Path(str(resources.files("reports") / "figures" / "style.mplstyle"))
    with style.context(path, after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph .* missing from font", category=UserWarning)
        yield


@contextlib.contextmanager
def _without_backend() -> Iterator[None]:
    """A backend that does not exist would keep matplotlib from being imported; none is needed here."""
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
