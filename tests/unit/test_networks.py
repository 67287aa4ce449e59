"""Do the built-in networks have the published sizes, and do wrong networks get a clear error?"""

from __future__ import annotations

import re
from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.catalog import DATASETS, NETWORKS, describe, load_network
from workloads.errors import UserError
from workloads.layers import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    Input,
    Linear,
    MaxPool,
    ReLU,
)
from workloads.network import Network, NetworkBuilder
from workloads.zoo.resnet import resnet

# Parameters and GMACs as torchvision's model pages give them: with padding, without batch-norm and biases.
PUBLISHED = {
    "alexnet": (61_100_840, 0.71),
    "vgg16": (138_357_544, 15.47),
    "resnet18": (11_689_512, 1.81),
    "resnet34": (21_797_672, 3.66),
    "resnet50": (25_557_032, 4.09),
    "resnet101": (44_549_160, 7.80),
    "resnet152": (60_192_808, 11.51),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_macs_are_the_published_ones_on_imagenet(name: str) -> None:
    network = load_network(name, "imagenet")
    parameters, giga_macs = PUBLISHED[name]
    assert network.parameters == parameters
    assert round(network.nominal_macs / 1e9, 2) == giga_macs


def test_cifar_resnet18_has_the_customary_size() -> None:
    network = load_network("resnet18", "cifar10")
    assert network.parameters == 11_173_962
    stem_and_first = (27 * 64 + 4 * 9 * 64 * 64) * 32**2
    # a stage of width w: 3x3 from w / 2, three 3x3, 1x1 from w / 2
    stages = sum((w * w * 9 // 2 + 3 * 9 * w * w + w * w // 2) * (2048 // w) ** 2 for w in (128, 256, 512))
    assert network.nominal_macs == stem_and_first + stages + 512 * 10
    assert round(network.nominal_macs / 1e9, 2) == 0.56


def test_cifar_vgg16_has_the_customary_size() -> None:
    # The 13 convolutions of the ImageNet network, 14,714,688 parameters, and one layer 512 -> 10.
    assert load_network("vgg16", "cifar10").parameters == 14_714_688 + 513 * 10


def test_cifar_alexnet_has_the_layers_of_the_recorded_traces() -> None:
    found = [
        (node.layer.in_channels, node.layer.out_channels, node.in_shape[1:], node.out_shape[1:])
        for node in load_network("alexnet", "cifar100").convolutions()
        if isinstance(node.layer, Conv | Linear)
    ]
    assert found == [
        (3, 64, (32, 32), (32, 32)),
        (64, 192, (16, 16), (16, 16)),
        (192, 384, (8, 8), (8, 8)),
        (384, 256, (8, 8), (8, 8)),
        (256, 256, (8, 8), (8, 8)),
        (4096, 1024, (1, 1), (1, 1)),
        (1024, 1024, (1, 1), (1, 1)),
        (1024, 100, (1, 1), (1, 1)),
    ]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_ends_in_the_classes_of_its_data_set(name: str, dataset: str) -> None:
    classes = {"cifar10": 10, "cifar100": 100, "imagenet": 1000}[dataset]
    network = load_network(name, dataset)
    assert (network.name, network.dataset) == (name, dataset)
    assert network.output.out_shape == (classes, 1, 1)


def test_layers_carry_torchvision_names_in_the_order_they_run() -> None:
    names = [node.name for node in load_network("resnet18", "imagenet").layers()]
    assert names[:5] == ["input", "conv1", "bn1", "relu", "maxpool"]
    block = [name.removeprefix("layer2.0.") for name in names if name.startswith("layer2.0.")]
    assert block == [
        *("conv1", "bn1", "relu1", "conv2", "bn2", "downsample.0", "downsample.1", "add", "relu2"),
    ]
    assert names[-3:] == ["avgpool", "flatten", "fc"]


def test_sequential_networks_keep_torchvision_numbers() -> None:
    alexnet = [node.name for node in load_network("alexnet", "imagenet").convolutions()]
    assert alexnet == [f"features.{i}" for i in (0, 3, 6, 8, 10)] + [f"classifier.{i}" for i in (1, 4, 6)]
    vgg = [node.name for node in load_network("vgg16", "imagenet").convolutions()]
    features = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert vgg == [f"features.{i}" for i in features] + [f"classifier.{i}" for i in (0, 3, 6)]


def test_bottlenecks_stride_on_the_3x3_convolution() -> None:
    network = load_network("resnet50", "imagenet")
    strides = [network.node(f"layer2.0.conv{i}").layer for i in (1, 2, 3)]
    assert [conv.stride for conv in strides if isinstance(conv, Conv)] == [(1, 1), (2, 2), (1, 1)]


def test_a_residual_add_reads_both_branches() -> None:
    network = load_network("resnet34", "cifar10")
    assert [node.name for node in network.producers("layer3.0.add")] == [
        "layer3.0.bn2",
        "layer3.0.downsample.1",
    ]
    assert {node.name for node in network.consumers("layer3.0.relu2")} == {"layer3.1.conv1", "layer3.1.add"}


def test_the_list_of_workloads_has_every_network_and_data_set() -> None:
    rows = describe()
    assert [(row.network, row.dataset) for row in rows] == [(n, d) for n in NETWORKS for d in DATASETS]
    resnet50 = next(row for row in rows if (row.network, row.dataset) == ("resnet50", "imagenet"))
    # 1 stem + 16 blocks of 3 + 4 downsamplings
    assert (resnet50.convolutions, resnet50.fully_connected) == (53, 1)
    assert all(0 < row.dense_macs <= row.nominal_macs for row in rows)


def _taps_by_brute_force(n: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int]:
    """Outputs and in-range taps of one axis, by sliding the window over the padded axis."""
    outputs = taps = 0
    start = -padding
    while start + dilation * (kernel - 1) < n + padding:
        outputs += 1
        taps += sum(0 <= start + dilation * tap < n for tap in range(kernel))
        start += stride
    return outputs, taps


@st.composite
def _windows(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    kernel, stride = draw(st.integers(1, 11)), draw(st.integers(1, 5))
    padding, dilation = draw(st.integers(0, 6)), draw(st.integers(1, 3))
    least = max(1, dilation * (kernel - 1) + 1 - 2 * padding)
    return draw(st.integers(least, least + 20)), kernel, stride, padding, dilation


@settings(deadline=None, max_examples=300)
@given(_windows(), _windows(), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_conv_shape_and_macs_equal_sliding_the_window(
    rows: tuple[int, ...], columns: tuple[int, ...], groups: int, fan_in: int, fan_out: int
) -> None:
    pairs = list(zip(rows, columns, strict=True))
    conv = Conv(fan_in * groups, fan_out * groups, pairs[1], pairs[2], pairs[3], pairs[4], groups)
    shape = (fan_in * groups, *pairs[0])
    (high, high_taps), (wide, wide_taps) = (_taps_by_brute_force(*axis) for axis in (rows, columns))
    assert conv.output_shape(shape) == (fan_out * groups, high, wide)
    assert conv.dense_macs(shape) == fan_in * fan_out * groups * high_taps * wide_taps
    assert conv.nominal_macs(shape) == fan_in * fan_out * groups * high * wide * rows[1] * columns[1]


def test_pools_count_the_elements_their_windows_read() -> None:
    # 3x3 window, stride 2, padding 1 on 5x4: rows read 2, 3, 2; columns 2, 3.
    assert MaxPool((3, 3), (2, 2), (1, 1)).output_shape((8, 5, 4)) == (8, 3, 2)
    assert MaxPool((3, 3), (2, 2), (1, 1)).window_elements((8, 5, 4)) == 8 * 7 * 5
    assert AvgPool((2, 1), (2, 1)).window_elements((2, 5, 3)) == 2 * 4 * 3
    # 7 into 3: [0, 3), [2, 5), [4, 7) as in PyTorch's adaptive pooling
    assert AdaptiveAvgPool((3, 1)).window_elements((2, 7, 5)) == 2 * 9 * 5


WRONG_LAYERS: dict[str, tuple[Callable[[], object], str]] = {
    "stride of zero": (
        lambda: Conv(3, 8, (3, 3), stride=(0, 1)),
        "conv: stride must be two whole numbers (vertical, horizontal) >= 1 (got (0, 1)).",
    ),
    "kernel as one number": (
        lambda: MaxPool(3, (2, 2)),  # type: ignore[arg-type]
        "max_pool: kernel must be two whole numbers (vertical, horizontal) >= 1 (got 3).",
    ),
    "fractional channels": (
        lambda: BatchNorm(1.5),  # type: ignore[arg-type]
        "batch_norm: channels must be a whole number >= 1 (got 1.5).",
    ),
    "groups that do not divide": (
        lambda: Conv(6, 8, (3, 3), groups=3),
        "conv: out_channels 8 must be a multiple of groups 3.",
    ),
    "empty windows": (
        lambda: AvgPool((2, 2), (1, 1), padding=(1, 2)),
        "avg_pool: padding (1, 2) must be at most half the kernel (2, 2).",
    ),
    "two-dimensional image": (
        lambda: Input((32, 32)),  # type: ignore[arg-type]
        "input: shape must be three whole numbers (C, H, W) >= 1 (got (32, 32)).",
    ),
    "wrong channels": (
        lambda: Conv(64, 8, (1, 1)).output_shape((32, 4, 4)),
        "conv: is made for 64 channels, but its input has 32.",
    ),
    "kernel larger than the map": (
        lambda: Conv(3, 8, (5, 3), padding=(0, 1), dilation=(2, 1)).output_shape((3, 8, 8)),
        "conv: kernel (5, 3) with dilation (2, 1) does not fit the input size (8, 8) with padding (0, 1).",
    ),
    "map into a fully connected layer": (
        lambda: Linear(4096, 10).output_shape((256, 4, 4)),
        "fc: needs an input of shape (4096, 1, 1) (got (256, 4, 4)); flatten maps before it.",
    ),
    "sum of two shapes": (
        lambda: Add().output_shape((8, 4, 4), (8, 2, 2)),
        "add: all inputs must have one shape (got (8, 4, 4), (8, 2, 2)).",
    ),
    "sum of one": (lambda: Add().output_shape((8, 4, 4)), "add: needs at least two inputs (got 1)."),
    "two inputs of a ReLU": (
        lambda: ReLU().output_shape((8, 4, 4), (8, 4, 4)),
        "relu: takes exactly one input (got 2).",
    ),
    "adaptive pool that enlarges": (
        lambda: AdaptiveAvgPool((7, 7)).output_shape((512, 4, 8)),
        "avg_pool: out_size (7, 7) must not exceed the input size (4, 8).",
    ),
}


@pytest.mark.parametrize("case", WRONG_LAYERS)
def test_a_wrong_layer_says_what_is_allowed(case: str) -> None:
    make, message = WRONG_LAYERS[case]
    with pytest.raises(UserError) as error:
        make()
    assert str(error.value) == message


def _builder() -> NetworkBuilder:
    builder = NetworkBuilder("toy", "none", (3, 8, 8))
    builder.add("conv", Conv(3, 4, (3, 3), padding=(1, 1)))
    return builder


def test_the_builder_names_the_layer_that_does_not_fit() -> None:
    with pytest.raises(UserError, match=r"^network toy, layer 'bn': batch_norm: is made for 5 channels"):
        _builder().add("bn", BatchNorm(5))


def test_the_builder_refuses_a_name_given_twice() -> None:
    with pytest.raises(
        UserError, match=r"^network toy: layer 'conv' was already added; names must differ\.$"
    ):
        _builder().add("conv", ReLU())


def test_the_builder_suggests_the_nearest_input() -> None:
    with pytest.raises(
        UserError, match=r"unknown input of layer 'relu' of toy: 'konv'\. Did you mean 'conv'"
    ):
        _builder().add("relu", ReLU(), "konv")


def test_the_builder_refuses_one_input_twice() -> None:
    with pytest.raises(UserError, match=r"layer 'add': inputs must differ \(got conv, conv\)\.$"):
        _builder().add("add", Add(), "conv", "conv")


def test_a_network_with_two_outputs_is_refused() -> None:
    builder = _builder()
    builder.add("relu", ReLU())
    builder.add("other", ReLU(), "conv")
    with pytest.raises(
        UserError, match=r"^network toy: needs one output layer \(got \['relu', 'other'\]\)\.$"
    ):
        builder.build()


def _chain(**changes: object) -> nx.DiGraph:
    """input -> relu as a bare graph, with attributes of relu replaced."""
    graph = nx.DiGraph()
    shape = (3, 8, 8)
    graph.add_node("input", layer=Input(shape), in_shapes=(), out_shape=shape)
    graph.add_node("relu", **{"layer": ReLU(), "in_shapes": (shape,), "out_shape": shape, **changes})
    graph.add_edge("input", "relu")
    return graph


def _with_cycle() -> nx.DiGraph:
    graph = _chain()
    graph.add_edge("relu", "relu")
    return graph


def _with_second_source() -> nx.DiGraph:
    graph = _chain()
    graph.add_node("stray", layer=ReLU(), in_shapes=(), out_shape=(3, 8, 8))
    return graph


def _without_shape() -> nx.DiGraph:
    graph = _chain()
    del graph.nodes["relu"]["out_shape"]
    return graph


WRONG_GRAPHS = {
    "cycle": (_with_cycle, "network toy: layers must not form a cycle (relu)."),
    "second source": (
        _with_second_source,
        "network toy: every path must start at one input layer (paths start at ['input', 'stray']).",
    ),
    "missing attribute": (_without_shape, "network toy: layer 'relu' lacks the node attribute 'out_shape'."),
    "in_shapes": (
        lambda: _chain(in_shapes=((4, 8, 8),)),
        "network toy, layer 'relu': in_shapes ((4, 8, 8),) must be what arrives, ((3, 8, 8),).",
    ),
    "out_shape": (
        lambda: _chain(out_shape=(3, 8, 7)),
        "network toy, layer 'relu': out_shape (3, 8, 7) must be (3, 8, 8).",
    ),
}


@pytest.mark.parametrize("case", WRONG_GRAPHS)
def test_a_wrong_graph_is_refused(case: str) -> None:
    make, message = WRONG_GRAPHS[case]
    with pytest.raises(UserError) as error:
        Network("toy", "none", (3, 8, 8), make())
    assert str(error.value) == message


def test_a_network_of_another_input_shape_is_refused() -> None:
    with pytest.raises(
        UserError, match=re.escape("input_shape (3, 9, 9) must be the input layer's (3, 8, 8).")
    ):
        Network("toy", "none", (3, 9, 9), _chain())


def test_forward_order_does_not_depend_on_the_order_of_the_nodes() -> None:
    graph = nx.DiGraph()
    graph.add_node("flatten", layer=Flatten(), in_shapes=((3, 8, 8),), out_shape=(192, 1, 1))
    graph.update(_chain())
    graph.add_edge("relu", "flatten")
    names = [node.name for node in Network("toy", "none", (3, 8, 8), graph).layers()]
    assert names == ["input", "relu", "flatten"]


def test_a_built_network_cannot_be_changed() -> None:
    with pytest.raises(nx.NetworkXError, match="Frozen graph"):
        load_network("alexnet", "cifar10").graph.remove_node("classifier.6")


UNKNOWN_NAMES = {
    ("resnet-18", "imagenet"): "unknown network 'resnet-18'. Did you mean 'resnet18'? Known: alexnet, ",
    (
        "resnet18",
        "cifar",
    ): "unknown data set 'cifar'. Did you mean 'cifar10'? Known: cifar10, cifar100",
}


@pytest.mark.parametrize("names", UNKNOWN_NAMES)
def test_unknown_names_get_the_nearest_one(names: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(UNKNOWN_NAMES[names])}"):
        load_network(*names)


def test_an_unknown_depth_of_resnet_lists_the_known_ones() -> None:
    from workloads.datasets import find_dataset

    with pytest.raises(UserError, match="unknown depth of ResNet '20'"):
        resnet(20, find_dataset("cifar10"))


def test_an_unknown_layer_gets_the_nearest_name() -> None:
    with pytest.raises(
        UserError, match=r"unknown layer of resnet18 'layer1\.0\.conv'\. Did you mean 'layer1"
    ):
        load_network("resnet18", "cifar10").node("layer1.0.conv")
