"""Builds the records of this folder from training runs and tables: build_profiles.py INPUT OUTPUT.

INPUT holds what record_training.py wrote (JSON and trace of every network, size and pruning rate) and
act_sparsity_{resnet34,resnet50,vgg}_full.csv; either may be missing. OUTPUT receives a JSON file per record
(for a table a second one, NAME_epochs.json), the runs under training/ and the first samples of the traces
under traces/, compressed.

- Runs: densities are means over the steps of the whole run, clustering that of the traces of the plain run
  (I, natural dO) and of the run with p = 0.9 (I, pruned dO).
- Tables: fraction of zeros of activations per layer and epoch of ImageNet training runs, from the public
  repository andygongyb/SparseTrainTests (Gong et al.). The mean over all epochs is what
  masks are drawn with: work is proportional to density, so the mean gives the work of the whole training
  run. The densities of the single epochs are kept for figures.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.curve import DensityCurve, constant_curve
from workloads.sparsity.fit_trace import fit_operand, recorded_masks
from workloads.sparsity.masks import BoolArray
from workloads.sparsity.records import ActivationRecord, EpochRecord, RecordedLayer, TraceRecord
from workloads.sparsity.trace import Trace, load_trace, write_trace
from workloads.sparsity.trace_meta import TraceLayer
from workloads.sparsity.training_runs import NETWORKS, RATES, TrainingRun, run_name

CLUSTERED_P = 0.9
"""Pruning rate of the run whose trace gives the clustering of pruned gradients."""

KEPT_SAMPLES = {("alexnet", 32): 8, ("resnet18", 32): 4, ("resnet18", 224): 2}
"""Samples of a trace that come with the package, which shall stay small."""

BLOCKS = {"resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
BLOCK_CONVOLUTIONS = {"resnet34": 2, "resnet50": 3}
_SIGNIFICANT = 4
_SIGNIFICANT_OF_EPOCHS = 3

PUBLIC = "public repository andygongyb/SparseTrainTests (Gong et al.)"


def main(source: Path, target: Path) -> None:
    """Writes every record of `source` to `target`."""
    for network, size in NETWORKS:
        if (source / f"{run_name(network, size, 0)}.json").exists():
            _write(target / f"{network}_{size}.json", trace_record(source, network, size))
            _keep(source, target, network, size)
    for network in ("resnet34", "resnet50", "vgg"):
        if not (source / f"act_sparsity_{network}_full.csv").exists():
            continue
        name = {"vgg": "vgg16"}.get(network, network)
        table = _read_table(source / f"act_sparsity_{network}_full.csv")
        _write(target / f"{name}_imagenet.json", activation_record(name, table))
        _write(target / f"{name}_imagenet_epochs.json", epoch_record(name, table))


def trace_record(source: Path, network: str, size: int) -> TraceRecord:
    """The record of the runs of a network at one size."""
    runs = {rate: _run(source, network, size, rate) for rate in RATES}
    plain, pruned = (load_trace(_trace(source, network, size, rate)) for rate in (0.0, CLUSTERED_P))
    return TraceRecord(
        name=f"{network}-{size}",
        network=network,
        dataset=f"photographs, {size} x {size}",
        source=_trace_source(runs),
        layers=tuple(_recorded_layer(layer, plain, pruned, runs) for layer in plain.layers),
    )


def _run(source: Path, network: str, size: int, rate: float) -> TrainingRun:
    file = source / f"{run_name(network, size, rate)}.json"
    return TrainingRun.model_validate_json(file.read_text(encoding="utf-8"))


def _trace(source: Path, network: str, size: int, rate: float) -> Path:
    return source / f"{run_name(network, size, rate)}.npz"


def _keep(source: Path, target: Path, network: str, size: int) -> None:
    """The runs as they are, and of their traces as many samples as come with the package."""
    for rate in RATES:
        name = run_name(network, size, rate)
        shutil.copy(source / f"{name}.json", target / "training")
        trace = load_trace(_trace(source, network, size, rate))
        samples = KEPT_SAMPLES[network, size]
        meta = trace.meta.model_dump(mode="json", exclude_none=True) | {"samples": samples}
        arrays = {
            f"{layer.name}/{key}": masks[:samples]
            for layer in trace.layers
            for key in ("input", "grad_output", "grad_input_mask")
            if (masks := trace.all_samples(layer.name, key)) is not None
        }
        write_trace(target / "traces" / f"{name}.npz", meta, arrays)


def _trace_source(runs: dict[float, TrainingRun]) -> str:
    run = runs[0.0]
    rates = ", ".join(f"{rate:g}" for rate in runs if rate)
    return (
        f"training of {run.network} with PyTorch on {run.size} x {run.size} crops of the sample photographs "
        f"of scikit-image and scikit-learn: {run.steps} steps of {run.batch} samples, plain and pruned with "
        f"p = {rates}; densities are means over the steps"
    )


def _recorded_layer(
    layer: TraceLayer, plain: Trace, pruned: Trace, runs: dict[float, TrainingRun]
) -> RecordedLayer:
    inputs = [recorded_masks(trace, layer, "input") for trace in (plain, pruned)]
    natural, left = (recorded_masks(trace, layer, "grad_output") for trace in (plain, pruned))
    return RecordedLayer(
        name=layer.name,
        kind=layer.kind,
        input_density=_rounded(np.mean([run.input_density(layer.name) for run in runs.values()])),
        grad_output=_curve(layer, runs),
        input_clustering=_fitted(layer, inputs, gradient=False),
        natural_clustering=_fitted(layer, [natural], gradient=True),
        pruned_clustering=_fitted(layer, [left], gradient=True),
    )


def _curve(layer: TraceLayer, runs: dict[float, TrainingRun]) -> DensityCurve:
    """The recorded densities at the rates of the runs."""
    densities = {rate: run.grad_output_density(layer.name) for rate, run in runs.items()}
    if layer.kind == "fc":  # gradients of fully connected layers are not pruned
        return constant_curve(_rounded(np.mean(list(densities.values()))))
    return DensityCurve(points=tuple((rate, _rounded(density)) for rate, density in densities.items()))


def _fitted(layer: TraceLayer, runs: list[BoolArray], *, gradient: bool) -> Clustering:
    return _rounded_clustering(fit_operand(layer, runs, gradient=gradient))


def _read_table(file: Path) -> dict[str, list[float]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return {row[0]: [float(cell) for cell in row[1:] if cell] for row in csv.reader(stream)}


def activation_record(network: str, table: dict[str, list[float]]) -> ActivationRecord:
    """The record of a table of zero fractions; ResNet rows get the names of the convolutions they feed."""
    named = _named(network, table)
    densities = {name: _rounded(1.0 - np.mean(zeros)) for name, zeros in named.items()}
    epochs = _epochs(table)
    return ActivationRecord(
        name=f"{network}-imagenet",
        network=network,
        dataset="imagenet",
        source=f"activations of {network} during ImageNet training, mean over {epochs} epochs; {PUBLIC}",
        epochs=epochs,
        densities=densities,
    )


def epoch_record(network: str, table: dict[str, list[float]]) -> EpochRecord:
    """The densities of every epoch, under the names of the activation record."""
    densities = {
        name: tuple(_rounded(1.0 - share, _SIGNIFICANT_OF_EPOCHS) for share in zeros)
        for name, zeros in _named(network, table).items()
    }
    source = f"activations of {network} during {_epochs(table)} epochs of ImageNet training; {PUBLIC}"
    return EpochRecord(name=f"{network}-imagenet", source=source, densities=densities)


def _named(network: str, table: dict[str, list[float]]) -> dict[str, list[float]]:
    names = list(table) if network == "vgg16" else block_inputs(network)
    if len(names) != len(table):
        raise ValueError(f"{network}: {len(table)} rows, but {len(names)} layers")
    return dict(zip(names, table.values(), strict=True))


def _epochs(table: dict[str, list[float]]) -> int:
    return len(next(iter(table.values())))


def block_inputs(network: str) -> list[str]:
    """Convolutions inside blocks in forward order, whose inputs are the rows; the last row is `output`."""
    convolutions = range(1, BLOCK_CONVOLUTIONS[network] + 1)
    stages = enumerate(BLOCKS[network], start=1)
    names = [f"layer{s}.{b}.conv{c}" for s, blocks in stages for b in range(blocks) for c in convolutions]
    return [*names, "output"]


def _rounded(value: Any, significant: int = _SIGNIFICANT) -> float:
    return float(f"{float(value):.{significant}g}")


def _rounded_clustering(clustering: Clustering) -> Clustering:
    values = clustering.model_dump()
    for name, value in values.items():
        if isinstance(value, tuple):
            values[name] = tuple(map(_rounded, value))
        elif isinstance(value, float):
            values[name] = _rounded(value)
    return Clustering(**values)


def _write(file: Path, record: TraceRecord | ActivationRecord | EpochRecord) -> None:
    text = json.dumps(record.model_dump(exclude_defaults=True), indent=1)
    file.write_text(_compact(text) + "\n", encoding="utf-8")


def _compact(text: str) -> str:
    """Short lists of numbers on one line."""
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
