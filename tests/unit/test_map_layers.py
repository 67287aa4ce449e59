"""Do layers that join, cut and move maps have the right shapes, costs and zeros?"""

from __future__ import annotations

import pytest

from compiler.training import TrainingGraph, training_graph
from workloads.errors import UserError
from workloads.layers import Add, AvgPool, BatchNorm, Conv, Layer, MaxPool, ReLU, Shape
from workloads.map_layers import (
    Combine,
    Concat,
    Elementwise,
    Gap,
    Interleave,
    Normalization,
    Outputs,
    Pad,
    Reorder,
    Reshape,
    Resize,
    Slice,
)
from workloads.network import Network, NetworkBuilder
from workloads.zeros import from_relu

N = 4 * 6 * 6  # elements of the maps here
Cost = tuple[float, float, float]


@pytest.mark.parametrize(
    ("layer", "inputs", "expected"),
    [
        (Concat(), [(3, 5, 4), (2, 5, 4), (1, 5, 4)], (6, 5, 4)),
        (Elementwise("tanh"), [(3, 5, 4)], (3, 5, 4)),
        (Combine("multiply"), [(3, 1, 1), (3, 5, 4)], (3, 5, 4)),
        (Normalization("layer"), [(3, 5, 4)], (3, 5, 4)),
        (Reshape((5, 3, 4)), [(3, 5, 4)], (5, 3, 4)),
        (Reorder((5, 3, 4)), [(3, 5, 4)], (5, 3, 4)),
        (Slice((3, 2, 4)), [(3, 5, 4)], (3, 2, 4)),
        (Resize((3, 10, 8), 4), [(3, 5, 4)], (3, 10, 8)),
        (Pad((1, 2), (3, 4)), [(3, 5, 4)], (3, 9, 10)),
        (Interleave((5, 4)), [(3, 3, 2), (3, 3, 2), (3, 2, 2)], (3, 5, 4)),
        (Outputs(), [(3, 5, 4), (7, 1, 1)], (67, 1, 1)),
        (Gap((9, 2, 2)), [(3, 5, 4)], (9, 2, 2)),
    ],
)
def test_shapes(layer: Layer, inputs: list[Shape], expected: Shape) -> None:
    assert layer.output_shape(*inputs) == expected
    assert layer.nominal_macs(inputs[0]) == 0


