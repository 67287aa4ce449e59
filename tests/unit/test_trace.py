"""Are traces read exactly, and is everything wrong with one told in a sentence?"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workloads.errors import UserError
from workloads.sparsity.records import recorded_trace
from workloads.sparsity.trace import load_trace, write_trace

CONV = {
    "name": "conv1",
    "kind": "conv",
    "in_channels": 4,
    "out_channels": 6,
    "in_size": [7, 11],
    "out_size": [4, 6],
    "kernel": [3, 3],
    "stride": [2, 2],
    "padding": [1, 1],
    "dilation": [1, 1],
    "groups": 2,
    "input_is_relu": True,
}
FC = CONV | {
    "name": "fc",
    "kind": "fc",
    "in_channels": 5,
    "out_channels": 3,
    "in_size": [1, 1],
    "out_size": [1, 1],
    "kernel": [1, 1],
    "stride": [1, 1],
    "padding": [0, 0],
    "groups": 1,
}
META = {
    "format": "sparsesim-trace",
    "version": 1,
    "network": "tiny",
    "dataset": "noise",
    "batch": 4,
    "samples": 3,
    "pruning": {"p": 0.9, "fifo": 4, "where": "grad_output"},
    "step": 10,
    "source": "drawn for a test",
    "layers": [CONV, FC],
    "host": "extra keys are allowed",
}


def _arrays(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "conv1/input": random.random((3, 4, 7, 11)) < 0.5,
        "conv1/grad_output": random.random((3, 6, 4, 6)) < 0.3,
        "fc/input": random.random((3, 5, 1, 1)) < 0.5,
        "fc/grad_output": random.random((3, 3, 1, 1)) < 0.9,
        "fc/grad_input_mask": random.random((3, 5, 1, 1)) < 0.5,
    }


def _stored() -> dict[str, np.ndarray]:
    """The arrays as they lie in a file."""
    packed = {name: np.packbits(mask, axis=-1) for name, mask in _arrays().items()}
    return {"meta": np.array(json.dumps(META)), **packed}


def _save(file: Path, stored: dict[str, Any]) -> Path:
    np.savez_compressed(file, **stored)
    return file


@pytest.fixture
def trace_file(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.npz"
    write_trace(file, META, _arrays())
    return file


def test_masks_come_back_as_written(trace_file: Path) -> None:
    trace, arrays = load_trace(trace_file), _arrays()
    for sample in range(3):
        masks = trace.masks("conv1", sample)
        np.testing.assert_array_equal(masks.input, arrays["conv1/input"][sample])
        np.testing.assert_array_equal(masks.grad_output, arrays["conv1/grad_output"][sample])
        assert masks.grad_input_mask is None


def test_fc_samples_become_columns(trace_file: Path) -> None:
    masks, arrays = load_trace(trace_file).fc_masks("fc", [2, 0]), _arrays()
    assert masks.input.shape == (5, 1, 2) and masks.grad_output.shape == (3, 1, 2)
    np.testing.assert_array_equal(masks.input[:, 0, 0], arrays["fc/input"][2, :, 0, 0])
    assert masks.grad_input_mask is not None
    np.testing.assert_array_equal(masks.grad_input_mask[:, 0, 1], arrays["fc/grad_input_mask"][0, :, 0, 0])


def test_layers_are_typed_and_extra_keys_kept(trace_file: Path) -> None:
    trace = load_trace(trace_file)
    assert [layer.name for layer in trace.layers] == ["conv1", "fc"]
    assert trace.layer("conv1").stride == (2, 2) and trace.layer("conv1").groups == 2
    assert trace.meta.model_extra == {"host": "extra keys are allowed"}


def test_values_are_optional(tmp_path: Path) -> None:
    weights = np.random.default_rng(1).standard_normal((6, 2, 3, 3))
    write_trace(tmp_path / "v.npz", META, _arrays() | {"conv1/weight_values": weights})
    trace = load_trace(tmp_path / "v.npz")
    found = trace.values("conv1", "weight_values")
    assert found is not None and found.dtype == np.float32
    np.testing.assert_array_equal(found, weights.astype(np.float32))
    assert trace.values("conv1", "input_values") is None
    with pytest.raises(UserError, match="Did you mean 'weight_values'"):
        trace.values("conv1", "weights_values")


@pytest.mark.parametrize("name", ["resnet18_32_p0.9", "alexnet_32_plain"])
def test_recorded_traces_are_complete(name: str) -> None:
    with as_file(recorded_trace(name)) as path:
        trace = load_trace(path)
        raw = np.load(path)
    for layer in trace.layers:
        bits = np.unpackbits(raw[f"{layer.name}/grad_output"], axis=-1)[..., : layer.out_size[1]]
        last = trace.meta.samples - 1
        np.testing.assert_array_equal(trace.masks(layer.name, last).grad_output, bits[last].astype(bool))
    raw.close()


def _edit_layer(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return _edit(layers=[CONV | changes, FC])


def _edit(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(stored: dict[str, Any]) -> None:
        meta = {key: value for key, value in (META | changes).items() if value is not ...}
        stored["meta"] = np.array(json.dumps(meta))

    return change


def _put(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda stored: stored.update({name: value})


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda stored: stored.pop(name)


WRONG = {
    "no meta": (_drop("meta"), "the array 'meta' is missing; is this a sparsity trace?"),
    "meta of numbers": (_put("meta", np.arange(3)), "meta: expected a 0-d unicode array, found int64 [3]"),
    "meta not JSON": (_put("meta", np.array("{")), "Invalid JSON"),
    "meta a list": (_put("meta", np.array("[]")), "meta: "),
    "format": (_edit(format="other"), "meta.format: Input should be 'sparsesim-trace', found 'other'"),
    "version": (_edit(version=2), "meta.version: Input should be 1, found 2"),
    "key missing": (_edit(source=...), "meta.source: Field required"),
    "p": (_edit(pruning=META["pruning"] | {"p": 1.5}), "meta.pruning.p: "),  # type: ignore[operator]
    "p not a number": (_edit(pruning=META["pruning"] | {"p": "much"}), "found 'much'"),  # type: ignore[operator]
    "samples over batch": (_edit(samples=5), "samples is 5, more than the batch of 4"),
    "samples mismatch": (
        _edit(samples=2),
        "conv1/input: expected uint8 [2, 4, 7, 2], found uint8 [3, 4, 7, 2]",
    ),
    "no layers": (_edit(layers=[]), "meta.layers: "),
    "duplicate": (_edit(layers=[CONV, CONV]), "the name 'conv1' appears twice"),
    "kind": (_edit_layer(kind="pool"), "meta.layers[0].kind: Input should be 'conv' or 'fc', found 'pool'"),
    "slash": (_edit_layer(name="a/b"), "meta.layers[0].name: "),
    "float size": (_edit_layer(in_channels=4.5), "meta.layers[0].in_channels: "),
    "stride 0": (_edit_layer(stride=[0, 1]), "meta.layers[0].stride[0]: "),
    "huge": (_edit_layer(in_channels=10**12), "meta.layers[0].in_channels: "),
    "out_size": (_edit_layer(out_size=[4, 5]), "out_size is [4, 5], but in_size, kernel, stride, padding"),
    "groups": (_edit_layer(groups=3), "groups is 3, which must divide in_channels 4 and out_channels 6"),
    "fc size": (_edit_layer(kind="fc"), "a layer of kind fc has in_size, out_size and kernel [1, 1]"),
    "array missing": (_drop("conv1/grad_output"), "layer 'conv1': the array 'grad_output' is missing"),
    "array unknown": (
        _put("conv1/grad_inputmask", np.zeros(3)),
        "conv1/grad_inputmask: not a key of format 1",
    ),
    "dtype": (
        _put("conv1/input", np.zeros((3, 4, 7, 2), np.int16)),
        "conv1/input: expected uint8 [3, 4, 7, 2], found int16 [3, 4, 7, 2]",
    ),
    "not packed": (_put("conv1/input", np.zeros((3, 4, 7, 11), np.uint8)), "expected uint8 [3, 4, 7, 2]"),
    "padding bits": (_put("conv1/input", np.full((3, 4, 7, 2), 255, np.uint8)), "zeros in the padding bits"),
    "objects": (_put("conv1/input", np.array([print], dtype=object)), "conv1/input: "),
    "values shape": (
        _put("conv1/input_values", np.zeros(3, np.float32)),
        "conv1/input_values: expected float32",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_traces_are_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    change, expected = WRONG[case]
    stored = _stored()
    change(stored)
    file = _save(tmp_path / "wrong.npz", stored)
    with pytest.raises(UserError) as caught:
        load_trace(file)
    message = str(caught.value)
    assert message.startswith(f"trace {file}: ") and expected in message and "\n" not in message


@pytest.mark.parametrize("content", [b"", b"text, not a trace", b"PK\x03\x04 cut off"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.npz: expected a complete \.npz"):
        load_trace(tmp_path / "x.npz")


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.npz")
    with pytest.raises(UserError, match=r"t\.npz: is no file"):
        load_trace(tmp_path / "t.npz")


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_trace(tmp_path / "none.npz")
    with pytest.raises(UserError, match="is no file"):
        load_trace(tmp_path)


def test_truncated_at_any_place_is_refused(trace_file: Path, tmp_path: Path) -> None:
    content = trace_file.read_bytes()
    cut = tmp_path / "cut.npz"
    for length in np.random.default_rng(0).integers(0, len(content), 150):
        cut.write_bytes(content[:length])
        with pytest.raises(UserError):
            load_trace(cut)


def test_flipped_bytes_are_refused_or_harmless(trace_file: Path, tmp_path: Path) -> None:
    """A flip may hit a time stamp; whatever is accepted must have the masks that were written."""
    content, arrays = trace_file.read_bytes(), _arrays()
    random, flipped = np.random.default_rng(1), tmp_path / "flipped.npz"
    refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= int(random.integers(1, 256))
        flipped.write_bytes(damaged)
        try:
            masks = load_trace(flipped).masks("conv1", 1)
        except UserError:
            refused += 1
        else:
            np.testing.assert_array_equal(masks.input, arrays["conv1/input"][1])
    assert refused > 200


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (1 << 20, 1 << 20)}
    np.lib.format.write_array_header_1_0(header, shape)  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("meta.npy", header.getvalue())
    with pytest.raises(UserError, match="does not have the size"):
        load_trace(tmp_path / "bomb.npz")


def test_unknown_layer_and_sample(trace_file: Path) -> None:
    trace = load_trace(trace_file)
    with pytest.raises(UserError, match="Did you mean 'conv1'"):
        trace.masks("conv2", 0)
    with pytest.raises(UserError, match="it has no sample 3, only 0 to 2"):
        trace.masks("conv1", 3)
    with pytest.raises(UserError, match="'conv1' is no fc layer"):
        trace.fc_masks("conv1", [0])


def test_writing_leaves_all_or_nothing(tmp_path: Path) -> None:
    wrong = _arrays() | {"conv1/input": np.zeros((3, 4, 7, 99), bool)}
    with pytest.raises(UserError, match="expected uint8"):
        write_trace(tmp_path / "t.npz", META, wrong)
    with pytest.raises(UserError, match="cannot be written"):
        write_trace(tmp_path / "no" / "t.npz", META, _arrays())
    assert list(tmp_path.iterdir()) == []
