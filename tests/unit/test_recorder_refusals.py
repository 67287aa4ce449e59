"""Is a model that cannot be recorded refused in a sentence, as early as it can be told?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparsesim.capture import Recorder
from tests.pytorch import require_torch
from workloads.errors import UserError

torch = require_torch()
from tests.torch_models import batches, nn, residual, train  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def compiled_inside() -> Any:
    model = residual()
    model[3].compile(backend="eager")
    return model


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "no module": (lambda: 3, "model must be a torch.nn.Module (got int)"),
    "data parallel": (lambda: nn.DataParallel(residual()), "the model is a DataParallel"),
    "inside": (lambda: nn.Sequential(nn.DataParallel(residual())), "its module '0' is a DataParallel"),
    "compiled": (lambda: torch.compile(residual(), backend="eager"), "the model is compiled"),
    "compiled inside": (compiled_inside, "its module '3' is compiled"),
    "lazy": (lambda: nn.Sequential(nn.LazyConv2d(3, 3)), "'0' has no sizes yet"),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 3, 3)), "'0' is a ConvTranspose2d"),
    "3-D": (lambda: nn.Sequential(nn.Conv3d(3, 3, 3)), "'0' is a Conv3d, which a trace cannot hold"),
    "no layer": (nn.ReLU, "no Conv1d, Conv2d or Linear"),
}


@pytest.mark.parametrize("case", MODELS)
def test_models_that_hooks_cannot_follow_are_refused_at_once(case: str) -> None:
    make, words = MODELS[case]
    with pytest.raises(UserError) as caught:
        Recorder(make())
    assert words in str(caught.value) and str(caught.value).startswith("Recorder: ")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_models_are_refused() -> None:
    with pytest.raises(UserError, match="is a ScriptModule"):
        Recorder(torch.jit.script(nn.Sequential(nn.Conv2d(3, 3, 3))))


def test_what_cannot_be_recorded_may_be_skipped() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ConvTranspose2d(3, 3, 3))
    with Recorder(model, skip=["1"]) as recorder:
        model(torch.randn(1, 3, 6, 6)).sum().backward()
    assert recorder.densities().layer.tolist() == ["0"]


ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "step": ({"traces": {0: "t.npz"}}, "a step must be a whole number from 1 (got 0)"),
    "step name": ({"traces": {"last": "t.npz"}}, "a step must be a whole number from 1 (got 'last')"),
    "folder": ({"traces": {1: "none/t.npz"}}, "the folder none cannot be written to"),
    "a folder": ({"traces": {1: "."}}, "is a folder; name a file"),
    "one file": ({"traces": {1: "t.npz", 2: "t.npz"}}, "every step needs a file of its own"),
    "samples": ({"samples": 0}, "samples must be a whole number from 1 (got 0)"),
    "twice": ({"samples": [1, 1]}, "samples must be different whole numbers from 0"),
    "none": ({"samples": []}, "samples must be different whole numbers from 0"),
    "every": ({"every": 0}, "every must be a whole number from 1 (got 0)"),
    "passes": ({"passes_per_step": 1.5}, "passes_per_step must be a whole number from 1 (got 1.5)"),
    "skip": ({"skip": ["conv9*"]}, "unknown layer in skip of Recorder: 'conv9*'"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_wrong_arguments_are_refused_at_once(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, words = ARGUMENTS[case]
    with pytest.raises(UserError) as caught:
        Recorder(residual(), **arguments)
    assert words in str(caught.value)


class Called(nn.Module):
    """A layer, and a function that calls it."""

    def __init__(self, layer: Any, call: Callable[[Any, Any], Any]):
        super().__init__()
        self.layer, self.call = layer, call
        self.first = nn.Conv2d(3, 3, 1)

    def forward(self, x: Any) -> Any:
        return self.call(self.layer, self.first(x)).sum()


FORWARDS: dict[str, tuple[Callable[[], Any], str]] = {
    "padding mode": (
        lambda: Called(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), lambda f, x: f(x)),
        "padding_mode 'reflect' is not 'zeros'",
    ),
    "same": (
        lambda: Called(nn.Conv2d(3, 3, 2, padding="same"), lambda f, x: f(x)),
        "pads the two sides of an axis differently for a kernel of [2, 2]",
    ),
    "no batch": (lambda: Called(nn.Conv2d(3, 3, 3), lambda f, x: f(x[0])), "has no batch axis"),
    "another batch": (
        lambda: Called(nn.Linear(6, 2), lambda f, x: f(x.flatten(0, 2))),
        "reads 72 samples in a forward that began with 4",
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("case", FORWARDS)
def test_layers_that_no_trace_can_hold_are_refused_in_the_first_step(case: str, tmp_path: Path) -> None:
    make, words = FORWARDS[case]
    model = make()
    with pytest.raises(UserError) as caught, Recorder(model, traces={5: tmp_path / "t.npz"}):
        model(torch.randn(4, 3, 6, 6))
    assert words in str(caught.value) and "'layer'" in str(caught.value)
    with Recorder(model) as recorder:  # for densities alone they are no problem
        model(torch.randn(4, 3, 6, 6)).backward()
    assert recorder.steps == 1


def test_samples_beyond_the_batch_are_refused(tmp_path: Path) -> None:
    model = residual()
    with (
        pytest.raises(UserError, match="there is no sample 8 in a batch of 8"),
        Recorder(model, traces={1: tmp_path / "t.npz"}, samples=[8]),
    ):
        train(model, 1)


def test_layers_outside_a_forward_of_the_model_are_refused() -> None:
    model = residual()
    with pytest.raises(UserError, match="'0' ran outside a forward of the model"), Recorder(model):
        model[0](torch.randn(2, 3, 12, 12))


def test_two_backwards_through_one_forward_are_refused() -> None:
    model = residual()
    (images, _), *_ = batches(1)
    with pytest.raises(UserError, match="a second gradient came to the same forward"), Recorder(model):
        loss = model(images).sum()
        loss.backward(retain_graph=True)
        loss.backward()


def test_reentrant_checkpoints_are_refused() -> None:
    from torch.utils.checkpoint import checkpoint

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.body = nn.Conv2d(3, 3, 1), residual()

        def forward(self, x: Any) -> Any:
            return checkpoint(self.body, self.first(x), use_reentrant=True)

    with pytest.raises(UserError, match="use_reentrant=False"), Recorder(Model()) as recorder:
        train(recorder._model, 1)


def test_a_recorder_is_used_once() -> None:
    recorder = Recorder(residual())
    with pytest.warns(UserWarning, match="nothing was recorded"), recorder:
        pass
    with pytest.raises(UserError, match="make another one"):
        recorder.__enter__()


def test_without_pytorch_the_command_that_installs_it_is_told() -> None:
    code = """if True:
        import sys
        sys.modules["torch"] = None
        from sparsesim.capture import Recorder, prune_gradients
        from workloads.errors import UserError
        for make in (Recorder, prune_gradients):
            try:
                make(object())
            except UserError as error:
                assert "python -m pip install -e '.[capture]'" in str(error), error
            else:
                raise SystemExit("not refused")
    """
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_importing_the_package_does_not_import_pytorch() -> None:
    code = "import sys, sparsesim.capture; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