@pytest.mark.parametrize(
    ("layer", "inputs", "sentence"),
    [
        (Concat(), [(3, 5, 4)], "concat: needs at least two inputs"),
        (Concat(), [(3, 5, 4), (3, 4, 5)], "concat: all inputs must have one size"),
        (
            Combine("multiply"),
            [(3, 5, 4), (2, 1, 1)],
            "multiply: inputs must have one shape, or one number per",
        ),
        (Combine("multiply"), [(3, 5, 4)], "multiply: needs at least two inputs"),
        (Reshape((5, 3, 5)), [(3, 5, 4)], "reshape: .* has 60 elements, .* 75"),
        (Slice((4, 5, 4)), [(3, 5, 4)], "slice: .* is more than there is"),
        (Interleave((5, 4)), [(3, 5, 4), (3, 5, 4)], "interleave: .* are more than a map of"),
        (Interleave((5, 4)), [(3, 1, 1), (2, 1, 1)], "interleave: all phases must have the same channels"),
        (Elementwise("tanh"), [(3, 5, 4), (3, 5, 4)], "takes exactly one input"),
    ],
)
def test_what_does_not_fit_is_refused(layer: Layer, inputs: list[Shape], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        layer.output_shape(*inputs)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Slice((0, 1, 1)), "slice: out_shape must be"),
        (lambda: Elementwise("tanh", 0), "operations must be a whole number >= 1"),
        (lambda: Pad((-1, 0), (0, 0)), "pad: before must be two whole numbers"),
        (lambda: Resize((3, 4, 4), 0), "taps must be a whole number >= 1"),
    ],
)
def test_fields_that_cannot_be(make: object, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make()  # type: ignore[operator]


def network(*layers: Layer) -> Network:
    """Layers one behind the other between two convolutions."""
    net = NetworkBuilder("net", "4x6x6", (4, 6, 6))
    net.add("first", Conv(4, 4, (1, 1)))
    for index, layer in enumerate(layers):
        net.add(f"{index}", layer)
    channels = net.shape()[0]
    net.add("last", Conv(channels, 2, (1, 1)))
    return net.build()


def costs(graph: TrainingGraph) -> dict[tuple[str, str], Cost]:
    return {(w.layer, w.step): (w.vector_operations, w.read_words, w.write_words) for w in graph.other}


@pytest.mark.parametrize(
    ("layer", "forward", "backward"),
    [
        (Elementwise("silu", 4), (4 * N, N, N), (5 * N, 2 * N, N)),
        (Normalization("layer"), (5 * N, 2 * N, N), (8 * N, 4 * N, N)),
        (Reorder((4, 6, 6)), (0, N, N), (0, N, N)),
        (Resize((4, 12, 12), 4), (32 * N, N, 4 * N), (32 * N, 4 * N, N)),
    ],
)
def test_costs(layer: Layer, forward: Cost, backward: Cost) -> None:
    found = costs(training_graph(network(layer), 4))
    assert found["0", "forward"] == forward
    assert found["0", "backward"] == backward


@pytest.mark.parametrize(
    "layer", [Slice((2, 6, 6)), Reshape((2, 6, 12)), Pad((1, 1), (1, 1)), Gap((3, 2, 2))]
)
def test_what_moves_nothing_costs_nothing(layer: Layer) -> None:
    assert not [key for key in costs(training_graph(network(layer), 4)) if key[0] == "0"]


def test_a_product_of_maps_reads_all_and_writes_one() -> None:
    net = NetworkBuilder("net", "4x6x6", (4, 6, 6))
    start = net.add("first", Conv(4, 4, (1, 1)))
    scale = net.add("pool", AvgPool((6, 6), (1, 1)), start)
    net.add("product", Combine("multiply"), start, scale)
    found = costs(training_graph(net.build(), 4))
    assert found["product", "forward"] == (N, N + 4, N)
    assert found["product", "backward"] == (4 * N, 2 * N + 4, N + 4)


def joined(*parts: list[Layer]) -> Network:
    """Branches behind one convolution, concatenated and read by another."""
    net = NetworkBuilder("net", "4x6x6", (4, 6, 6))
    start, ends = net.add("first", Conv(4, 4, (1, 1))), []
    for branch, layers in enumerate(parts):
        end = start
        for index, layer in enumerate(layers):
            end = net.add(f"{branch}.{index}", layer, end)
        ends.append(end)
    net.add("cat", Concat(), *ends)
    net.add("last", Conv(net.shape()[0], 2, (1, 1)))
    return net.build()


def test_a_concatenation_is_a_relus_where_all_its_parts_are() -> None:
    pooled: list[Layer] = [ReLU(), MaxPool((3, 3), (1, 1), (1, 1))]
    all_relu, one_not = joined([ReLU()], pooled), joined([ReLU()], [Elementwise("tanh")])
    assert from_relu(all_relu, all_relu.node("cat"))
    assert not from_relu(one_not, one_not.node("cat"))
    for found, masked in ((all_relu, True), (one_not, False)):
        works = {work.layer: work for work in training_graph(found, 4).convolutions}
        assert works["last"].input_is_relu == works["last"].gta_masked == masked


def test_the_mask_of_a_relu_is_applied_by_itself_where_nobody_else_does() -> None:
    # GTA of the last layer has a mask for the whole concatenation, or none at all.
    whole = costs(training_graph(joined([ReLU()], [ReLU(), BatchNorm(4), ReLU()]), 4))
    part = costs(training_graph(joined([ReLU()], [Elementwise("tanh")]), 4))
    assert ("0.0", "backward") not in whole
    assert part["0.0", "backward"] == (N, N + N / 16, N)


@pytest.mark.parametrize("layer", [Slice((2, 6, 6)), Reshape((2, 6, 12)), Pad((1, 1), (1, 1))])
def test_layers_that_keep_zeros_keep_those_of_a_relu(layer: Layer) -> None:
    found = network(ReLU(), layer)
    assert from_relu(found, found.node("1"))


@pytest.mark.parametrize("layer", [Elementwise("tanh"), Resize((4, 12, 12), 4), Normalization("layer")])
def test_other_layers_do_not(layer: Layer) -> None:
    found = network(ReLU(), layer)
    assert not from_relu(found, found.node("1"))


def test_a_relu_behind_a_transposed_convolution_is_fused_into_its_phases() -> None:
    net = NetworkBuilder("net", "4x6x6", (4, 6, 6))
    phases = [net.add(f"phase{i}", Conv(4, 4, (1, 1)), "input") for i in range(4)]
    net.add("up", Interleave((12, 12)), *phases)
    net.add("relu", ReLU())
    graph = training_graph(net.build(), 4)
    assert all(work.relu_fused for work in graph.convolutions)
    assert ("relu", "forward") not in costs(graph)


def test_the_loss_is_that_of_all_outputs() -> None:
    net = NetworkBuilder("net", "4x6x6", (4, 6, 6))
    start = net.add("first", Conv(4, 4, (1, 1)))
    other = net.add("sum", Add(), start, net.add("tanh", Elementwise("tanh"), start))
    net.add("outputs", Outputs(), start, other)
    assert costs(training_graph(net.build(), 4))["outputs", "loss"] == (12 * N, 2 * N, 2 * N)
