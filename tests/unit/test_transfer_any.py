"""Does a network that nobody recorded get the sparsity that the rules say?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compiler.training import training_graph
from sparsesim.workload import layer_shapes
from workloads.catalog import load_network
from workloads.layers import AdaptiveAvgPool, Add, BatchNorm, Conv, Flatten, Linear, MaxPool, ReLU
from workloads.map_layers import Combine, Concat, Elementwise, Gap, Slice
from workloads.network import Network, NetworkBuilder
from workloads.sparsity.profile import LayerProfile, Profile
from workloads.sparsity.records import activation_record, trace_record
from workloads.sparsity.structure import BLOCK, CONNECTED, INSIDE, PLAIN, Origin
from workloads.sparsity.transfer import profile_for
from workloads.sparsity.transfer_any import pooled_density, profile_of_network, relu_density

ONE, THREE = (1, 1), (3, 3)


def profile(network: Network) -> Profile:
    return profile_of_network(network, layer_shapes(training_graph(network, 4).convolutions))


def built(build: Callable[[NetworkBuilder], object]) -> dict[str, LayerProfile]:
    """The layers of a network of 8 channels by name."""
    network = NetworkBuilder("net", "8x8x8", (8, 8, 8), "a test")
    build(network)
    return {one.shape.name: one for one in profile(network.build()).layers}


def conv(network: NetworkBuilder, name: str, *inputs: str, channels: int = 8) -> str:
    before = network.shape(inputs[0] if inputs else None)[0]
    return network.add(name, Conv(before, channels, THREE, padding=ONE), *inputs)


def test_the_image_and_what_no_relu_made_is_dense() -> None:
    def build(net: NetworkBuilder) -> None:
        conv(net, "first")
        net.add("silu", Elementwise("silu", 4))
        conv(net, "behind silu")
        net.add("relu", ReLU())
        net.add("pool", AdaptiveAvgPool(ONE))
        net.add("fc", Linear(8, 4))

    layers = built(build)
    assert [layer.input_density for layer in layers.values()] == [1, 1, 1]
    assert layers["first"].grad_output.at(0) == 1  # SiLU passes every gradient


@pytest.mark.parametrize(
    ("kind", "recorded"),
    [
        (INSIDE, lambda: trace_record("resnet18_224").layer("layer2.1.conv2").input_density),
        (BLOCK, lambda: trace_record("resnet18_224").layer("layer3.0.conv1").input_density),
        (PLAIN, lambda: activation_record("vgg16_imagenet").densities["conv4"]),
        (CONNECTED, lambda: activation_record("vgg16_imagenet").densities["fc2"]),
    ],
)
def test_a_relu_at_the_place_of_a_recorded_one_has_its_density(
    kind: str, recorded: Callable[[], float]
) -> None:
    layers = [layer.name for layer in trace_record("resnet18_224").layers]
    places = {
        INSIDE: layers.index("layer2.1.conv2") / len(layers),
        BLOCK: layers.index("layer3.0.conv1") / len(layers),
        PLAIN: 5 / 16,  # five convolutions before it, of thirteen and three fully connected layers
        CONNECTED: 15 / 16,
    }
    assert relu_density(Origin(kind, places[kind])) == pytest.approx(recorded())


def test_pools_are_those_of_vgg_in_the_mean() -> None:
    found = activation_record("vgg16_imagenet").densities
    pairs = {"conv1": "pool0", "conv3": "pool1", "conv6": "pool2", "conv9": "pool3", "conv12": "pool4"}
    ratios = [pooled_density(found[one], 4) / found[pool] for one, pool in pairs.items()]
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.03)
    assert max(ratios) < 1.15 and min(ratios) > 0.85
    assert pooled_density(0.3, 9) > pooled_density(0.3, 4) > 0.3
    assert pooled_density(1.0, 9) == 1


def test_vgg_by_the_rule_is_near_vgg_as_recorded() -> None:
    network = load_network("vgg16", "imagenet")
    shapes = layer_shapes(training_graph(network, 4).convolutions)
    by_rule, recorded = profile_of_network(network, shapes), profile_for("vgg16", "imagenet", shapes)
    for one, other in zip(by_rule.layers, recorded.layers, strict=True):
        assert one.input_density == pytest.approx(other.input_density, abs=0.06)
        assert one.grad_output.at(0) == pytest.approx(other.grad_output.at(0), abs=0.03)
        assert one.grad_output.at(0.9) == pytest.approx(other.grad_output.at(0.9), abs=0.03)


def test_resnet_by_the_rule_is_near_resnet_as_recorded() -> None:
    network = load_network("resnet18", "cifar10")
    shapes = layer_shapes(training_graph(network, 4).convolutions)
    by_rule, recorded = profile_of_network(network, shapes), profile_for("resnet18", "cifar10", shapes)
    for one, other in list(zip(by_rule.layers, recorded.layers, strict=True))[:-1]:
        assert one.input_density == pytest.approx(other.input_density, abs=0.06)
        assert one.grad_output.at(0) == other.grad_output.at(0)
        assert one.grad_output.at(0.9) == pytest.approx(other.grad_output.at(0.9), abs=0.06)


def test_a_relu_in_front_of_a_pool_leaves_one_gradient_per_window() -> None:
    def build(net: NetworkBuilder) -> None:
        conv(net, "a")
        net.add("relu", ReLU())
        net.add("pool", MaxPool((2, 2), (2, 2)))
        conv(net, "b")
        net.add("flat", Flatten())
        net.add("fc", Linear(128, 4))

    layers = built(build)
    pooled = layers["b"].input_density
    assert layers["a"].grad_output.at(0) == pytest.approx(pooled / 4)
    assert layers["a"].natural_clustering.window == 2
    assert 0 < layers["a"].grad_output.at(0.9) < layers["a"].grad_output.at(0)
    assert layers["b"].grad_output.at(0) == 1
    assert layers["b"].grad_output.at(0.9) < 0.5


def test_fully_connected_layers_are_not_pruned() -> None:
    def build(net: NetworkBuilder) -> None:
        net.add("flat", Flatten())
        net.add("a", Linear(512, 16))
        net.add("relu", ReLU())
        net.add("b", Linear(16, 4))

    layers = built(build)
    for layer in layers.values():
        assert layer.grad_output.at(0.9) == layer.grad_output.at(0)
    assert layers["a"].grad_output.at(0) == layers["b"].input_density < 1
    assert layers["b"].grad_output.at(0) == 1


def test_a_concatenation_has_the_mean_density_of_its_parts() -> None:
    def build(net: NetworkBuilder) -> None:
        start = conv(net, "start")
        relu = net.add("relu", ReLU(), start)
        other = net.add("tanh", Elementwise("tanh"), conv(net, "other", start, channels=24))
        net.add("cat", Concat(), relu, other)
        conv(net, "reader")

    density = relu_density(Origin(PLAIN, 1 / 3))  # one of three layers lies before that ReLU
    assert built(build)["reader"].input_density == pytest.approx((density * 8 + 24) / 32)


def test_layers_that_read_the_same_map_have_the_same_zeros() -> None:
    def build(net: NetworkBuilder) -> None:
        start = conv(net, "start")
        relu = net.add("relu", ReLU(), start)
        net.add("sum", Add(), conv(net, "left", relu), conv(net, "right", relu))

    layers = built(build)
    assert layers["left"].input_index == layers["right"].input_index == 1
    found = profile_masks(build)
    assert (found["left"] == found["right"]).all()


def profile_masks(build: Callable[[NetworkBuilder], object]) -> dict[str, object]:
    network = NetworkBuilder("net", "8x8x8", (8, 8, 8), "a test")
    build(network)
    whole = profile(network.build())
    return {one.shape.name: whole.masks(one.shape.name, 0.9, 3, 0).input for one in whole.layers}


def test_squeeze_and_excitation_keeps_the_zeros_of_its_map() -> None:
    def build(net: NetworkBuilder) -> None:
        start = conv(net, "start")
        relu = net.add("relu", ReLU(), start)
        scale = net.add("sigmoid", Elementwise("sigmoid"), net.add("pool", AdaptiveAvgPool(ONE), relu))
        net.add("scaled", Combine("multiply"), relu, scale)
        conv(net, "reader")

    reader = built(build)["reader"]
    assert reader.input_density == pytest.approx(relu_density(Origin(PLAIN, 0.5)))
    assert not reader.shape.input_is_relu  # the scale needs its own gradient, so dI is not masked


def test_a_gap_counts_as_relu_behind_batch_norm() -> None:
    def build(net: NetworkBuilder) -> None:
        conv(net, "a")
        net.add("gap", Gap((4, 6, 6)))
        conv(net, "b")

    layers = built(build)
    assert layers["b"].input_density == pytest.approx(relu_density(Origin(INSIDE, 0.5)))
    assert layers["b"].shape.input_is_relu
    assert layers["a"].grad_output.at(0) == 1


def test_a_part_of_a_map_has_a_part_of_the_gradient() -> None:
    def build(net: NetworkBuilder) -> None:
        conv(net, "a")
        net.add("part", Slice((2, 8, 8)))
        conv(net, "b", channels=4)

    assert built(build)["a"].grad_output.at(0) == pytest.approx(1 / 4)


def test_it_is_said_what_was_transferred_and_what_has_no_zeros() -> None:
    def network(function: ReLU | Elementwise) -> Network:
        net = NetworkBuilder("net", "8x8x8", (8, 8, 8), "a test")
        conv(net, "a")
        net.add("bn", BatchNorm(8))
        net.add("act", function)
        conv(net, "b")
        return net.build()

    with_relu, with_silu = profile(network(ReLU())), profile(network(Elementwise("silu", 4)))
    assert str(with_relu.transferred_from).startswith("a test: every layer by its place")
    assert "no natural zeros" not in str(with_relu.transferred_from)
    assert "the I of 1 of 2 layers is not a ReLU's and has no natural zeros" in str(
        with_silu.transferred_from
    )
    assert "silu" in str(with_silu.transferred_from)
    assert "resnet18" in with_silu.source
