"""What happens to ONNX files that are open, old, damaged or made to do harm?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from sparsesim.cli.main import main
from tests.builders_onnx import conv, model_of, node, read, saved
from workloads.errors import UserError
from workloads.importing.onnx_file import NEWEST_OPSET, OLDEST_OPSET
from workloads.importing.onnx_network import read_onnx


def small_model(**options: Any) -> Any:
    """A bit of everything that reads constants, weights and attributes."""
    nodes = [
        conv("x", "a", "stem.weight", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", "a s s s s", "b"),
        node("Clip", "b low high", "c"),
        node("ConvTranspose", "c up.weight", "d", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("MaxPool", "d", "e", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        node("Concat", "c e", "f", axis=1),
        node("Slice", "f one three one", "g"),
        node("ReduceMean", "g axes", "h", keepdims=0),
        node("Gemm", "h fc.weight bias", "y", transB=1),
    ]
    weights = {
        "stem.weight": [4, 3, 3, 3],
        "s": [4],
        "up.weight": [4, 6, 4, 4],
        "fc.weight": [5, 2],
        "bias": [5],
    }
    constants: dict[str, list[Any]] = {
        "low": [0.0], "high": [6.0], "one": [1], "three": [3], "axes": [2, 3]
    }  # fmt: skip
    return model_of(nodes, "y", weights, constants, **options)


def refused(model: Any, folder: Path, **options: Any) -> str:
    path = saved(model, folder)
    with pytest.raises(UserError) as raised:
        read_onnx(path, **options)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


# Sizes


def test_the_batch_may_be_open_or_any_number(tmp_path: Path) -> None:
    for batch in ("N", 1, 7):
        network = read_onnx(saved(small_model(image=(batch, 3, 16, 12)), tmp_path))
        assert network.input_shape == (3, 16, 12)
        assert network.dataset == "3x16x12"
        assert network.output.out_shape == (5, 1, 1)


def test_other_open_sizes_need_an_option(tmp_path: Path) -> None:
    model = small_model(image=("batch", 3, "height", "width"))
    sentence = refused(model, tmp_path)
    assert "'x' has sizes that are left open, batch x 3 x height x width; " in sentence
    assert "--input-shape C,H,W" in sentence
    assert read_onnx(saved(model, tmp_path), (3, 8, 8)).input_shape == (3, 8, 8)


def test_the_option_goes_before_what_the_file_says(tmp_path: Path) -> None:
    assert read_onnx(saved(small_model(), tmp_path), (3, 20, 20)).input_shape == (3, 20, 20)
    assert "node 'n_a' (Conv)" in refused(small_model(), tmp_path, input_shape=(4, 20, 20))


def test_an_image_without_any_sizes_needs_the_option_too(tmp_path: Path) -> None:
    model = small_model()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    assert "all of them" in refused(model, tmp_path)
    assert read_onnx(saved(model, tmp_path), (3, 8, 8)).input_shape == (3, 8, 8)


@pytest.mark.parametrize("text", ["3,224", "a,b,c", "3,0,5", "3,-1,5", "", "3x99999999999x5"])
def test_a_wrong_option_is_explained(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(small_model(), tmp_path)
    assert main(["run", str(path), "--input-shape", text, "--no-save"]) == 2
    assert capsys.readouterr().err.startswith("error: --input-shape must be ")


# Versions


@pytest.mark.parametrize("opset", [OLDEST_OPSET, 9, 11, 13, 18, NEWEST_OPSET])
def test_opsets_that_are_read(opset: int, tmp_path: Path) -> None:
    nodes = [conv("x", "c", "w"), node("Relu", "c", "r"), node("Add", "r c", "y")]
    network = read(tmp_path, nodes, "y", {"w": [4, 3, 1, 1]}, opset=opset)
    assert f"opset {opset}" in network.variant


@pytest.mark.parametrize("opset", [1, OLDEST_OPSET - 1, NEWEST_OPSET + 1, 2**40])
def test_opsets_that_are_not(opset: int, tmp_path: Path) -> None:
    assert f"uses opset {opset}; 7 to 26 can be read" in refused(small_model(opset=opset), tmp_path)


def test_weights_that_are_listed_as_inputs_are_no_images(tmp_path: Path) -> None:
    """As all were before version 4 of the format."""
    model = small_model()
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
    assert read_onnx(saved(model, tmp_path)).input_shape == (3, 16, 12)


# Files that are none


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "names no version of its operators"),
        (b"not protobuf at all", "is no ONNX file, or a damaged one"),
        (b"\x80\x04\x95cposix\nsystem\n", "is no ONNX file, or a damaged one"),
        (b"PK\x03\x04" + bytes(100), "is no ONNX file, or a damaged one"),
    ],
)
def test_other_contents(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_onnx(path)


def test_a_cut_off_file(tmp_path: Path) -> None:
    whole = small_model().SerializeToString()
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path = tmp_path / "x.onnx"
        path.write_bytes(whole[:length])
        with pytest.raises(UserError):
            read_onnx(path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("none.onnx", "none.onnx: cannot be read: No such file or directory."),
        ("model.pt", "model.pt: .pt files are not read (they may run code)"),
        ("model.pth", "torch.onnx.export"),
        ("trace.npz", "trace.npz: looks like a trace, which is no network; give it as --trace trace.npz"),
        ("some/where", "some/where: a network must be an .onnx file or a SCALE-Sim topology, .csv."),
        (".", "Known: alexnet"),
    ],
)
def test_names_of_files_that_cannot_be_read(
    name: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", name, "--no-save"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").mkdir()
    assert main(["run", str(tmp_path / "x.onnx")]) == 2


def test_without_the_package_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(small_model(), tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"python -m pip install -e '\.\[onnx\]'"):
        read_onnx(path)


# Graphs that are wrong


def test_more_than_one_image(tmp_path: Path) -> None:
    model = model_of([node("Add", "x z", "y")], "y")
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 3, 16, 12]))
    assert "must have one input, the image (got 'x', 'z')" in refused(model, tmp_path)


def test_a_network_without_a_layer_to_simulate(tmp_path: Path) -> None:
    assert "no convolution or fully connected layer" in refused(
        model_of([node("Relu", "x", "y")], "y"), tmp_path
    )


def test_no_operators(tmp_path: Path) -> None:
    assert "holds 0 operators" in refused(model_of([], "x"), tmp_path)


def test_a_map_that_is_read_before_it_is_made(tmp_path: Path) -> None:
    nodes = [node("Relu", "c", "y"), conv("x", "c", "w")]
    assert "cannot be inferred" in refused(model_of(nodes, "y", {"w": [4, 3, 1, 1]}), tmp_path)


@pytest.mark.parametrize(
    ("attributes", "dims"),
    [
        ({"strides": [0, 1]}, [4, 3, 3, 3]),
        ({"strides": [1]}, [4, 3, 3, 3]),
        ({"dilations": [1 << 40, 1]}, [4, 3, 3, 3]),
        ({"pads": [-1, 0, 0, 0]}, [4, 3, 3, 3]),
        ({"pads": [1 << 40] * 4}, [4, 3, 3, 3]),
        ({"group": 0}, [4, 3, 3, 3]),
        ({"group": 2}, [4, 3, 3, 3]),
        ({"group": "a"}, [4, 3, 3, 3]),
        ({}, [4, 5, 3, 3]),
        ({}, [4, 3, 99, 99]),
        ({}, [4, 3, 3]),
        ({}, []),
    ],
)
def test_convolutions_that_cannot_be(attributes: dict[str, Any], dims: list[int], tmp_path: Path) -> None:
    refused(model_of([conv("x", "y", "w", **attributes)], "y", {"w": dims}), tmp_path)


@pytest.mark.parametrize("dims", [[1 << 40, 3, 3, 3], [-4, 3, 3, 3], [1 << 20, 1 << 20]])
def test_weights_of_impossible_sizes(dims: list[int], tmp_path: Path) -> None:
    model = model_of([conv("x", "y", "w")], "y")
    model.graph.initializer.append(TensorProto(name="w", data_type=1, dims=dims))
    assert "impossible sizes" in refused(model, tmp_path)


def test_names_that_command_a_terminal_are_shown_without_effect(tmp_path: Path) -> None:
    bad = "\x1b[2J\x07" + "n" * 500
    nodes = [helper.make_node("Evil", ["x"], ["y"], name=bad)]
    sentence = refused(model_of(nodes, "y"), tmp_path)
    assert sentence.isprintable()
    assert len(sentence) < 600


def test_layers_are_called_so_that_they_can_be_files(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="../../etc/passwd"),
        helper.make_node("Conv", ["c", "v"], ["d"], name="\x1b[31m red\n"),
        helper.make_node("Conv", ["d", "v"], ["y"], name="input"),
    ]
    network = read(tmp_path, nodes, "y", {"w": [4, 3, 1, 1], "v": [4, 4, 1, 1]})
    assert [one.name for one in network.layers()] == ["input", "etc.passwd", "[31m_red", "input@2"]


# Data outside the file


def outside(tensor: Any, location: str) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


@pytest.mark.parametrize("location", ["weights.bin", "../../../etc/passwd", "/etc/passwd", "pipe"])
def test_weights_outside_the_file_are_not_opened(location: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # whoever opens it waits for ever
    model = small_model()
    for tensor in model.graph.initializer:
        if tensor.name.endswith("weight"):
            outside(tensor, location)
    whole, found = read_onnx(saved(small_model(), tmp_path)), read_onnx(saved(model, tmp_path))
    assert [one.layer for one in found.layers()] == [one.layer for one in whole.layers()]


@pytest.mark.parametrize("name", ["low", "axes"])
def test_constants_outside_the_file_are_asked_for_inside(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    model = small_model()
    (tensor,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.ClearField("float_data")
    tensor.ClearField("int64_data")
    outside(tensor, "pipe")
    assert f"{name!r} lies outside the file, where nothing is read" in refused(model, tmp_path)
