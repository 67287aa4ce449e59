"""A network of one's own with a trace: whose masks are whose, and what if they do not fit?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from sparsesim.cli.main import main
from workloads.errors import UserError
from workloads.layers import AdaptiveAvgPool, BatchNorm, Conv, Flatten, Linear, ReLU
from workloads.network import Network, NetworkBuilder
from workloads.sparsity.trace import write_trace

SAMPLES = 2
META: dict[str, Any] = {
    "format": "sparsesim-trace", "version": 1, "network": "other name", "dataset": "noise", "batch": 8,
    "samples": SAMPLES, "pruning": {"p": 0.8, "fifo": 4, "where": "grad_output"}, "step": 1, "source": "dice",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def network() -> Network:
    net = NetworkBuilder("net", "3x8x8", (3, 8, 8), "a test")
    for name, before, after in (("a", 3, 4), ("b", 4, 6), ("c", 6, 6)):
        net.add(name, Conv(before, after, (3, 3), padding=(1, 1), bias=False))
        net.add(f"{name}.bn", BatchNorm(after))
        net.add(f"{name}.relu", ReLU())
    net.add("pool", AdaptiveAvgPool((1, 1)))
    net.add("flat", Flatten())
    net.add("fc", Linear(6, 10))
    return net.build()


def layer(name: str, inputs: int, outputs: int, **changed: Any) -> dict[str, Any]:
    described = {
        "name": name, "kind": "conv", "in_channels": inputs, "out_channels": outputs, "in_size": [8, 8],
        "out_size": [8, 8], "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1], "input_is_relu": True,
    }  # fmt: skip
    return {**described, **changed}


FC = {"kind": "fc", "in_size": [1, 1], "out_size": [1, 1], "kernel": [1, 1], "padding": [0, 0]}


def trace_of(*layers: dict[str, Any], masked: bool = True, density: float = 0.3, **meta: Any) -> Path:
    generator, arrays = np.random.default_rng(7), {}
    for one in layers:
        shapes = {
            "input": (SAMPLES, one["in_channels"], *one["in_size"]),
            "grad_output": (SAMPLES, one["out_channels"], *one["out_size"]),
        }
        if masked and one["kind"] == "conv":
            shapes["grad_input_mask"] = shapes["input"]
        arrays |= {f"{one['name']}/{key}": generator.random(shape) < density for key, shape in shapes.items()}
    write_trace("t.npz", {**META, "layers": list(layers), **meta}, arrays)
    return Path("t.npz")


def densities(result: sparsesim.Result, name: str, stage: str = "gtw") -> dict[str, float]:
    return dict(result.of_run("recorded")[name, stage].density)


def test_recorded_layers_have_their_masks_and_the_others_drawn_ones() -> None:
    path = trace_of(layer("b", 4, 6), layer("fc", 6, 10, **FC), density=0.3)
    result = sparsesim.simulate(network(), trace=path, check=True, batch=4)
    assert (result.network, result.dataset, result.samples) == ("net", "3x8x8", SAMPLES)
    assert list(result.runs) == ["dense", "recorded"]
    assert result.layer_names() == ("a", "b", "c", "fc")
    assert result.has_other_work  # of the whole network
    found = densities(result, "b")
    recorded = np.load(path)
    for key in ("input", "grad_output"):
        bits = np.unpackbits(recorded[f"b/{key}"], axis=-1, count=8)
        assert found[key] == pytest.approx(bits.mean(), abs=1e-9)
    drawn = densities(result, "c")
    assert 0.35 < drawn["input"] < 0.75  # behind ReLU and batch-norm as ResNet-18
    assert 0.2 < drawn["grad_output"] < 0.5  # pruned at the rate of the trace
    assert "masks of 2 of 4 layers are not in the trace but drawn at its pruning rate, 0.8" in str(
        result.profile.transferred_from
    )


def test_a_trace_of_all_layers_transfers_nothing() -> None:
    layers = [layer("a", 3, 4), layer("b", 4, 6), layer("c", 6, 6), layer("fc", 6, 10, **FC)]
    result = sparsesim.simulate(network(), trace=trace_of(*layers), batch=4)
    assert result.profile.transferred_from is None
    assert result.profile.kind == "trace"


def test_recorded_layers_take_as_long_as_in_the_trace_alone() -> None:
    layers = [layer("a", 3, 4), layer("b", 4, 6), layer("c", 6, 6), layer("fc", 6, 10, **FC)]
    path = trace_of(*layers)
    alone, together = sparsesim.simulate(trace=path), sparsesim.simulate(network(), trace=path)
    for name in ("b", "c", "fc"):
        for stage in ("gta", "gtw"):
            one, other = alone.of_run("recorded")[name, stage], together.of_run("recorded")[name, stage]
            assert one.cycles.on_chip == other.cycles.on_chip


def test_without_a_recorded_mask_all_of_di_is_computed() -> None:
    result = sparsesim.simulate(network(), trace=trace_of(layer("b", 4, 6), masked=False), check=True)
    assert densities(result, "b", "gta")["grad_input_mask"] == 1
    assert densities(result, "c", "gta")["grad_input_mask"] < 1


def test_a_trace_that_was_not_pruned_leaves_the_others_unpruned() -> None:
    path = trace_of(layer("b", 4, 6), pruning={"p": 0.0, "fifo": 0, "where": "none"})
    result = sparsesim.simulate(network(), trace=path)
    assert densities(result, "c")["grad_output"] == 1  # in front of batch-norm


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            layer("b", 4, 5),
            "layer 'b' was recorded as 4x8x8 -> 5x8x8 (kernel (3, 3), stride (1, 1), dilation (1, 1), "
            "groups 1, padding (1, 1) before and (1, 1) behind), but in the network it is 4x8x8 -> 6x8x8 (",
        ),
        (layer("b", 4, 6, in_size=[9, 9], out_size=[9, 9]), "4x9x9 -> 6x9x9"),
        (layer("b", 4, 6, kernel=[5, 5], padding=[2, 2]), "kernel (5, 5)"),
        (layer("b", 4, 6, groups=2), "groups 2"),
        (
            layer("fc", 6, 12, **FC),
            "recorded as fully connected, 6x1x1 -> 12x1x1, but in the network it is fully",
        ),
        (
            layer("bb", 4, 6),
            "unknown layer of t.npz in the network: 'bb'. Did you mean 'b'? Known: a, b, c, fc",
        ),
    ],
)
def test_a_mismatch_names_the_layer_and_both_shapes(wrong: dict[str, Any], sentence: str) -> None:
    path = trace_of(wrong)
    with pytest.raises(UserError) as raised:
        sparsesim.simulate(network(), trace=path)
    assert sentence in str(raised.value)


def test_more_samples_than_were_recorded() -> None:
    with pytest.raises(UserError, match=r"--samples 3: t\.npz holds 2 samples"):
        sparsesim.simulate(network(), trace=trace_of(layer("b", 4, 6)), samples=3)


TOPOLOGY = """Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides
a, 10, 10, 3, 3, 3, 4, 1
b, 8, 8, 3, 3, 4, 6, 1
"""


def test_a_run_of_a_file_with_a_trace_is_kept_and_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.csv").write_text(TOPOLOGY)
    trace_of(layer("b", 4, 6, out_size=[6, 6], padding=[0, 0]))
    assert main(["run", "net.csv", "--trace", "t.npz", "--out", "kept", "--no-figure"]) == 0
    assert "masks of 1 of 2 layers are not in the trace" in " ".join(capsys.readouterr().out.split())
    run = sparsesim.load_run("kept")
    assert run.result.layer_names() == ("a", "b")
    assert run.manifest["arguments"]["network"] == "net.csv"
    assert {"network_file", "network", "trace"} <= run.manifest["inputs_sha256"].keys()


def test_a_run_of_a_file_is_kept_with_its_profile() -> None:
    Path("net.csv").write_text(TOPOLOGY)
    assert main(["run", "net.csv", "--out", "kept", "--no-figure", "--timeline", "line.json"]) == 0
    manifest = sparsesim.load_run("kept").manifest
    assert {"network_file", "network", "profile"} <= manifest["inputs_sha256"].keys()
    assert Path("line.json").is_file()


def test_a_file_has_no_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.csv").write_text(TOPOLOGY)
    assert main(["run", "net.csv", "--dataset", "imagenet"]) == 2
    assert "--dataset imagenet says nothing of a network of one's own" in capsys.readouterr().err


def test_given_densities_go_before_the_rule() -> None:
    Path("net.csv").write_text(TOPOLOGY)
    result = sparsesim.simulate("net.csv", density=(0.5, 0.25))
    assert result.profile.kind == "uniform"
    assert result.of_run("natural")["b", "gtw"].density["input"] == pytest.approx(0.5, abs=0.1)


def test_a_layer_of_a_file_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.csv").write_text(TOPOLOGY)
    assert main(["compile", "net.csv", "--layer", "b", "--stage", "forward"]) == 0
    assert capsys.readouterr().out.startswith('program "b" forward SRC {')
