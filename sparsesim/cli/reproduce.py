"""`reproduce`: the networks and data sets of the publication, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from reports.files import DEFAULT_FORMATS, write_report
from reports.terminal.averages import print_averages
from reports.terminal.table import console_for
from sparsesim.api import simulate
from sparsesim.cli.progress import Progress
from sparsesim.cli.report import check_out, say_where
from sparsesim.results.model import Result
from workloads.catalog import load_network


def _all(networks: Sequence[str], datasets: Sequence[str], options: dict[str, object]) -> list[Result]:
    results = []
    for network in networks:
        for dataset in datasets:
            with Progress() as progress:
                results.append(simulate(network, dataset, progress=progress.update, **options))  # type: ignore[arg-type]
            print(f"{network} {dataset}: done", file=sys.stderr)
    return results


def reproduce_command(
    networks: Sequence[str],
    datasets: Sequence[str],
    machine: str,
    overrides: Sequence[str],
    prune: float,
    samples: int,
    report: Path | None,
) -> None:
    """Simulate every network on every data set and print them beside the published averages.

    report: folder for a page of them, too.
    """
    if report is not None:
        check_out(report, "--report")
    for network in networks:
        for dataset in datasets:
            load_network(network, dataset)
    options: dict[str, object] = {
        "machine": machine, "overrides": overrides, "prune": prune, "samples": samples,
    }  # fmt: skip
    results = _all(networks, datasets, options)
    print_averages(results, console_for(sys.stdout))
    if report is not None:
        from reports.page.of_reproduction import reproduction_page  # noqa: PLC0415

        write_report(reproduction_page(results, sys.argv), report, DEFAULT_FORMATS)
        say_where(report, sys.stdout)
