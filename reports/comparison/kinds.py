"""The words and colours of causes of cycles and components of energy, and scales for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.comparison.attribution import Quantity
from reports.language import CAUSES, COMPONENT_WORDS, COMPONENTS, cause_word
from reports.numbers import ENERGY_UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKS = 5


def kind_colour(quantity: Quantity, kind: str) -> str:
    """The colour of a cause or component on white paper."""
    return (CAUSES if quantity == "cycles" else COMPONENTS)[kind].light


def kind_word(quantity: Quantity, kind: str) -> str:
    """A cause or component in a word: "PPU"."""
    return cause_word(kind) if quantity == "cycles" else COMPONENT_WORDS.get(kind, kind)


def label_scale(axes: Axes, quantity: Quantity, label: str, more: str = "") -> None:
    """Few ticks on x in a unit that fits the farthest of its limits, named between `label` and `more`."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator  # noqa: PLC0415

    axes.xaxis.set_major_locator(MaxNLocator(_TICKS))
    if quantity == "cycles":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_xlabel(label + more)
        return
    farthest = max(map(abs, axes.get_xlim()))
    unit, size = next((found for found in ENERGY_UNITS if farthest >= found[1]), ENERGY_UNITS[-1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _minus(f"{value / size:,.10g}")))
    axes.set_xlabel(f"{label} [{unit}]{more}")


def _minus(text: str) -> str:
    """The minus sign of matplotlib's own formatters."""
    return text.replace("-", "\N{MINUS SIGN}")
