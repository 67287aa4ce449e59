"""Are five networks that PyTorch exported what PyTorch runs?

The files and the tables they are compared with are made by tests/golden/networks/make.py; the tables are
PyTorch's own layers, seen by forward hooks.
"""

from __future__ import annotations

import csv
import lzma
from collections import Counter
from math import prod
from pathlib import Path

import pytest

import sparsesim
from workloads.importing.onnx_network import read_onnx
from workloads.network import Network

FOLDER = Path(__file__).parents[1] / "golden" / "networks"
EXPORTERS = ("script", "folded", "dynamo")
# Parameters and GFLOPS (multiply-accumulates) on torchvision's model pages.
PUBLISHED = {
    "squeezenet1_1": (1_235_496, 0.35),
    "googlenet": (6_624_904, 1.50),
    "densenet121": (7_978_856, 2.83),
    "mobilenet_v2": (3_504_872, 0.30),
    "efficientnet_b0": (5_288_548, 0.39),
}
BATCH_NORMS = {
    "squeezenet1_1": 0,
    "googlenet": 57,
    "densenet121": 121,
    "mobilenet_v2": 52,
    "efficientnet_b0": 49,
}


def network(name: str, exporter: str, folder: Path) -> Network:
    path = folder / f"{name}.onnx"
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.{exporter}.onnx.xz").read_bytes()))
    return read_onnx(path)


def table(name: str) -> list[list[str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def text(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, shape))


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_are_those_that_pytorch_runs(name: str, exporter: str, tmp_path: Path) -> None:
    found = [
        [one.name, text(one.in_shape), text(one.out_shape), str(one.nominal_macs)]
        for one in network(name, exporter, tmp_path).convolutions()
    ]
    *layers, _ = table(name)
    assert sorted(found) == sorted(layers)


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_are_the_published_ones(name: str, tmp_path: Path) -> None:
    parameters, giga_macs = PUBLISHED[name]
    found = network(name, "script", tmp_path)
    assert round(found.nominal_macs / 1e9, 2) == giga_macs
    assert found.parameters == parameters == int(table(name)[-1][-1])


@pytest.mark.parametrize("exporter", ["folded", "dynamo"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_batch_norms_that_were_folded_are_put_back(name: str, exporter: str, tmp_path: Path) -> None:
    def kinds(network: Network) -> Counter[str]:
        counted = Counter(one.layer.kind for one in network.layers())
        del counted["elementwise"]  # stochastic depth is there in training only
        return counted

    found, trained = network(name, exporter, tmp_path), network(name, "script", tmp_path)
    assert kinds(found)["batch_norm"] == BATCH_NORMS[name]
    assert kinds(found) == kinds(trained)
    assert ("put back" in found.variant) == (BATCH_NORMS[name] > 0)
    assert ("put back" in trained.variant) is False


def test_a_file_without_batch_norms_says_so(tmp_path: Path) -> None:
    assert "without any batch-norm" in network("squeezenet1_1", "script", tmp_path).variant


def test_depthwise_convolutions_have_a_group_per_channel(tmp_path: Path) -> None:
    layers = [one.layer for one in network("mobilenet_v2", "script", tmp_path).convolutions()]
    assert sum(getattr(layer, "groups", 1) > 1 for layer in layers) == 17  # one per inverted residual block


def test_a_dense_block_reads_all_maps_before_it(tmp_path: Path) -> None:
    found = network("densenet121", "dynamo", tmp_path)
    before = found.producers("features.denseblock1.denselayer6.norm1")[0]
    assert before.layer.kind == "concat"
    assert before.in_shapes == ((64, 56, 56), *[(32, 56, 56)] * 5)


@pytest.mark.slow
def test_an_exported_network_is_simulated_as_the_others(tmp_path: Path) -> None:
    network("squeezenet1_1", "folded", tmp_path)
    result = sparsesim.simulate(tmp_path / "squeezenet1_1.onnx", batch=4)
    assert result.layer_names() == tuple(row[0] for row in table("squeezenet1_1")[:-1])
    dense = [x for x in result.layers if (x.run, x.stage) == ("dense", "forward")]
    padded = sum(int(row[3]) for row in table("squeezenet1_1")[:-1])
    assert 0.9 * padded < sum(x.dense_macs for x in dense) <= padded
    assert result.speedup["pruned"].on_chip > result.speedup["natural"].on_chip > 1
    assert result.profile.transferred_from is not None
    assert prod(map(int, result.dataset.split("x"))) == 3 * 224 * 224
