"""Does everything run from end to end: every network on every data set, every recorded trace, any threads?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sparsesim import simulate
from sparsesim.results.bounds import check_bounds
from sparsesim.results.model import Result
from tests.schema_result import check_summary
from workloads.catalog import NETWORKS
from workloads.datasets import DATASETS
from workloads.sparsity.training_runs import NETWORKS as RUNS
from workloads.sparsity.training_runs import RATES, run_name

TRACES = Path(__file__).parents[2] / "workloads" / "data" / "traces"
# Samples of those whose products are counted, which takes a minute and more for the large ones.
COUNTED = {
    "alexnet_32_plain": 2, "alexnet_32_p0.9": 2, "resnet18_32_plain": 1, "resnet18_32_p0.9": 2,
    "resnet18_224_p0.9": 1,
}  # fmt: skip
Mask = NDArray[np.float32]  # 1 where the value is not zero


@pytest.mark.parametrize("dataset", sorted(DATASETS))
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_every_network_on_every_data_set(network: str, dataset: str) -> None:
    """The default machine gains on each of them, within all bounds, and the summary keeps its schema."""
    result = simulate(network, dataset, threads=1)
    check_bounds(result)
    check_summary(json.loads(json.dumps(result.to_dict())))
    assert list(result.runs) == ["dense", "natural", "pruned"]
    assert 1 < result.speedup["natural"].on_chip < result.speedup["pruned"].on_chip
    assert result.speedup["pruned"].with_dram > 1
    assert result.energy_efficiency["pruned"].on_chip > 1
    # A baseline with idle PEs would make any speedup worthless.
    assert result.runs["dense"].pe_utilization > 0.65


def _timeless(result: Result) -> str:
    summary = result.to_dict()
    del summary["wall_seconds"], summary["engine"]["seconds"]
    return json.dumps(summary)


def test_threads_change_nothing() -> None:
    """Byte for byte, in whatever order the layers finish."""
    one, two = (simulate("alexnet", "cifar10", samples=3, seed=7, threads=n) for n in (1, 2))
    assert _timeless(one) == _timeless(two)
    assert _timeless(one) != _timeless(simulate("alexnet", "cifar10", samples=3, seed=8))


def _mask(archive: Any, key: str, width: int, samples: int) -> Mask:
    packed = archive[key][:samples]
    return np.unpackbits(packed, axis=-1, count=width).astype(np.float32)


def _meeting(layer: dict[str, Any], axis: int) -> list[tuple[list[int], list[int]]]:
    """Of each kernel tap: output positions and the input positions they meet, padding left out."""
    stride, padding, dilation = (layer[name][axis] for name in ("stride", "padding", "dilation"))
    taps = []
    for k in range(layer["kernel"][axis]):
        met = [(o, o * stride + k * dilation - padding) for o in range(layer["out_size"][axis])]
        inside = [(o, i) for o, i in met if 0 <= i < layer["in_size"][axis]]
        taps.append(([o for o, _ in inside], [i for _, i in inside]))
    return taps


def _pairs(layer: dict[str, Any], outer: Mask, inner: Mask) -> int:
    """Pairs of non-zeros that meet: every output channel with every input channel, tap by tap."""
    total = 0.0
    for y, iy in _meeting(layer, 0):
        for x, ix in _meeting(layer, 1):
            left = outer[:, y][:, :, x].reshape(len(outer), -1)
            right = inner[:, iy][:, :, ix].reshape(len(inner), -1)
            # At most as many products per pair of channels as positions: exact in float32.
            total += (left @ right.T).sum(dtype=np.float64)
    return int(total)


def _brute_force(path: Path, count: int) -> Iterator[tuple[tuple[str, str], float]]:
    """((layer, stage), products per sample), from the bits of the file."""
    with np.load(path) as archive:
        for index, layer in enumerate(json.loads(str(archive["meta"]))["layers"]):
            assert layer["groups"] == 1
            name, width, out_width = layer["name"], layer["in_size"][1], layer["out_size"][1]
            inputs = _mask(archive, f"{name}/input", width, count)
            grads = _mask(archive, f"{name}/grad_output", out_width, count)
            samples = range(count)
            everything = np.ones_like(grads[0])
            yield (name, "forward"), np.mean([_pairs(layer, everything, inputs[s]) for s in samples])
            yield (name, "gtw"), np.mean([_pairs(layer, grads[s], inputs[s]) for s in samples])
            if index > 0:
                key = f"{name}/grad_input_mask"
                needed = _mask(archive, key, width, count) if key in archive else np.ones_like(inputs)
                yield (name, "gta"), np.mean([_pairs(layer, grads[s], needed[s]) for s in samples])


@pytest.mark.parametrize(("name", "samples"), COUNTED.items())
def test_a_trace_costs_the_products_of_its_bits(name: str, samples: int) -> None:
    """All layers; the numbers of products are exact, not estimates."""
    path = TRACES / f"{name}.npz"
    result = simulate(trace=path, samples=samples, threads=1)
    found = {place: layer.useful_macs for place, layer in result.of_run("recorded").items()}
    assert found == dict(_brute_force(path, samples))
    assert result.speedup["recorded"].on_chip > 1


def test_there_are_twelve_traces() -> None:
    names = {run_name(network, size, rate) for network, size in RUNS for rate in RATES}
    assert {path.stem for path in TRACES.glob("*.npz")} == names
    assert set(COUNTED) < names
