"""The networks of the publication side by side, with their averages beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich.console import Console
from rich.table import Table

from reports.numbers import percent, times
from reports.table import PUBLISHED_EFFICIENCY, PUBLISHED_SPEEDUP
from sparsesim.results.model import DENSE, Result

COLUMNS = (
    "network", "data set", "run", "speedup", "efficiency", "fewer MACs", "PE use dense", "PE use",
    "imbalance", "buffer", "speedup DRAM", "efficiency DRAM",
)  # fmt: skip


def _on_chip_share(result: Result, run: str, cause: str) -> float:
    """Share of a cause in the cycles of the convolution and FC stages."""
    layers = [layer for layer in result.layers if layer.run == run and layer.stage != "other"]
    causes = ("busy", "reject", "imbalance", "buffer", "ppu", "dispatch")
    total = sum(layer.group_cycles.get(c, 0.0) for layer in layers for c in causes)
    return sum(layer.group_cycles.get(cause, 0.0) for layer in layers) / total


def _row(result: Result, run: str) -> list[str]:
    mine, dense = result.runs[run], result.runs[DENSE]
    speedup, efficiency = result.speedup[run], result.energy_efficiency[run]
    return [
        result.network,
        result.dataset,
        run,
        times(speedup.on_chip),
        times(efficiency.on_chip),
        times(dense.useful_macs / mine.useful_macs),
        percent(dense.pe_utilization),
        percent(mine.pe_utilization),
        percent(_on_chip_share(result, run, "imbalance")),
        percent(_on_chip_share(result, run, "buffer")),
        times(speedup.with_dram),
        times(efficiency.with_dram),
    ]


def _average_row(results: Sequence[Result], run: str) -> list[str]:
    chosen = [r for r in results if run in r.runs]

    def mean(which: str, accounting: str) -> str:
        return times(fmean(getattr(getattr(r, which)[run], accounting) for r in chosen))

    on_chip = [mean("speedup", "on_chip"), mean("energy_efficiency", "on_chip")]
    with_dram = [mean("speedup", "with_dram"), mean("energy_efficiency", "with_dram")]
    return ["average", f"{len(chosen)} runs", run, *on_chip, "", "", "", "", "", *with_dram]


def averages_table(results: Sequence[Result]) -> Table:
    """One row per network, data set and run; averages over the rows of a run; the published averages last.

    speedup = fewer MACs x PE use / PE use dense: the product of what sparsity saves and how well the PEs
    keep up.
    """
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if place < 3 else "right")
    for result in results:
        for run in result.compared:
            table.add_row(*_row(result, run))
    table.add_section()
    for run in dict.fromkeys(run for result in results for run in result.compared):
        table.add_row(*_average_row(results, run), style="bold")
    published = [times(PUBLISHED_SPEEDUP), times(PUBLISHED_EFFICIENCY)]
    table.add_row("published", "average", "", *published, *[""] * 7, style="bold")
    return table


def print_averages(results: Sequence[Result], console: Console) -> None:
    """Print the table and what its columns mean."""
    console.print(averages_table(results))
    console.print(
        "speedup = fewer MACs x PE use / PE use dense. Published: Dai et al., DAC 2020, abstract, an average "
        "over AlexNet and ResNets on chip; its networks, data sets and pruning rate are not stated there.",
        soft_wrap=True,
    )
