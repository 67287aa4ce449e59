"""How well generated masks match recorded ones: the table of docs/sparsity.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib.resources import as_file

import numpy as np

from workloads.sparsity.clustering import Clustering
from workloads.sparsity.generate import Draw, LayerClustering, generate_masks
from workloads.sparsity.masks import BoolArray, LayerDensities
from workloads.sparsity.records import RecordedLayer, recorded_trace, trace_record
from workloads.sparsity.shapes import LayerShape
from workloads.sparsity.statistics import MaskStatistics, measure
from workloads.sparsity.trace import Trace, load_trace

NETWORKS = ("resnet18", "alexnet")
_SEED = 0


@dataclass(frozen=True)
class Comparison:
    """Statistics of one operand of one recorded convolution, recorded and generated."""

    network: str
    layer: str
    operand: str
    recorded: MaskStatistics
    generated: MaskStatistics


def compare(network: str, samples: int = 32) -> Iterator[Comparison]:
    """Every sparse operand of the convolutions of a traced network, at the recorded size and density."""
    record = trace_record(f"{network}_32")
    plain, pruned = (_load(f"{network}_32_{run}") for run in ("plain", "p0.9"))
    for index, (layer, traced) in enumerate(zip(record.layers, plain.layers, strict=True)):
        if layer.kind != "conv":
            continue
        for operand, masks, clustering in _operands(layer, traced.name, plain, pruned):
            if 0 < np.count_nonzero(masks) < masks.size:
                drawn = _draw(masks, clustering, index, samples)
                yield Comparison(network, layer.name, operand, measure(masks), measure(drawn))


def comparison_table(samples: int = 32) -> str:
    """Markdown table `recorded / generated` of every statistic."""
    names = [field.name for field in fields(MaskStatistics)]
    lines = [f"| network | layer | operand | {' | '.join(names)} |", "|---" * (len(names) + 3) + "|"]
    for network in NETWORKS:
        lines += [_line(comparison, names) for comparison in compare(network, samples)]
    return "\n".join(lines)


def _line(comparison: Comparison, names: list[str]) -> str:
    pairs = [(getattr(comparison.recorded, name), getattr(comparison.generated, name)) for name in names]
    cells = " | ".join(f"{recorded:.2f} / {generated:.2f}" for recorded, generated in pairs)
    return f"| {comparison.network} | {comparison.layer} | {comparison.operand} | {cells} |"


def _load(name: str) -> Trace:
    with as_file(recorded_trace(name)) as path:
        return load_trace(path)


def _operands(
    layer: RecordedLayer, name: str, plain: Trace, pruned: Trace
) -> Iterator[tuple[str, BoolArray, Clustering]]:
    inputs = [_recorded(trace, name, "input") for trace in (plain, pruned)]
    yield "I", np.concatenate(inputs), layer.input_clustering
    yield "dO natural", _recorded(plain, name, "grad_output"), layer.natural_clustering
    yield "dO pruned", _recorded(pruned, name, "grad_output"), layer.pruned_clustering


def _recorded(trace: Trace, name: str, key: str) -> BoolArray:
    masks = trace.all_samples(name, key)
    if masks is None:
        raise ValueError(f"{trace.path}: {name}/{key} is missing")
    return masks


def _draw(masks: BoolArray, clustering: Clustering, index: int, samples: int) -> BoolArray:
    """Masks of the size and density of the recorded ones, drawn as a gradient: [samples, C, H, W]."""
    _, channels, height, width = masks.shape
    shape = LayerShape("drawn", 1, channels, (1, 1), (height, width))
    densities = LayerDensities(1.0, float(masks.mean()), 1.0)
    drawn = [
        generate_masks(shape, densities, LayerClustering(grad_output=clustering), Draw(_SEED, index, sample))
        for sample in range(samples)
    ]
    return np.stack([one.grad_output for one in drawn])
