"""What every figure of a result says it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reports.figures.lettering import width_inches
from reports.figures.rows import WIDTH_INCHES
from reports.text import shown_name, shown_names
from sparsesim.results.model import Result

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

STEP = "one training step, per sample"
_LONGEST_RUN = 16  # characters; runs stand side by side in legends, panels and rows
_MARGIN_INCHES = 0.6


def workload(result: Result) -> str:
    """Network and data set, and whether the sparsity was recorded elsewhere, as text for a title."""
    transferred = " (sparsity transferred)" if result.profile.transferred_from else ""
    return f"{shown_name(result.network)}, {shown_name(result.dataset)}{transferred}"


def workload_on_machine(result: Result) -> str:
    """`workload` and the machine's name, as text for a title."""
    return f"{workload(result)}: machine {shown_name(result.machine.name)}"


def run_names(result: Result) -> Mapping[str, str]:
    """By name of a run the one it is shown by."""
    return dict(zip(result.runs, shown_names(list(result.runs), _LONGEST_RUN), strict=True))


def in_lines(title: str) -> str:
    """A title in as many lines as the width of a figure makes it take."""
    from matplotlib import rcParams  # noqa: PLC0415

    lines: list[str] = []
    for word in title.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_inches(longer, rcParams["figure.titlesize"]) <= WIDTH_INCHES - _MARGIN_INCHES:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


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
