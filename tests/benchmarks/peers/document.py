"""The findings as Markdown, for docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

from tests.benchmarks.peers import costs, cycles, systolic
from tests.benchmarks.peers.abilities import ABILITIES
from tests.benchmarks.peers.findings import BATCH, DATASET, Findings
from tests.benchmarks.peers.markdown import table
from tests.benchmarks.peers.measurement import PeerRun


def document(findings: list[Findings], first_layers: int | None) -> str:
    """All tables; what was not run stands at the end with its reason."""
    which = "all layers" if first_layers is None else f"the first {first_layers} layers only"
    system = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [
        f"{system}, {DATASET}; peers: {which}",
        costs.cost_table(findings),
        "\n".join(costs.ratio_sentences(findings)),
    ]
    for each in findings:
        parts += _cycles(each)
    parts.append(table(ABILITIES[0], ABILITIES[1:]))
    reasons = [(run, reason) for each in findings for run in each.runs for reason in run.reasons]
    parts += [f"not run: {run.peer}, {run.network}, {reason}" for run, reason in reasons]
    return "\n\n".join(part for part in parts if part)


def _cycles(found: Findings) -> Iterator[str]:
    yield f"{found.network}, forward, one sample, dense: cycles of one such layer (use of the PEs)"
    yield cycles.layer_table(found, BATCH)
    for run in found.runs:
        dataflow = _dataflow(run)
        if dataflow and run.measured:
            yield cycles.closed_form_sentence(found.layers, run, dataflow)
            yield cycles.why_table(found.single, run, dataflow)


def _dataflow(run: PeerRun) -> str | None:
    return next((name for name, title in systolic.DATAFLOWS.items() if title == run.setting), None)
