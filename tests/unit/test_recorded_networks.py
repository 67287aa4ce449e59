"""Does `run --trace` take what the recorder wrote, whatever the network is made of?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from sparsesim.capture import Recorder, prune_gradients
from sparsesim.cli.main import main
from tests.pytorch import require_torch
from workloads.sparsity.trace import load_trace

torch = require_torch()
from tests.torch_models import F, nn, residual, train  # noqa: E402


def separable() -> Any:
    """Depthwise, grouped, dilated, with kernels, strides and paddings that differ by axis."""
    return nn.Sequential(
        nn.Conv2d(3, 8, (3, 5), (2, 1), (1, 2)),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, padding="same", groups=4),
        nn.ReLU(),
        nn.Conv2d(12, 6, 1, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def one_dimensional() -> Any:
    """Sound: maps of one long row, strides above the kernel."""
    return nn.Sequential(
        nn.Conv1d(2, 6, 9, 4, 4), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 6, 3, 5), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 15, 5),
    )  # fmt: skip


class Attention(nn.Module):
    """Linear layers over tokens, and over maps with their channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.up, self.down, self.last = nn.Linear(16, 32), nn.Linear(32, 16), nn.Linear(16, 16)
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Any) -> Any:
        tokens = self.norm(self.patches(x).flatten(2).transpose(1, 2))
        tokens = tokens + self.down(F.relu(self.up(tokens)))
        return self.last(tokens.unflatten(1, (3, 3))).mean((1, 2))


NETWORKS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "residual": (residual, (3, 12, 12)),
    "separable": (separable, (3, 14, 14)),
    "1-D": (one_dimensional, (2, 302)),
    "attention": (Attention, (3, 12, 12)),
}


def record(name: str, file: Path, batch: int = 4) -> Any:
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    model = make()
    with Recorder(model, traces={2: file}, samples=2) as recorder:
        for _ in range(2):
            model(torch.randn(batch, *shape)).square().sum().backward()
    return recorder


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_simulated_and_computes_what_the_reference_does(name: str, tmp_path: Path) -> None:
    record(name, tmp_path / "t.npz")
    result = sparsesim.simulate(trace=tmp_path / "t.npz", check=True)
    trace = load_trace(tmp_path / "t.npz")
    found = {(layer.name, layer.stage) for layer in result.layers if layer.run == "recorded"}
    stages = {
        (layer.name, stage)
        for layer in trace.layers
        for stage in ("forward", "gta", "gtw")
        if stage != "gta" or layer.has_gta
    }
    assert found == stages


def test_useful_macs_are_the_products_of_the_recorded_masks(tmp_path: Path) -> None:
    """Counted by convolving the masks in PyTorch, which shares nothing with the simulator."""
    record("separable", tmp_path / "t.npz")
    trace, result = load_trace(tmp_path / "t.npz"), sparsesim.simulate(trace=tmp_path / "t.npz")
    found = {(x.name, x.stage): x.useful_macs for x in result.layers if x.run == "recorded"}
    for layer in trace.layers:
        inputs, grads = (
            torch.from_numpy(np.asarray(trace.all_samples(layer.name, key), dtype=np.float64))
            for key in ("input", "grad_output")
        )
        ones = torch.ones(layer.out_channels, layer.in_channels // layer.groups, *layer.kernel).double()
        # As many products per output as there are non-zeros of I under its kernel.
        products = F.conv2d(inputs, ones, None, layer.stride, layer.padding, layer.dilation, layer.groups)
        assert found[layer.name, "forward"] == pytest.approx(float(products.sum()) / 2)
        assert found[layer.name, "gtw"] == pytest.approx(float((products * grads).sum()) / 2)


def test_linear_layers_over_tokens_are_one_row_of_positions(tmp_path: Path) -> None:
    record("attention", tmp_path / "t.npz")
    layers = {layer.name: layer for layer in load_trace(tmp_path / "t.npz").layers}
    assert layers["up"].kind == "conv" and layers["up"].in_size == (1, 9) and layers["up"].kernel == (1, 1)
    assert layers["last"].in_size == (3, 3)
    assert layers["down"].input_is_relu and not layers["last"].input_is_relu


def test_a_second_layer_that_reads_the_image_has_no_gta(tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

        def forward(self, x: Any) -> Any:
            return (self.one(x) * self.two(x)).sum()

    model = Two()
    with Recorder(model, traces={1: tmp_path / "t.npz"}):
        model(torch.randn(2, 3, 8, 8)).backward()
    result = sparsesim.simulate(trace=tmp_path / "t.npz")
    assert {layer.stage for layer in result.layers} == {"forward", "gtw"}


def test_the_command_line_takes_a_recorded_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record("residual", tmp_path / "t.npz")
    assert main(["run", "--trace", str(tmp_path / "t.npz"), "--samples", "1", "--no-save", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert set(summary["runs"]) == {"dense", "recorded"}


def test_from_a_training_script_to_a_speedup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of docs/traces.md."""
    monkeypatch.chdir(tmp_path)
    lines = (Path(__file__).resolve().parents[2] / "docs/traces.md").read_text(encoding="utf-8")
    code = lines.split("```python\n")[1].split("```")[0]
    assert len(code.strip().splitlines()) < 10
    names: dict[str, Any] = {"model": residual(), "train": lambda model: train(model, 100, 4)}
    exec(code, names)
    assert names["result"].speedup["recorded"].on_chip > 1.0
    assert load_trace("step100.npz").meta.pruning.where == "grad_output"
    assert names["recorder"].densities().step.max() == 100
    assert prune_gradients(names["model"]) is not None  # the first pruning has ended
