"""The networks of the publication side by side, with their averages beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.console import Console
from rich.table import Table

from reports import published
from reports.numbers import percent, times
from reports.remarks import TITLES
from reports.terminal.grid import plain_table
from reports.terminal.table import paragraph
from sparsesim.results.model import DENSE, Result
from sparsesim.results.parts import ON_CHIP_CAUSES, ratio

# Two lines where one would not fit a terminal of 80 columns.
_WHY = ("fewer\nMACs", "PE use\ndense", "\nPE use", "\nimbal.", "\nbuffer")


def _on_chip_share(result: Result, run: str, cause: str) -> float:
    """Share of a cause in the cycles of the convolution and FC stages."""
    layers = [layer for layer in result.layers if layer.run == run and layer.stage != "other"]
    total = sum(layer.group_cycles[name] for layer in layers for name in ON_CHIP_CAUSES)
    return ratio(sum(layer.group_cycles[cause] for layer in layers), total)


def _ratios(result: Result, run: str, accounting: str) -> tuple[float, float]:
    """Speedup and energy efficiency."""
    return (
        getattr(result.speedup[run], accounting),
        getattr(result.energy_efficiency[run], accounting),
    )


def _why(result: Result, run: str) -> list[str]:
    mine, dense = result.runs[run], result.runs[DENSE]
    return [
        times(ratio(dense.useful_macs, mine.useful_macs)),
        percent(dense.pe_utilization),
        percent(mine.pe_utilization),
        percent(_on_chip_share(result, run, "imbalance")),
        percent(_on_chip_share(result, run, "buffer")),
    ]


def _averages(results: Sequence[Result], run: str, accounting: str) -> list[str]:
    chosen = [result for result in results if run in result.runs]
    pairs = zip(*(_ratios(result, run, accounting) for result in chosen), strict=True)
    return ["average", f"of {len(chosen)}", run, *(times(fmean(values)) for values in pairs)]


def averages_table(results: Sequence[Result], accounting: str) -> Table:
    """One row per network, data set and run in one accounting; the average of each run below them.

    On chip also why: speedup = fewer MACs x PE use / PE use dense, the product of what sparsity saves and how
    well the PEs keep up; and the published averages, which are in that accounting.
    """
    on_chip = accounting == "on_chip"
    table = plain_table(TITLES[accounting], padding=1)
    headings = ("\nnetwork", "\ndata set", "\nrun", "\nspeedup", "effi-\nciency", *(_WHY if on_chip else ()))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 3 else "right", no_wrap=True)
    for result in results:
        for run in result.compared:
            ratios = map(times, _ratios(result, run, accounting))
            why = _why(result, run) if on_chip else []
            table.add_row(result.network, result.dataset, run, *ratios, *why)
    for run in dict.fromkeys(run for result in results for run in result.compared):
        table.add_row(*_averages(results, run, accounting), style="bold")
    if on_chip:
        quoted = times(published.SPEEDUP), times(published.EFFICIENCY)
        table.add_row("published", "average", "", *quoted, style="bold")
    return table


def print_averages(results: Sequence[Result], console: Console) -> None:
    """Print a table for each accounting, and what the columns mean."""
    for accounting in TITLES:
        console.print(averages_table(results, accounting))
    paragraph(
        console,
        "speedup = fewer MACs x PE use / PE use dense. Published: Dai et al., DAC 2020, abstract, an average "
        "over AlexNet and ResNets on chip; its networks, data sets and pruning rate are not stated there.",
    )
