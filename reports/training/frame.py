"""What the figures of training runs share: a column per network, a colour per pruning rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.rows import WIDTH_INCHES
from reports.language import CHOICES, INK
from workloads.sparsity.training_runs import NETWORKS, RATES, TrainingRun, training_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_IN_ONE_LINE = 5  # words of a legend
WORDS = {"alexnet": "AlexNet", "resnet18": "ResNet-18"}


def rate_word(rate: float) -> str:
    """A pruning rate in a legend."""
    return f"p = {rate:g}" if rate else "plain"


def rate_colour(rate: float) -> str:
    """Its colour, the same in all figures of training runs."""
    return (INK, *CHOICES)[RATES.index(rate)].light


def columns(rows: int, height_inches: float) -> tuple[Figure, list[list[Axes]]]:
    """A figure with a titled column of `rows` panels per network: axes [network][row]."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    grid = figure.subplots(rows, len(NETWORKS), squeeze=False, sharey="row")
    for column, (network, size) in enumerate(NETWORKS):
        grid[0][column].set_title(f"{WORDS[network]}, {size} x {size}")
    for axes in grid.flat:
        axes.grid(True, axis="both")
    return figure, [[grid[row][column] for row in range(rows)] for column in range(len(NETWORKS))]


def runs_by_network() -> Iterator[tuple[TrainingRun, ...]]:
    """The runs of every network, in the order of the columns."""
    return (training_runs(network, size) for network, size in NETWORKS)


def legend(figure: Figure, panels: Sequence[Axes], title: str) -> None:
    """One legend for all panels, every word once, with the title of the figure, on top."""
    from matplotlib import rcParams  # noqa: PLC0415

    found: dict[str, Any] = {}
    for axes in panels:
        handles, words = axes.get_legend_handles_labels()
        found |= {word: handle for handle, word in zip(handles, words, strict=True) if word not in found}
    figure.legend(
        list(found.values()), list(found), loc="outside upper center", title=title,
        ncols=len(found) if len(found) <= _IN_ONE_LINE else _IN_ONE_LINE - 1,
        title_fontsize=rcParams["figure.titlesize"],
    )  # fmt: skip


def listing(words: Sequence[str]) -> str:
    """Words as a sentence has them: a, b and c."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
