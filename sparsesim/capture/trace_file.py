"""The masks of a step as a trace (docs/traces.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsesim.capture.call import Call, Pass
from sparsesim.capture.gradient_pruning import pruning_of
from sparsesim.capture.pytorch import load_torch
from workloads.errors import UserError
from workloads.sparsity.trace import write_trace


@dataclass(frozen=True)
class Labels:
    """What a trace says about itself in words: the network, the data set, how it was recorded."""

    network: str
    dataset: str
    source: str


def checked_traces(traces: Mapping[int, str | Path]) -> dict[int, Path]:
    """Files by step; UserError for a step that is no number from 1, a missing folder, a file given twice."""
    files = {step: Path(file) for step, file in traces.items()}
    for step, file in files.items():
        if isinstance(step, bool) or not isinstance(step, int) or step < 1:
            raise UserError(f"Recorder: traces: a step must be a whole number from 1 (got {step!r}).")
        if not os.access(file.parent, os.W_OK | os.X_OK):
            raise UserError(f"Recorder: traces: {file}: the folder {file.parent} cannot be written to.")
        if file.is_dir():
            raise UserError(f"Recorder: traces: {file} is a folder; name a file.")
    if len(set(files.values())) < len(files):
        raise UserError("Recorder: traces: every step needs a file of its own.")
    return files


def write_step(file: Path, step: int, passes: Sequence[Pass], labels: Labels, missed: Sequence[str]) -> None:
    """Write the masks of the step's first pass. missed: layers without a gradient, which are not in it."""
    first = passes[0]
    calls = first.recorded()
    meta = {
        "format": "sparsesim-trace",
        "version": 1,
        "network": labels.network,
        "dataset": labels.dataset,
        "batch": sum(one.batch for one in passes),
        "samples": len(first.samples or ()),
        "pruning": _pruning(calls),
        "step": step,
        "source": labels.source,
        "layers": [_layer(call) for call in calls],
        "sample_numbers": list(first.samples or ()),
        "layers_without_gradient": list(missed),
        "torch": str(load_torch().__version__),
    }
    arrays = {f"{call.name}/{key}": mask for call in calls for key, mask in call.masks.items()}
    write_trace(file, meta, arrays, compressed=False)


def _layer(call: Call) -> dict[str, Any]:
    assert call.geometry is not None  # of every call as soon as a trace is asked for
    return {
        "name": call.name,
        **call.geometry.fields(),
        "input_is_relu": call.relu is not None,
        "has_gta": call.needs_gradient,
    }


def _pruning(calls: Sequence[Call]) -> dict[str, Any]:
    """The pruning in force; of two places the one with more layers."""
    places = [place for call in calls for place in _places(call)]
    if not places:
        return {"p": 0.0, "fifo": 0, "where": "none"}
    pruning = next(found for call in calls if (found := pruning_of(call.layer)) is not None)
    where = max(("grad_output", "grad_input"), key=places.count)
    return {"p": pruning.p, "fifo": pruning.fifo, "where": where}


def _places(call: Call) -> list[str]:
    pruning = pruning_of(call.layer)
    return [] if pruning is None else [w for layer, w in pruning.places if layer == call.name.split("@")[0]]
