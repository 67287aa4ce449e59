"""Builds the records of this folder from traces and activation tables: build_profiles.py INPUT OUTPUT.

INPUT holds trace_{alexnet,resnet18}_cifar_{plain,pruned}.npz and
act_sparsity_{resnet34,resnet50,vgg}_full.csv; OUTPUT receives one JSON file per record, and for a table a
second one, NAME_epochs.json.

- Traces: training runs with PyTorch of a CIFAR-sized AlexNet and a half-width ResNet-18 on 32 x 32 patches
  of the sample photographs that come with scikit-image and scikit-learn; 8 samples of the middle of each
  run, plain and pruned with p = 0.9.
- Tables: fraction of zeros of activations per layer and epoch of ImageNet training runs, from the public
  repository andygongyb/SparseTrainTests (Gong et al.). The mean over all epochs is what
  masks are drawn with: work is proportional to density, so the mean gives the work of the whole training
  run. The densities of the single epochs are kept for figures.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.curve import DensityCurve, constant_curve
from workloads.sparsity.fit_trace import fit_operand, recorded_masks
from workloads.sparsity.masks import BoolArray, density
from workloads.sparsity.records import ActivationRecord, EpochRecord, RecordedLayer, TraceRecord
from workloads.sparsity.trace import Trace, load_trace
from workloads.sparsity.trace_meta import TraceLayer

RECORDED_P = 0.9
"""Pruning rate of the pruned traces."""

MEDIANS = {
    "resnet18": {0.8: 0.32, 0.9: 0.28, 0.95: 0.26, 0.99: 0.22},
    "alexnet": {0.8: 0.52, 0.9: 0.44, 0.95: 0.38, 0.99: 0.30},
}
"""Density left after pruning at other rates: median layer at the end of the same training runs, of dO
(ResNet-18) and of dI before the ReLU mask (AlexNet)."""

BLOCKS = {"resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
BLOCK_CONVOLUTIONS = {"resnet34": 2, "resnet50": 3}
_SIGNIFICANT = 4
_SIGNIFICANT_OF_EPOCHS = 3

PUBLIC = "public repository andygongyb/SparseTrainTests (Gong et al.)"


def main(source: Path, target: Path) -> None:
    """Writes every record of `source` to `target`."""
    for network, rename in (("resnet18", _torchvision), ("alexnet", str)):
        _write(target / f"{network}_cifar.json", trace_record(source, network, rename))
    for network in ("resnet34", "resnet50", "vgg"):
        name = {"vgg": "vgg16"}.get(network, network)
        table = _read_table(source / f"act_sparsity_{network}_full.csv")
        _write(target / f"{name}_imagenet.json", activation_record(name, table))
        _write(target / f"{name}_imagenet_epochs.json", epoch_record(name, table))


def trace_record(source: Path, network: str, rename: Callable[[str], str]) -> TraceRecord:
    """The record of the two traced runs of a network."""
    plain, pruned = (load_trace(source / f"trace_{network}_cifar_{run}.npz") for run in ("plain", "pruned"))
    layers = [
        _recorded_layer(layer, plain, pruned, MEDIANS[network]).model_copy(
            update={"name": rename(layer.name)}
        )
        for layer in plain.layers
    ]
    return TraceRecord(
        name=f"{network}-cifar",
        network=network,
        dataset=plain.meta.dataset,
        source=_trace_source(plain, pruned),
        layers=tuple(layers),
    )


def _trace_source(plain: Trace, pruned: Trace) -> str:
    return (
        f"{plain.meta.source.split(', plain')[0]}; {plain.meta.samples} samples of step {plain.meta.step} "
        f"of a plain run and of step {pruned.meta.step} of a run pruned with p = {pruned.meta.pruning.p:g} "
        f"on {pruned.meta.pruning.where}"
    )


def _recorded_layer(
    layer: TraceLayer, plain: Trace, pruned: Trace, medians: dict[float, float]
) -> RecordedLayer:
    inputs = [recorded_masks(trace, layer, "input") for trace in (plain, pruned)]
    natural, left = (recorded_masks(trace, layer, "grad_output") for trace in (plain, pruned))
    return RecordedLayer(
        name=layer.name,
        kind=layer.kind,
        input_density=_rounded(np.mean([density(masks) for masks in inputs])),
        grad_output=_curve(layer, density(natural), density(left), medians),
        input_clustering=_fitted(layer, inputs, gradient=False),
        natural_clustering=_fitted(layer, [natural], gradient=True),
        pruned_clustering=_fitted(layer, [left], gradient=True),
    )


def _curve(layer: TraceLayer, natural: float, left: float, medians: dict[float, float]) -> DensityCurve:
    """The layer's own densities at 0 and 0.9; elsewhere the latter scaled by the ratio of the medians."""
    if layer.kind == "fc":  # the recorded runs prune gradients of convolutions only
        return constant_curve(_rounded((natural + left) / 2.0))
    scaled = {p: min(natural, left * median / medians[RECORDED_P]) for p, median in medians.items()}
    return DensityCurve(points=((0.0, _rounded(natural)), *((p, _rounded(d)) for p, d in scaled.items())))


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


def _torchvision(name: str) -> str:
    """`b3.convd` of the traces is torchvision's `layer2.1.downsample.0`: two blocks to a stage."""
    if name == "stem":
        return "conv1"
    found = re.fullmatch(r"b(\d)\.(conv\w)", name)
    if not found:
        return name
    stage, block = divmod(int(found[1]), 2)
    return f"layer{stage + 1}.{block}.{found[2].replace('convd', 'downsample.0')}"


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
