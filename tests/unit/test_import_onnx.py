"""Is every ONNX operator the layer it should be?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders_onnx import IMAGE, conv, node, read
from workloads.errors import UserError
from workloads.importing.onnx_operators import TRANSLATORS
from workloads.layers import (
    AdaptiveAvgPool,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    Input,
    Layer,
    Linear,
    MaxPool,
    ReLU,
    Shape,
)
from workloads.map_layers import (
    Combine,
    Concat,
    Elementwise,
    Normalization,
    Outputs,
    Pad,
    Reorder,
    Reshape,
    Resize,
    Slice,
)
from workloads.network import Network

MAP = (4, 16, 12)  # behind the first convolution of every network here


def layers_behind(folder: Path, nodes: list[Any], **options: Any) -> list[tuple[Layer, Shape]]:
    """What a network has behind its first convolution, whose output is c; the last output is y."""
    first = conv("x", "c", "w", pads=[1, 1, 1, 1])
    weights = {"w": [4, 3, 3, 3], **options.pop("weights", {})}
    network = read(folder, [first, *nodes], "y", weights, options.pop("constants", None), **options)
    return [(one.layer, one.out_shape) for one in network.layers()[2:]]


def only_layer_behind(folder: Path, nodes: list[Any], **options: Any) -> tuple[Layer, Shape]:
    ((layer, shape),) = layers_behind(folder, nodes, **options)
    return layer, shape


@pytest.mark.parametrize(
    ("attributes", "dims", "expected"),
    [
        ({"pads": [1, 1, 1, 1]}, [4, 3, 3, 3], Conv(3, 4, (3, 3), padding=(1, 1), bias=False)),
        ({"strides": [2, 1]}, [4, 3, 3, 2], Conv(3, 4, (3, 2), stride=(2, 1), bias=False)),
        ({"dilations": [2, 3]}, [4, 3, 3, 3], Conv(3, 4, (3, 3), dilation=(2, 3), bias=False)),
        ({"group": 3}, [6, 1, 3, 3], Conv(3, 6, (3, 3), groups=3, bias=False)),
        (
            {"pads": [0, 0, 1, 1], "strides": [2, 2]},
            [4, 3, 3, 3],
            Conv(3, 4, (3, 3), (2, 2), end_padding=(1, 1), bias=False),
        ),
        (
            {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
            [4, 3, 3, 3],
            Conv(3, 4, (3, 3), (2, 2), end_padding=(1, 1), bias=False),
        ),
        (
            {"auto_pad": "SAME_LOWER"},
            [4, 3, 2, 4],
            Conv(3, 4, (2, 4), padding=(1, 2), end_padding=(0, 1), bias=False),
        ),
        ({"auto_pad": "VALID"}, [4, 3, 2, 2], Conv(3, 4, (2, 2), bias=False)),
    ],
)
def test_convolutions(tmp_path: Path, attributes: dict[str, Any], dims: list[int], expected: Conv) -> None:
    network = read(
        tmp_path, [conv("x", "y", "layer1.conv.weight", **attributes)], "y", {"layer1.conv.weight": dims}
    )
    assert [one.layer for one in network.layers()] == [Input(IMAGE[1:]), expected]
    assert network.output.name == "layer1.conv"


def test_a_convolution_with_a_bias_has_one(tmp_path: Path) -> None:
    network = read(tmp_path, [conv("x", "y", "w b")], "y", {"w": [4, 3, 1, 1], "b": [4]})
    assert network.output.layer == Conv(3, 4, (1, 1), bias=True)


def test_a_convolution_of_rows_is_one_of_maps_with_one_row(tmp_path: Path) -> None:
    nodes = [conv("x", "c", "w", pads=[1, 2], strides=[2]), node("GlobalAveragePool", "c", "y")]
    network = read(tmp_path, nodes, "y", {"w": [4, 3, 3]}, image=(2, 3, 20))
    assert network.input_shape == (3, 1, 20)
    assert network.layers()[1].layer == Conv(3, 4, (1, 3), (1, 2), (0, 1), end_padding=(0, 2), bias=False)
    assert network.output.out_shape == (4, 1, 1)


def test_a_1x1_convolution_of_one_position_is_fully_connected(tmp_path: Path) -> None:
    nodes = [node("GlobalAveragePool", "c", "p"), conv("p", "y", "v")]
    layers = layers_behind(tmp_path, nodes, weights={"v": [2, 4, 1, 1]})
    assert layers == [(AdaptiveAvgPool((1, 1)), (4, 1, 1)), (Linear(4, 2, bias=False), (2, 1, 1))]


@pytest.mark.parametrize(
    ("nodes", "weights", "expected"),
    [
        ([node("Gemm", "f v b", "y", transB=1)], {"v": [5, 768], "b": [5]}, Linear(768, 5)),
        ([node("Gemm", "f v", "y")], {"v": [768, 5]}, Linear(768, 5, bias=False)),
        ([node("MatMul", "f v", "y")], {"v": [768, 5]}, Linear(768, 5, bias=False)),
        ([node("MatMul", "f v", "m"), node("Add", "m b", "y")], {"v": [768, 5], "b": [5]}, Linear(768, 5)),
    ],
)
def test_fully_connected_layers(
    tmp_path: Path, nodes: list[Any], weights: dict[str, list[int]], expected: Linear
) -> None:
    layers = layers_behind(tmp_path, [node("Flatten", "c", "f"), *nodes], weights=weights)
    assert layers == [(Flatten(), (768, 1, 1)), (expected, (5, 1, 1))]


def test_batch_norm(tmp_path: Path) -> None:
    weights = {name: [4] for name in "smvt"}
    nodes = [node("BatchNormalization", "c s t m v", "y")]
    assert only_layer_behind(tmp_path, nodes, weights=weights) == (BatchNorm(4), MAP)


@pytest.mark.parametrize(
    ("operator", "attributes", "constants", "inputs"),
    [
        ("Relu", {}, {}, "c"),
        ("Clip", {}, {"low": [0.0], "high": [6.0]}, "c low high"),
        ("ThresholdedRelu", {"alpha": 1.0}, {}, "c"),
    ],
)
def test_relu_and_its_kin(
    tmp_path: Path, operator: str, attributes: dict[str, Any], constants: dict[str, list[float]], inputs: str
) -> None:
    nodes = [node(operator, inputs, "y", **attributes)]
    assert only_layer_behind(tmp_path, nodes, constants=constants) == (ReLU(), MAP)


def test_clip_was_written_with_attributes_before_opset_11(tmp_path: Path) -> None:
    found = only_layer_behind(tmp_path, [node("Clip", "c", "y", min=0.0, max=6.0)], opset=9)
    assert found == (ReLU(), MAP)


@pytest.mark.parametrize(
    ("operator", "function", "options"),
    [
        ("LeakyRelu", "leaky_relu", {}),
        ("Elu", "elu", {}),
        ("Sigmoid", "sigmoid", {}),
        ("HardSwish", "hard_swish", {}),
        ("HardSigmoid", "hard_sigmoid", {}),
        ("Tanh", "tanh", {}),
        ("Gelu", "gelu", {"opset": 20}),
        ("Mish", "mish", {}),
        ("Erf", "erf", {}),
        ("Softplus", "softplus", {}),
    ],
)
def test_other_functions_leave_no_zeros(
    tmp_path: Path, operator: str, function: str, options: dict[str, Any]
) -> None:
    layer, shape = only_layer_behind(tmp_path, [node(operator, "c", "y")], **options)
    assert isinstance(layer, Elementwise)
    assert (layer.function, shape) == (function, MAP)


def test_clip_without_a_zero_leaves_none(tmp_path: Path) -> None:
    layer, _ = only_layer_behind(tmp_path, [node("Clip", "c low", "y")], constants={"low": [-1.0]})
    assert isinstance(layer, Elementwise)


def test_prelu_trains_its_slopes(tmp_path: Path) -> None:
    layer, _ = only_layer_behind(tmp_path, [node("PRelu", "c s", "y")], weights={"s": [4, 1, 1]})
    assert isinstance(layer, Elementwise)
    assert layer.parameters == 4


@pytest.mark.parametrize(("inner", "whole"), [("Sigmoid", "silu"), ("HardSigmoid", "hard_swish")])
def test_x_times_its_sigmoid_is_one_function(tmp_path: Path, inner: str, whole: str) -> None:
    nodes = [node(inner, "c", "s"), node("Mul", "s c", "y")]
    layer, _ = only_layer_behind(tmp_path, nodes)
    assert isinstance(layer, Elementwise)
    assert layer.function == whole


def test_the_softmax_at_the_end_is_the_loss(tmp_path: Path) -> None:
    assert layers_behind(tmp_path, [node("Softmax", "c", "y", axis=1)]) == []


@pytest.mark.parametrize(
    ("operator", "attributes", "expected", "shape"),
    [
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}, MaxPool((2, 2), (2, 2)), (4, 8, 6)),
        (
            "MaxPool",
            {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
            MaxPool((3, 3), (2, 2), ceil_mode=True),
            (4, 8, 6),
        ),
        ("MaxPool", {"kernel_shape": [2, 2]}, MaxPool((2, 2), (1, 1)), (4, 15, 11)),
        (
            "MaxPool",
            {"kernel_shape": [2, 2], "dilations": [2, 2]},
            MaxPool((2, 2), (1, 1), dilation=(2, 2)),
            (4, 14, 10),
        ),
        (
            "AveragePool",
            {"kernel_shape": [3, 3], "pads": [1, 1, 0, 0]},
            AvgPool((3, 3), (1, 1), (1, 1), (0, 0)),
            (4, 15, 11),
        ),
        ("GlobalAveragePool", {}, AdaptiveAvgPool((1, 1)), (4, 1, 1)),
        ("GlobalMaxPool", {}, MaxPool((16, 12), (1, 1)), (4, 1, 1)),
    ],
)
def test_pools(
    tmp_path: Path, operator: str, attributes: dict[str, Any], expected: Layer, shape: Shape
) -> None:
    assert only_layer_behind(tmp_path, [node(operator, "c", "y", **attributes)]) == (expected, shape)


def test_the_mean_over_rows_and_columns_is_a_pool(tmp_path: Path) -> None:
    expected = (AdaptiveAvgPool((1, 1)), (4, 1, 1))
    as_attribute = [node("ReduceMean", "c", "y", axes=[2, 3], keepdims=0)]
    assert only_layer_behind(tmp_path, as_attribute, opset=13) == expected
    as_input = [node("ReduceMean", "c axes", "y", keepdims=1)]
    assert only_layer_behind(tmp_path, as_input, constants={"axes": [-1, -2]}) == expected


def test_maps_that_meet(tmp_path: Path) -> None:
    def two(meeting: Any) -> tuple[Layer, Shape]:
        nodes = [node("Relu", "c", "a"), node("Tanh", "c", "b"), meeting]
        return layers_behind(tmp_path, nodes)[2]

    assert two(node("Add", "a b", "y")) == (Add(), MAP)
    assert two(node("Sum", "a b c", "y")) == (Add(), MAP)
    assert two(node("Concat", "a b c", "y", axis=1)) == (Concat(), (12, 16, 12))
    assert two(node("Mul", "a b", "y")) == (Combine("multiply"), MAP)
    assert two(node("Max", "a b", "y")) == (Combine("maximum"), MAP)
    assert two(node("Sub", "a b", "y")) == (Combine("subtract"), MAP)


def test_squeeze_and_excitation_multiplies_by_a_number_per_channel(tmp_path: Path) -> None:
    nodes = [node("GlobalAveragePool", "c", "p"), node("Sigmoid", "p", "s"), node("Mul", "c s", "y")]
    assert layers_behind(tmp_path, nodes)[-1] == (Combine("multiply"), MAP)


@pytest.mark.parametrize("operator", ["Sub", "Mul", "Div", "Pow"])
def test_a_constant_is_no_map(tmp_path: Path, operator: str) -> None:
    layer, _ = only_layer_behind(tmp_path, [node(operator, "c k", "y")], constants={"k": [2.0]})
    assert isinstance(layer, Elementwise)


def test_what_is_random_is_no_map(tmp_path: Path) -> None:
    noise = [node("RandomUniformLike", "c", "r"), node("Less", "r k", "l"), node("Cast", "l", "n", to=1)]
    layer, _ = only_layer_behind(tmp_path, [*noise, node("Mul", "c n", "y")], constants={"k": [0.8]})
    assert isinstance(layer, Elementwise)


def test_what_computes_nothing_is_no_layer(tmp_path: Path) -> None:
    nodes = [
        node("Identity", "c", "i"),
        node("Dropout", "i", "d"),
        node("Unsqueeze", "d two", "u"),
        node("Squeeze", "u two", "s"),
        node("Relu", "s", "y"),
    ]
    assert layers_behind(tmp_path, nodes, constants={"two": [2]})[-1] == (ReLU(), MAP)
    assert (ReLU(), MAP) == only_layer_behind(tmp_path, [*nodes[:2], node("Relu", "d", "y")])


def test_reshapes(tmp_path: Path) -> None:
    flat = [node("Reshape", "c s", "y")]
    assert only_layer_behind(tmp_path, flat, constants={"s": [2, -1]}) == (Flatten(), (768, 1, 1))
    other = only_layer_behind(tmp_path, flat, constants={"s": [0, 8, 8, 12]})
    assert other == (Reshape((8, 8, 12)), (8, 8, 12))


def test_a_reshape_to_a_computed_shape_is_followed(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "c", "whole"),
        node("Gather", "whole zero", "n", axis=0),
        node("Concat", "n rest", "s", axis=0),
        node("Reshape", "c s", "y"),
    ]
    found = only_layer_behind(tmp_path, nodes, constants={"zero": [0], "rest": [-1]})
    assert found == (Flatten(), (768, 1, 1))


def test_a_channel_shuffle_moves_all_elements(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", "c s", "r"),
        node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "t u", "y"),
    ]
    layers = layers_behind(tmp_path, nodes, constants={"s": [2, 2, 2, 16, 12], "u": [2, 4, 16, 12]})
    assert [type(layer) for layer, _ in layers] == [Reshape, Reorder, Reshape]
    assert layers[-1][1] == MAP


def test_parts_of_maps(tmp_path: Path) -> None:
    constants = {"one": [1], "three": [3], "halves": [2, 2]}
    whole = only_layer_behind(tmp_path, [node("Slice", "c one three one", "y")], constants=constants)
    assert whole == (Slice((2, 16, 12)), (2, 16, 12))
    nodes = [node("Split", "c halves", "a b", axis=1), node("Concat", "b a", "y", axis=1)]
    assert layers_behind(tmp_path, nodes, constants=constants) == [
        (Slice((2, 16, 12)), (2, 16, 12)),
        (Slice((2, 16, 12)), (2, 16, 12)),
        (Concat(), MAP),
    ]


def test_zeros_around_a_map_are_the_padding_of_the_convolution_behind(tmp_path: Path) -> None:
    nodes = [node("Pad", "c p", "d"), conv("d", "y", "v", strides=[2, 2])]
    options: dict[str, Any] = {"constants": {"p": [0, 0, 0, 0, 0, 0, 1, 1]}, "weights": {"v": [4, 4, 3, 3]}}
    expected = Conv(4, 4, (3, 3), (2, 2), (0, 0), end_padding=(1, 1), bias=False)
    assert only_layer_behind(tmp_path, nodes, **options) == (expected, (4, 8, 6))


def test_zeros_around_other_maps_stay_a_layer(tmp_path: Path) -> None:
    found = only_layer_behind(tmp_path, [node("Pad", "c p", "y")], constants={"p": [0, 0, 1, 2, 0, 0, 3, 4]})
    assert found == (Pad((1, 2), (3, 4)), (4, 20, 18))


def test_other_rasters(tmp_path: Path) -> None:
    nodes = [node("Resize", "c  scales", "y", mode="linear")]
    found = only_layer_behind(tmp_path, nodes, constants={"scales": [1.0, 1.0, 2.0, 2.0]})
    assert found == (Resize((4, 32, 24), 4), (4, 32, 24))
    found = only_layer_behind(tmp_path, [node("DepthToSpace", "c", "y", blocksize=2)])
    assert found == (Reorder((1, 32, 24)), (1, 32, 24))


@pytest.mark.parametrize(
    ("made", "weights", "function"),
    [
        (node("LRN", "c", "y", size=5), {}, "local_response"),
        (node("InstanceNormalization", "c s t", "y"), {"s": [4], "t": [4]}, "instance"),
        (node("LayerNormalization", "c s t", "y", axis=1), {"s": [4, 16, 12], "t": [4, 16, 12]}, "layer"),
    ],
)
def test_other_normalisations(
    tmp_path: Path, made: Any, weights: dict[str, list[int]], function: str
) -> None:
    layer, shape = only_layer_behind(tmp_path, [made], weights=weights)
    assert isinstance(layer, Normalization)
    assert (layer.function, shape) == (function, MAP)
    assert layer.parameters == 2 * (0 if not weights else len(weights) and _product(weights["s"]))


def _product(dims: list[int]) -> int:
    found = 1
    for n in dims:
        found *= n
    return found


def test_several_outputs_meet_in_the_loss(tmp_path: Path) -> None:
    nodes = [conv("x", "c", "w"), node("Relu", "c", "a"), node("GlobalAveragePool", "c", "b")]
    network: Network = read(tmp_path, nodes, "a b", {"w": [4, 3, 1, 1]})
    assert network.output.layer == Outputs()
    assert network.output.out_shape == (4 * 16 * 12 + 4, 1, 1)


def test_what_no_output_needs_is_left_out_whatever_it_is(tmp_path: Path) -> None:
    nodes = [conv("x", "y", "w"), node("NonMaxSuppression", "y y", "boxes")]
    assert len(read(tmp_path, nodes, "y", {"w": [4, 3, 1, 1]}).layers()) == 2


def test_a_module_used_twice_has_two_names(tmp_path: Path) -> None:
    nodes = [conv("x", "c", "block.weight"), conv("c", "y", "block.weight")]
    network = read(tmp_path, nodes, "y", {"block.weight": [3, 3, 1, 1]})
    assert [one.name for one in network.layers()] == ["input", "block", "block@2"]


@pytest.mark.parametrize(
    ("nodes", "options", "sentence"),
    [
        ([node("LSTM", "c w", "y")], {}, "node 'n_y' (LSTM): this operator cannot be simulated. Export"),
        (
            [node("MatMul", "c c", "y")],
            {},
            "node 'n_y' (MatMul): multiplies two maps, as attention does; only layers with trained weights",
        ),
        (  # not the sizes on the way to it
            [node("Transpose", "c", "t", perm=[2, 0, 1, 3]), node("LSTM", "t w", "y")],
            {},
            "node 'n_y' (LSTM): this operator cannot be simulated. Export",
        ),
        ([node("Concat", "c c", "y", axis=2)], {}, "concatenates along axis 2 of 2x4x16x12; only channels"),
        ([node("Concat", "c c", "y", axis=1)], {}, "concatenates a map with itself"),
        ([node("ReduceMean", "c", "y", axes=[1])], {"opset": 13}, "takes the mean over axes (1,); only rows"),
        (
            [node("MatMul", "c v", "y")],
            {"weights": {"v": [12, 5]}},
            "reads a tensor of 2x4x16x12; a fully connected layer can be simulated for one vector",
        ),
        (
            [node("Reshape", "c s", "y")],
            {"constants": {"s": [-1, 12]}},
            "makes a tensor of 128x12, whose first size must be the batch, 2",
        ),
        ([conv("c", "y", "c")], {}, "its weight 'c' is computed from the image"),
    ],
)
def test_what_cannot_be_simulated_is_named_with_its_node(
    tmp_path: Path, nodes: list[Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError) as raised:
        layers_behind(tmp_path, nodes, **options)
    assert sentence in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "model.onnx"))


@pytest.mark.parametrize(
    ("bias", "norms"), [(" onnx::Conv_13", 1), (" b", 0), ("", 0)], ids=["both new", "old bias", "no bias"]
)
def test_a_batch_norm_was_folded_only_where_weight_and_bias_are_new(
    bias: str, norms: int, tmp_path: Path
) -> None:
    """weight_norm computes a weight too, and nothing else."""
    weights = {"onnx::Conv_12": [4, 4, 1, 1], "onnx::Conv_13": [4], "b": [4]}
    found = layers_behind(tmp_path, [node("Conv", f"c onnx::Conv_12{bias}", "y")], weights=weights)
    assert [isinstance(layer, BatchNorm) for layer, _ in found].count(True) == norms


def test_operators_of_other_domains_are_not_taken_for_those_of_onnx(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\(Relu\) of domain 'my.own': this operator cannot be simulated"):
        layers_behind(tmp_path, [node("Relu", "c", "y", domain="my.own")])


def test_every_operator_of_the_documentation_is_known_and_the_other_way_round() -> None:
    text = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")
    missing = [operator for operator in TRANSLATORS if f"`{operator}`" not in text]
    assert not missing
