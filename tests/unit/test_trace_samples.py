"""Are traces read sample by sample, also such that are larger than the memory, and safely?"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparsesim.cli.main import main
from tests.unit.test_trace import META, _arrays
from workloads.errors import UserError
from workloads.sparsity.trace import Trace, load_trace, write_trace

SAMPLES, CHANNELS, HEIGHT, WIDTH = 200, 64, 64, 64
SAMPLE_BYTES = CHANNELS * HEIGHT * WIDTH // 8  # of one mask
ROOT = Path(__file__).resolve().parents[2]


def _large(file: Path, compressed: bool) -> np.ndarray[Any, Any]:
    """A trace of 13 MB: one layer; returns the mask that I and dO have, packed."""
    packed = np.random.default_rng(0).integers(
        0, 256, (SAMPLES, CHANNELS, HEIGHT, WIDTH // 8), dtype=np.uint8
    )
    layer = {
        "kind": "conv", "in_channels": CHANNELS, "out_channels": CHANNELS, "in_size": [HEIGHT, WIDTH],
        "out_size": [HEIGHT, WIDTH], "kernel": [1, 1], "stride": [1, 1], "padding": [0, 0],
        "input_is_relu": False,
    }  # fmt: skip
    layers = [layer | {"name": "a"}]
    meta = META | {"batch": SAMPLES, "samples": SAMPLES, "layers": layers}
    write_trace(file, meta, {"a/input": packed, "a/grad_output": packed}, compressed=compressed)
    return packed


@pytest.mark.parametrize("compressed", [True, False])
def test_a_sample_is_read_without_the_rest_in_memory(compressed: bool, tmp_path: Path) -> None:
    packed = _large(tmp_path / "t.npz", compressed)
    tracemalloc.start()
    trace = load_trace(tmp_path / "t.npz")
    found = [trace.masks("a", sample) for sample in (0, 117, 199)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Three samples of two masks, a byte per position, and a few MiB on the way; the file has 13 MB.
    assert peak < 3 * 2 * 8 * SAMPLE_BYTES + 5_000_000
    for sample, masks in zip((0, 117, 199), found, strict=True):
        expected = np.unpackbits(packed[sample], axis=-1).astype(bool)
        np.testing.assert_array_equal(masks.input, expected)
        np.testing.assert_array_equal(masks.grad_output, expected)


def _bytes_read() -> int:
    """Bytes this process has read from files so far."""
    counters = Path("/proc/self/io").read_text().split()
    return int(counters[counters.index("rchar:") + 1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the kernel counts no bytes")
def test_of_an_uncompressed_trace_only_the_sample_is_read(tmp_path: Path) -> None:
    _large(tmp_path / "t.npz", compressed=False)
    trace = load_trace(tmp_path / "t.npz")
    before = _bytes_read()
    trace.masks("a", 150)
    assert _bytes_read() - before < 2 * SAMPLE_BYTES + 100_000


def test_a_trace_larger_than_the_memory_allowed_is_read(tmp_path: Path) -> None:
    """A process that may allocate 64 MB more than it has reads all samples of 400 MB, one by one."""
    resource = pytest.importorskip("resource")
    assert resource is not None
    file = tmp_path / "big.npz"
    samples = 2 * 400_000_000 // (2 * 2 * 131072)
    layer = {
        "name": "a", "kind": "conv", "in_channels": 64, "out_channels": 64, "in_size": [128, 128],
        "out_size": [128, 128], "kernel": [1, 1], "stride": [1, 1], "padding": [0, 0], "input_is_relu": False,
    }  # fmt: skip
    meta = META | {"batch": samples, "samples": samples, "layers": [layer]}
    zeros = np.zeros((samples, 64, 128, 16), np.uint8)
    write_trace(file, meta, {"a/input": zeros, "a/grad_output": zeros}, compressed=False)
    del zeros
    assert file.stat().st_size > 390_000_000
    code = """if True:
        import resource, sys
        from workloads.sparsity.trace import load_trace
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * resource.getpagesize() + 64_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        trace = load_trace(sys.argv[1])
        ones = sum(int(trace.masks("a", n).input.sum()) for n in range(0, trace.meta.samples, 16))
        sys.exit(ones)
    """
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, cwd=ROOT)


def test_columns_of_a_fully_connected_layer_come_in_the_order_asked_for(tmp_path: Path) -> None:
    for compressed in (True, False):
        write_trace(tmp_path / "t.npz", META, _arrays(), compressed=compressed)
        trace = load_trace(tmp_path / "t.npz")
        masks = trace.fc_masks("fc", [2, 0, 2])
        expected = _arrays()["fc/input"][[2, 0, 2], :, 0, 0].T
        np.testing.assert_array_equal(masks.input[:, 0], expected)


def test_arrays_stored_by_columns_are_read_too(tmp_path: Path) -> None:
    stored: dict[str, Any] = {"meta": np.array(json.dumps(META))}
    stored |= {name: np.asfortranarray(np.packbits(mask, axis=-1)) for name, mask in _arrays().items()}
    np.savez(tmp_path / "t.npz", **stored)
    trace = load_trace(tmp_path / "t.npz")
    np.testing.assert_array_equal(trace.masks("conv1", 2).input, _arrays()["conv1/input"][2])


def _read_all(trace: Trace) -> None:
    for layer in trace.layers:
        for sample in range(min(trace.meta.samples, 4)):
            trace.masks(layer.name, sample)


@pytest.mark.parametrize("compressed", [True, False])
def test_any_damage_is_refused_or_harmless(compressed: bool, tmp_path: Path) -> None:
    """Bytes changed, cut out, doubled: a UserError, or the masks that were written."""
    file = tmp_path / "t.npz"
    write_trace(file, META, _arrays(), compressed=compressed)
    content, random, refused = file.read_bytes(), np.random.default_rng(2), 0
    for _ in range(300):
        damaged, place = bytearray(content), int(random.integers(len(content)))
        kind, length = int(random.integers(4)), int(random.integers(1, 40))
        if kind == 0:
            damaged[place] ^= int(random.integers(1, 256))
        elif kind == 1:
            del damaged[place : place + length]
        elif kind == 2:
            damaged[place:place] = damaged[place : place + length]
        else:
            damaged[place : place + length] = random.bytes(length)
        file.write_bytes(damaged)
        try:
            trace = load_trace(file)
            _read_all(trace)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(trace.masks("conv1", 1).input, _arrays()["conv1/input"][1])
    assert refused > 150


STRANGE = (
    None, True, -1, 0, 1, 2, 7, 65536, 10**30, 1.5, float("inf"), "", "x", "conv1/input", "a\x1b", [], {},
    [1], [0, 0], [1, 1], [65536, 65536], {"p": 0.5},
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested JSON."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, part in inside for place in _places(part, (*path, key))]


@pytest.mark.parametrize("place", _places(META), ids=str)
def test_no_description_however_strange_gets_past_as_anything_but_a_sentence(
    place: tuple[Any, ...], tmp_path: Path
) -> None:
    file = tmp_path / "t.npz"
    packed = {name: np.packbits(mask, axis=-1) for name, mask in _arrays().items()}
    for strange in STRANGE:
        meta = json.loads(json.dumps(META))
        inside = meta
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = strange
        np.savez(file, meta=np.array(json.dumps(meta)), **packed)
        try:
            _read_all(load_trace(file))
        except UserError as error:
            assert str(error).startswith(f"trace {file}: ") and "\n" not in str(error)


def test_a_file_that_shrinks_while_it_is_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "t.npz"
    write_trace(file, META, _arrays(), compressed=False)
    trace = load_trace(file)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(UserError, match="damaged"):
        _read_all(trace)
    file.unlink()
    with pytest.raises(UserError):
        _read_all(trace)


def test_a_stored_array_with_a_wrong_checksum_is_refused_before_anything_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.npz"
    write_trace(file, META, _arrays(), compressed=False)
    with zipfile.ZipFile(file) as archive:
        place = archive.getinfo("fc/input.npy").header_offset - 1  # the last byte of what lies before
    content = bytearray(file.read_bytes())
    content[place] ^= 128
    file.write_bytes(content)
    assert main(["run", "--trace", str(file), "--no-save"]) == 2
    message = capsys.readouterr().err
    assert "conv1/grad_output: the stored array is damaged" in message and "Traceback" not in message
