"""Does the training graph hold every stage and pass of a step, at its cost and in a possible order?"""

from __future__ import annotations

from math import prod
from typing import Any

import networkx as nx
import numpy as np
import pytest

from compiler.other_work import OtherWork
from compiler.program import Stage
from compiler.training import ConvWork, TrainingGraph, training_graph
from workloads.catalog import DATASETS, NETWORKS, load_network
from workloads.errors import UserError
from workloads.layers import (
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    Layer,
    Linear,
    MaxPool,
    ReLU,
)
from workloads.network import Network, NetworkBuilder

CONV = Conv(4, 4, (3, 3), padding=(1, 1))


def _network(*layers: tuple[str, Layer] | tuple[str, Layer, tuple[str, ...]]) -> Network:
    """A network on (4, 8, 8) of (name, layer) or (name, layer, inputs)."""
    builder = NetworkBuilder("toy", "none", (4, 8, 8))
    for name, layer, *inputs in layers:
        builder.add(name, layer, *(inputs[0] if inputs else ()))
    return builder.build()


def _convolution(training: TrainingGraph, layer: str) -> ConvWork:
    return next(work for work in training.convolutions if work.layer == layer)


def _passes(network: Network, layer: str, batch: int = 1) -> dict[str, tuple[float, float, float]]:
    """(vector operations, words read, words written) of the passes of a layer."""
    return {
        work.step: (work.vector_operations, work.read_words, work.write_words)
        for work in training_graph(network, batch).other
        if work.layer == layer
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_every_convolution_has_its_stages(name: str) -> None:
    network = load_network(name, "imagenet")
    training = training_graph(network, 32)
    assert [work.layer for work in training.convolutions] == [node.name for node in network.convolutions()]
    assert [work.index for work in training.convolutions] == list(range(len(training.convolutions)))
    assert training.convolutions[0].stages == (Stage.FORWARD, Stage.GTW)
    assert {work.stages for work in training.convolutions[1:]} == {(Stage.FORWARD, Stage.GTA, Stage.GTW)}


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_geometries_agree_with_the_network(name: str, dataset: str) -> None:
    # ConvGeometry enumerates the taps, the layers count them in closed form.
    network, batch = load_network(name, dataset), 4
    for work in training_graph(network, batch).convolutions:
        node = network.node(work.layer)
        samples = batch if work.is_fc else 1
        assert work.geometry.dense_macs == samples * node.dense_macs
        assert work.geometry.out_channels == node.out_shape[0]
        assert work.geometry.out_size == ((1, batch) if work.is_fc else node.out_shape[1:])


def test_a_fully_connected_layer_is_a_1x1_convolution_whose_columns_are_samples() -> None:
    fc = _convolution(training_graph(load_network("alexnet", "imagenet"), 32), "classifier.1")
    assert fc.is_fc
    assert (fc.geometry.in_channels, fc.geometry.in_size, fc.geometry.kernel) == (9216, (1, 32), (1, 1))


def test_resnet_masks_are_those_of_the_relu_before_each_convolution() -> None:
    training = training_graph(load_network("resnet18", "imagenet"), 32)
    unmasked = [work.layer for work in training.convolutions if not work.gta_masked]
    # The image is no ReLU's output, and averages over 7 x 7 are not zero where single values are.
    assert unmasked == ["conv1", "fc"]
    assert {work.followed_by for work in training.convolutions} == {"bn", "none"}
    assert not any(work.relu_fused for work in training.convolutions)


def test_conv_relu_networks_fuse_every_relu() -> None:
    training = training_graph(load_network("vgg16", "cifar10"), 32)
    assert [work.followed_by for work in training.convolutions] == ["relu"] * 13 + ["none"]
    assert all(work.relu_fused for work in training.convolutions[:-1])
    assert not any(work.kind == "relu" for work in training.other)


def test_a_relu_is_not_fused_where_others_read_the_sum_before_it() -> None:
    network = _network(
        ("conv", CONV), ("relu", ReLU()), ("add", Add(), ("conv", "relu")), ("flatten", Flatten())
    )
    conv = _convolution(training_graph(network, 1), "conv")
    assert (conv.followed_by, conv.relu_fused) == ("none", False)
    n = 4 * 8 * 8
    assert _passes(network, "relu") == {"forward": (n, n, n), "backward": (n, n + n / 16, n)}


def test_masks_are_seen_through_max_pool_and_flatten_but_not_average_pool() -> None:
    for pool, masked in ((MaxPool((2, 2), (2, 2)), True), (AvgPool((2, 2), (2, 2)), False)):
        network = _network(
            ("conv", CONV), ("relu", ReLU()), ("pool", pool), ("flatten", Flatten()), ("fc", Linear(64, 2))
        )
        fc = _convolution(training_graph(network, 1), "fc")
        assert (fc.input_is_relu, fc.gta_masked) == (masked, masked)


def test_masking_the_gradient_of_a_pooled_map_loses_nothing() -> None:
    """The first weights' gradients are the same with dI masked by I's non-zeros, also if windows overlap."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Any:
        return torch.randint(-3, 4, shape, generator=generator).double()

    weight = draw(4, 3, 3, 3).requires_grad_()
    pooled = torch.nn.functional.max_pool2d(torch.relu(torch.conv2d(draw(2, 3, 9, 9), weight) - 20), 3, 2)
    gradient, mask = draw(*pooled.shape), pooled != 0
    assert 0.2 < mask.double().mean() < 0.8
    (full,) = torch.autograd.grad(pooled, weight, gradient, retain_graph=True)
    (masked,) = torch.autograd.grad(pooled, weight, gradient * mask)
    assert np.array_equal(full.numpy(), masked.numpy())


def test_a_convolution_behind_untrained_layers_needs_no_gradient_of_its_input() -> None:
    network = _network(("pool", MaxPool((2, 2), (2, 2))), ("conv", CONV))
    assert not _convolution(training_graph(network, 1), "conv").has_gta
    assert set(_passes(network, "pool")) == {"forward"}


def test_batch_norm_costs_one_pass_forward_and_two_backward() -> None:
    network = _network(("conv", CONV), ("bn", BatchNorm(4)), ("relu", ReLU()), ("conv2", CONV))
    n = 4 * 8 * 8
    assert _passes(network, "bn", batch=8) == {
        "forward": (2 * n, n, n),
        "backward": (8 * n, 4 * n, n),
        "update": (6 * 8 / 8, 5 * 8 / 8, 3 * 8 / 8),
    }
    assert _passes(network, "relu") == {}


def test_batch_norm_behind_no_convolution_pays_for_its_statistics() -> None:
    network = _network(("conv", CONV), ("relu", ReLU()), ("bn", BatchNorm(4)))
    n = 4 * 8 * 8
    passes = _passes(network, "bn")
    assert passes["forward"] == (5 * n, 2 * n, n)
    # dx is the gradient of a ReLU: its mask, a bit per element, is read as well.
    assert passes["backward"] == (8 * n, 4 * n + n / 16, n)


def test_a_residual_block_adds_maps_forward_and_gradients_backward() -> None:
    network = load_network("resnet18", "imagenet")
    n = 64 * 56 * 56
    assert _passes(network, "layer1.1.add") == {"forward": (n, 2 * n, n)}
    assert _passes(network, "layer1.0.relu2") == {"gradient_sum": (n, 2 * n + n / 16, n)}


def test_max_pool_keeps_the_winners_for_backward() -> None:
    network = load_network("alexnet", "cifar10")
    before, after = 64 * 32 * 32, 64 * 16 * 16
    winners = after * 2 / 16  # 2 bits say which of 2 x 2
    assert _passes(network, "features.2") == {
        "forward": (4 * after, before, after + winners),
        "backward": (after, after + winners, before),
    }


def test_global_average_pool_reads_the_mask_backward() -> None:
    network = load_network("resnet18", "cifar10")
    before, after = 512 * 4 * 4, 512
    assert _passes(network, "avgpool") == {
        "forward": (before + after, before, after),
        "backward": (before + after, after + before / 16, before),
    }


@pytest.mark.parametrize("batch", [1, 32])
def test_weight_updates_cover_every_parameter_once_a_batch(batch: int) -> None:
    network = load_network("resnet50", "imagenet")
    updates = [work for work in training_graph(network, batch).other if work.kind == "weight_update"]
    share = network.parameters / batch
    assert sum(work.read_words for work in updates) == pytest.approx(5 * share)
    assert sum(work.write_words for work in updates) == pytest.approx(3 * share)


def test_the_loss_is_one_pass_over_the_classes() -> None:
    assert _passes(load_network("resnet18", "cifar100"), "fc")["loss"] == (600, 100, 100)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_does_not_depend_on_the_batch_moves_no_more_than_its_maps(name: str) -> None:
    network = load_network(name, "imagenet")
    for work in training_graph(network, 32).other:
        node = network.node(work.layer)
        if work.kind != "weight_update":
            largest = max(prod(shape) for shape in (*node.in_shapes, node.out_shape))
            assert 0 < work.read_words <= 4 * largest
            assert 0 < work.write_words <= 2 * largest


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_dependences_are_acyclic_and_hold_all_work(name: str, dataset: str) -> None:
    training = training_graph(load_network(name, dataset), 32)
    graph = training.graph()
    assert nx.is_directed_acyclic_graph(graph)
    placed = [(node, attributes["work"]) for node, attributes in graph.nodes.items() if attributes["work"]]
    convolutions = {f"{work.layer}/{stage}" for work in training.convolutions for stage in work.stages}
    others = {f"{work.layer}/{work.step}" for work in training.other}
    assert {node for node, work in placed if isinstance(work, ConvWork)} == convolutions
    assert {node for node, work in placed if isinstance(work, OtherWork)} == others


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "resnet50"])
def test_the_step_starts_at_the_image_and_ends_in_updates(name: str) -> None:
    network = load_network(name, "imagenet")
    graph = training_graph(network, 32).graph()
    assert [node for node, degree in graph.in_degree if degree == 0] == ["input/forward"]
    updated = {f"{node.name}/update" for node in network.layers() if node.layer.parameters}
    assert {node for node, degree in graph.out_degree if degree == 0} == updated


def test_gradients_flow_through_both_branches_of_a_residual_block() -> None:
    graph = training_graph(load_network("resnet18", "imagenet"), 32).graph()
    assert set(graph.predecessors("layer1.1.relu2/gradient_sum")) == {
        "layer2.0.conv1/gta",
        "layer2.0.downsample.0/gta",
    }
    assert set(graph.predecessors("layer1.0.relu2/gradient_sum")) == {
        "layer1.1.conv1/gta",
        "layer1.1.add/backward",
    }


def test_gtw_needs_i_and_do_and_the_update_waits_for_gta() -> None:
    graph = training_graph(load_network("alexnet", "imagenet"), 32).graph()
    assert set(graph.predecessors("features.6/gtw")) == {"features.5/forward", "features.7/backward"}
    assert set(graph.predecessors("features.7/backward")) == {"features.8/gta", "features.6/forward"}
    assert set(graph.predecessors("features.6/update")) == {"features.6/gta", "features.6/gtw"}
    assert graph.nodes["features.6/gtw"]["stage"] is Stage.GTW
    assert graph.nodes["features.6/update"]["stage"] is Stage.OTHER


def test_all_of_backward_comes_after_the_loss() -> None:
    graph = training_graph(load_network("resnet18", "cifar10"), 32).graph()
    after = nx.descendants(graph, "fc/loss")
    forward = {node for node in graph if node.endswith("/forward")}
    assert after == set(graph) - forward - {"fc/loss"}


@pytest.mark.parametrize("batch", [0, -1, 2.0, True])
def test_a_wrong_batch_is_refused(batch: int) -> None:
    with pytest.raises(UserError, match=r"^batch must be a whole number >= 1 \(got "):
        training_graph(load_network("alexnet", "cifar10"), batch)
