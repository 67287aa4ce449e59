"""What every figure of a result says it is about."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.text import shown_name
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

_MOST_CHARACTERS = 100  # of a line


def workload(result: Result) -> str:
    """Network and data set, and whether the sparsity was recorded elsewhere, as text for a title."""
    transferred = " (sparsity transferred)" if result.profile.transferred_from else ""
    return f"{shown_name(result.network)}, {shown_name(result.dataset)}{transferred}"


def workload_on_machine(result: Result) -> str:
    """`workload` and the machine's name, as text for a title."""
    return f"{workload(result)}: machine {shown_name(result.machine.name)}"


def in_lines(title: str) -> str:
    """A title in as many lines as the width of a figure makes it take."""
    return textwrap.fill(title, _MOST_CHARACTERS, break_on_hyphens=False)


def head(figure: Figure, title: str, handles: Sequence[Artist] = (), columns: int = 0) -> None:
    """The title of a figure and below it the legend: on top, where a tall figure is begun to be read.

    columns: of the legend, 0 for all in one line.
    """
    from matplotlib import rcParams  # noqa: PLC0415

    # One artist for both: constrained layout puts a title and a legend on top into the same place.
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=columns or max(len(handles), 1),
        title=in_lines(title),
        title_fontsize=rcParams["figure.titlesize"],
    )
