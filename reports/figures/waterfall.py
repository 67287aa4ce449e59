"""From the cycles and the energy of one run to those of another, cause by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.comparison.attribution import KINDS, QUANTITIES, Account, Attribution, Quantity
from reports.comparison.numbers import TEXTS, WORDS, change, signed
from reports.comparison.sentences import heading, verdict
from reports.figures.bars import draw_bars
from reports.figures.drawing import Drawing
from reports.figures.rows import WIDTH_INCHES
from reports.figures.scales import cycle_scale, energy_scale
from reports.figures.titles import head
from reports.language import (
    ACCOUNTING_WORDS,
    CAUSES,
    COMPONENTS,
    FAINT,
    INK,
    kind_word,
    run_colour,
)
from sparsesim.results.parts import ACCOUNTINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
