"""Does the way from one's own training script to a speedup work as the README writes it?"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsesim
from sparsesim.capture import Recorder, prune_gradients
from tests.pytorch import require_torch
from tests.unit.test_trace import META
from workloads.errors import UserError
from workloads.sparsity.trace import load_trace, write_trace

torch = require_torch()
from tests.torch_models import F, nn, residual, train  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def snippet() -> str:
    """The Python of the README's section on training runs."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Your own training run")[1]
    return section.split("```python\n")[1].split("```")[0]


def test_the_snippet_of_the_readme_is_short_and_ends_in_a_speedup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = snippet()
    # The loop is there before; everything else is added.
    assert len([line for line in code.splitlines() if line.strip() and "train(" not in line]) < 10
    printed = io.StringIO()
    code = code.replace("100", "6")  # a short run
    with contextlib.redirect_stdout(printed):
        exec(code, {"model": residual(), "train": lambda model: train(model, 6)})
    assert float(printed.getvalue().splitlines()[-1]) > 1
    assert load_trace("step6.npz").meta.pruning.p == 0.9


class Squeezed(nn.Module):
    """What readers and recorders could see differently: reflecting padding, weight_norm, 1 x 1 maps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.mirrored = nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect")
        self.normed = torch.nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3, padding=1))
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.up = nn.ConvTranspose2d(8, 4, 2, 2)
        self.last = nn.Linear(4, 5)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.normed(F.relu(self.mirrored(F.relu(self.first(x))))))
        share = torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.last(F.relu(self.up(x * share)).mean((2, 3)))


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_recorded_fits_the_network_that_is_read_from_the_module(
    wrapped: bool, tmp_path: Path
) -> None:
    model = Squeezed()
    with prune_gradients(model), Recorder(model, traces={2: tmp_path / "t.npz"}, skip=["mirrored", "up"]):
        train(model, 2)
    module = nn.DataParallel(model) if wrapped else model
    result = sparsesim.simulate(module, torch.randn(1, 3, 12, 12), trace=tmp_path / "t.npz")
    names = result.layer_names()
    assert names[:5] == ("first", "mirrored", "normed", "squeeze", "excite") and names[-1] == "last"
    assert "masks of 5 of 10 layers are not in the trace" in str(result.profile.transferred_from)
    # A convolution of one position is fully connected to both: its columns are the samples.
    assert [layer.kind for layer in load_trace(tmp_path / "t.npz").layers] == [
        "conv",
        "conv",
        "fc",
        "fc",
        "fc",
    ]


class Failing(torch.autograd.Function):  # type: ignore[misc]
    """Hands on, and fails in its backward as long as `armed`."""

    armed = True

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        if Failing.armed:
            raise RuntimeError("out of something")
        return gradient


class Fragile(nn.Module):
    """Two layers, of which the backward reaches only the second if it fails."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Any) -> Any:
        return self.second(Failing.apply(self.first(x)))


def test_a_backward_that_fails_half_way_is_no_step_and_leaves_no_file(tmp_path: Path) -> None:
    model, images = Fragile(), torch.randn(2, 3, 8, 8)
    Failing.armed = True
    with (
        pytest.raises(RuntimeError, match="out of something"),
        Recorder(model, traces={1: tmp_path / "t.npz"}) as recorder,
    ):
        model(images).sum().backward()
    assert (recorder.steps, recorder.traces, list(tmp_path.iterdir())) == (0, {}, [])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_loop_that_goes_on_after_a_failed_backward_is_recorded_whole(tmp_path: Path) -> None:
    model, images = Fragile(), torch.randn(2, 3, 8, 8)
    with Recorder(model, traces={1: tmp_path / "t.npz"}) as recorder:
        for Failing.armed in (True, False, False):
            with contextlib.suppress(RuntimeError):
                model(images).sum().backward()
            assert recorder.steps == (0 if Failing.armed else recorder.steps)
    assert recorder.steps == 2 and recorder.densities().layer.tolist() == ["first", "second"] * 2
    assert [layer.name for layer in load_trace(tmp_path / "t.npz").layers] == ["first", "second"]


def test_a_trace_that_cannot_be_written_does_not_cover_up_the_error_of_the_loop(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    model = residual()
    with (
        pytest.warns(UserWarning, match="cannot be written: No such file"),
        pytest.raises(KeyboardInterrupt),
        Recorder(model, traces={1: folder / "t.npz"}),
    ):
        train(model, 1)
        folder.rmdir()
        raise KeyboardInterrupt
    folder.mkdir()
    with pytest.raises(UserError, match="cannot be written"), Recorder(model, traces={1: folder / "t.npz"}):
        train(model, 1)
        folder.rmdir()


SIZE = 128


def large_trace(file: Path, samples: int) -> Path:
    """A layer whose masks are large and cost little: 4 MB a sample, a byte per position."""
    layer = {
        "name": "a", "kind": "conv", "in_channels": 128, "out_channels": 4, "in_size": [SIZE, SIZE],
        "out_size": [SIZE // 8, SIZE // 8], "kernel": [1, 1], "stride": [8, 8], "padding": [0, 0],
        "input_is_relu": True,
    }  # fmt: skip
    inputs = np.zeros((samples, 128, SIZE, SIZE // 8), np.uint8)
    inputs[:, :2, 5, 3] = 7
    arrays = {
        "a/input": inputs,
        "a/grad_input_mask": inputs,
        "a/grad_output": np.full((samples, 4, 16, 2), 8, np.uint8),
    }
    write_trace(
        file, META | {"batch": samples, "samples": samples, "layers": [layer]}, arrays, compressed=False
    )
    return file


def test_simulating_a_trace_takes_no_more_memory_for_more_samples(tmp_path: Path) -> None:
    """The masks of 200 samples would be 840 MB, ten times what may be added to what 16 samples need."""
    pytest.importorskip("resource")
    code = """if True:
        import resource, sys
        import sparsesim
        sparsesim.simulate(trace=sys.argv[1], threads=1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sparsesim.simulate(trace=sys.argv[2], threads=1)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    files = [str(large_trace(tmp_path / f"{n}.npz", n)) for n in (16, 200)]
    done = subprocess.run(
        [sys.executable, "-c", code, *files], check=True, cwd=ROOT, capture_output=True, text=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 2 * 200 * 128 * SIZE * SIZE / 10
