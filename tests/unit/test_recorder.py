"""Is what is recorded what the layers computed with, whatever the training loop does?"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparsesim.capture import Recorder, prune_gradients
from tests.pytorch import require_torch
from workloads.errors import UserError
from workloads.sparsity.trace import load_trace

torch = require_torch()
from tests.torch_models import F, batches, nn, plain, residual, train  # noqa: E402


class Chain(nn.Module):
    """Two convolutions and a linear layer that keep all their tensors."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 7, 3, stride=2)
        self.last = nn.Linear(7 * 4, 4)

    def forward(self, x: Any) -> Any:
        a = self.first(x)
        b = F.max_pool2d(F.relu(a), 2)
        c = self.second(b)
        d = F.relu(c).flatten(1)
        self.kept = {"first": (x, a), "second": (b, c), "last": (d, self.last(d))}
        for inputs, outputs in self.kept.values():
            outputs.retain_grad()
            assert inputs is not None
        return self.kept["last"][1]


def test_masks_and_densities_are_those_of_the_tensors_themselves(tmp_path: Path) -> None:
    model, file = Chain(), tmp_path / "t.npz"
    with Recorder(model, traces={1: file}, samples=[3, 0]) as recorder:
        F.cross_entropy(model(torch.randn(4, 3, 12, 12)), torch.arange(4)).backward()
    trace, table = load_trace(file), recorder.densities().set_index("layer")
    assert [layer.name for layer in trace.layers] == ["first", "second", "last"]
    for name, (inputs, outputs) in model.kept.items():
        found, gradient = trace.all_samples(name, "input"), outputs.grad
        assert found is not None
        np.testing.assert_array_equal(found.reshape(2, -1), inputs[[3, 0]].flatten(1).numpy(force=True) != 0)
        found = trace.all_samples(name, "grad_output")
        assert found is not None
        np.testing.assert_array_equal(found.reshape(2, -1), gradient[[3, 0]].flatten(1).numpy() != 0)
        assert table.input[name] == float((inputs != 0).double().mean())
        assert table.grad_output[name] == float((gradient != 0).double().mean())
        needed = trace.all_samples(name, "grad_input_mask")
        if name == "first":
            assert needed is None and np.isnan(table.grad_input_mask[name])
        else:
            np.testing.assert_array_equal(needed, trace.all_samples(name, "input"))
            assert table.grad_input_mask[name] == table.input[name]


def test_the_meta_of_a_trace_says_what_a_simulation_needs(tmp_path: Path) -> None:
    model = Chain()
    with (
        prune_gradients(model, 0.8, fifo=3),
        Recorder(model, traces={1: tmp_path / "t.npz"}, network="chain", dataset="noise"),
    ):
        model(torch.randn(4, 3, 12, 12)).sum().backward()
    meta = load_trace(tmp_path / "t.npz").meta
    assert (meta.network, meta.dataset, meta.batch, meta.samples, meta.step) == ("chain", "noise", 4, 4, 1)
    assert (meta.pruning.p, meta.pruning.fifo, meta.pruning.where) == (0.8, 3, "grad_input")
    first, second, last = meta.layers
    assert (first.kind, first.in_size, first.out_size, first.padding) == ("conv", (12, 12), (12, 12), (1, 1))
    assert (first.has_gta, first.input_is_relu) == (False, False)
    assert (second.in_size, second.out_size, second.stride) == ((6, 6), (2, 2), (2, 2))
    assert (second.has_gta, second.input_is_relu) == (True, True)
    assert (last.kind, last.in_channels, last.out_channels, last.in_size) == ("fc", 28, 4, (1, 1))


def test_a_model_trains_the_same_with_a_recorder(tmp_path: Path) -> None:
    weights = []
    for record in (True, False):
        model = plain()
        torch.manual_seed(5)
        if record:
            with Recorder(model, traces={2: tmp_path / "t.npz"}):
                train(model, 4)
            assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
        else:
            train(model, 4)
        weights.append([p.detach() for p in model.parameters()])
    assert all(map(torch.equal, *weights))


@pytest.mark.parametrize("recorder_first", [False, True])
def test_do_is_recorded_after_pruning_whatever_was_put_on_first(recorder_first: bool) -> None:
    model = residual()
    if recorder_first:
        with Recorder(model) as recorder:
            prune_gradients(model, 0.9, fifo=2)
            train(model, 4)
    else:
        prune_gradients(model, 0.9, fifo=2)
        with Recorder(model) as recorder:
            train(model, 4)
    found = recorder.densities().set_index(["step", "layer"]).grad_output
    for name in ("0", "3.conv1", "3.conv2", "4.conv1", "4.conv2"):
        assert found[2, name] > 0.99 and found[3, name] < 0.6


def test_eval_and_forwards_without_backward_are_no_steps() -> None:
    model = residual()
    (images, _), *_ = batches(1)
    with Recorder(model) as recorder:
        train(model, 2)
        model.eval()
        model(images).sum().backward()
        with torch.no_grad():
            model(images)
        model.train()
        with torch.no_grad():
            model(images)
        model(images)  # its loss is thrown away
        train(model, 1)
    assert recorder.steps == 3
    assert recorder.densities().step.unique().tolist() == [1, 2, 3]


def test_accumulated_passes_are_one_step(tmp_path: Path) -> None:
    model, twin = Chain(), Chain()
    with Recorder(model, passes_per_step=2, traces={2: tmp_path / "t.npz"}, samples=3) as recorder:
        for images, labels in batches(4, 4):
            F.cross_entropy(model(images), labels - labels).backward()
    with Recorder(twin) as single:
        for images, labels in batches(4, 4):
            F.cross_entropy(twin(images), labels - labels).backward()
    table, apart = recorder.densities(), single.densities()
    assert table.step.unique().tolist() == [1, 2] and set(table.batch) == {8}
    expected = apart[apart.step.isin([3, 4])].groupby("layer").input.mean()
    found = table[table.step == 2].set_index("layer").input
    assert all(found[name] == pytest.approx(expected[name], rel=1e-12) for name in expected.index)
    meta = load_trace(tmp_path / "t.npz").meta
    assert (meta.step, meta.batch, meta.samples) == (2, 8, 3)


def test_several_forwards_before_one_backward_are_passes_of_their_own() -> None:
    model = residual()
    (one, _), (other, _) = batches(2)
    with Recorder(model, passes_per_step=2) as recorder:
        (model(one) - model(other)).pow(2).sum().backward()
    assert recorder.steps == 1 and set(recorder.densities().batch) == {16}


def test_only_every_n_th_step_is_measured() -> None:
    model = residual()
    with Recorder(model, every=3) as recorder:
        train(model, 7)
    assert recorder.steps == 7 and recorder.densities().step.unique().tolist() == [3, 6]


def test_a_layer_used_twice_has_a_name_for_each_use(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)
            self.same = self.conv

        def forward(self, x: Any) -> Any:
            return self.same(F.relu(self.conv(x)) + 1.0).mean((2, 3))

    model = Twice()
    with Recorder(model, traces={1: tmp_path / "t.npz"}) as recorder:
        model(torch.randn(2, 3, 6, 6)).sum().backward()
    assert recorder.densities().layer.tolist() == ["conv", "conv@2"]
    trace = load_trace(tmp_path / "t.npz")
    one, two = trace.masks("conv", 0), trace.masks("conv@2", 0)
    assert not np.array_equal(one.grad_output, two.grad_output)
    assert [layer.has_gta for layer in trace.layers] == [False, True]


def test_layers_without_a_gradient_are_left_out_and_named(tmp_path: Path) -> None:
    model = residual()
    model.add_module("unused", nn.Linear(5, 5))
    forward = nn.Sequential.forward
    model.forward = lambda x: forward(model[:-1], x)
    model[0].weight.requires_grad_(False)
    with (
        pytest.warns(UserWarning, match="no gradient came to 0, unused: they are not recorded"),
        Recorder(model, traces={1: tmp_path / "t.npz"}) as recorder,
    ):
        train(model, 1)
    assert recorder.layers_without_gradient == ("0", "unused")
    meta = load_trace(tmp_path / "t.npz").meta
    assert "0" not in [layer.name for layer in meta.layers]
    assert meta.model_extra is not None and meta.model_extra["layers_without_gradient"] == ["0", "unused"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_mixed_precision_records_the_precision_of_the_layer(dtype: str, tmp_path: Path) -> None:
    """A value too small for float16 is 0 when the convolution reads it."""
    model = Chain()
    images = torch.randn(2, 3, 12, 12)
    images[0, 0] = 1e-9
    with Recorder(model, traces={1: tmp_path / "t.npz"}) as recorder:
        with torch.autocast("cpu", dtype=getattr(torch, dtype)):
            output = model(images)
        output.float().sum().backward()
    masks = load_trace(tmp_path / "t.npz").masks("first", 0)
    assert masks.input[0].any() == (dtype == "bfloat16") and masks.input[1:].all()
    table = recorder.densities().set_index("layer")
    lost = 1 / 6 if dtype == "float16" else 0
    assert table.input["first"] == pytest.approx(1 - lost)
    assert model.kept["first"][1].dtype == getattr(torch, dtype)


@pytest.mark.parametrize("memory_format", ["contiguous_format", "channels_last"])
def test_the_order_in_memory_does_not_matter(memory_format: str, tmp_path: Path) -> None:
    model = residual().to(memory_format=getattr(torch, memory_format))
    file = tmp_path / "t.npz"
    with Recorder(model, traces={1: file}) as recorder:
        for images, labels in batches(1):
            ordered = images.to(memory_format=getattr(torch, memory_format))
            F.cross_entropy(model(ordered), labels).backward()
    trace = load_trace(file)
    for layer, row in zip(trace.layers, recorder.densities().itertuples(), strict=True):
        inputs, grads = (trace.all_samples(layer.name, key) for key in ("input", "grad_output"))
        assert inputs is not None and grads is not None
        assert (inputs.mean(), grads.mean()) == (pytest.approx(row.input), pytest.approx(row.grad_output))


def test_checkpoints_that_are_not_reentrant_are_recorded_once() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = residual(), nn.Linear(5, 5)

        def forward(self, x: Any) -> Any:
            return self.head(torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False))

    import torch.utils.checkpoint

    model = Model()
    with Recorder(model) as recorder:
        train(model, 2)
    table = recorder.densities()
    assert recorder.steps == 2 and not table.duplicated(["step", "layer"]).any()
    assert "body.3.conv1" in set(table.layer)


def test_a_distributed_model_is_recorded_by_the_names_of_its_module(tmp_path: Path) -> None:
    distributed = torch.distributed
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(residual())
        with prune_gradients(model, 0.9, fifo=1), Recorder(model) as recorder:
            train(model, 2)
    finally:
        distributed.destroy_process_group()
    found = recorder.densities().set_index(["step", "layer"]).grad_output
    assert found[1, "3.conv1"] > 0.99 and found[2, "3.conv1"] < 0.6


def test_counts_that_stay_on_an_accelerator_give_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []
    for count in (None, torch.count_nonzero):
        if count is not None:
            monkeypatch.setattr("sparsesim.capture.measure.count_nonzero", count)
        model = plain()
        torch.manual_seed(1)
        with Recorder(model) as recorder:
            train(model, 2)
        tables.append(recorder.densities())
    assert tables[0].equals(tables[1])


def test_an_overflowing_gradient_is_recorded_and_not_pruned() -> None:
    """As a GradScaler makes it, before it lowers the scale and skips the step."""
    model = residual()
    with prune_gradients(model, 0.9, fifo=1), Recorder(model) as recorder:
        for (images, labels), scale in zip(batches(3), (1.0, 1e38, 1.0), strict=True):
            model.zero_grad()
            (F.cross_entropy(model(images), labels) * scale * scale).backward()
    found = recorder.densities().set_index(["step", "layer"]).grad_output
    assert found[2, "0"] > 0.9 and np.isfinite(found).all()


def test_a_forward_that_fails_leaves_the_recorder_usable() -> None:
    model = residual()
    with Recorder(model) as recorder:
        with pytest.raises(RuntimeError):
            model(torch.randn(2, 7, 12, 12))
        train(model, 2)
    assert recorder.steps == 2


def test_copies_made_while_recording_are_not_recorded() -> None:
    model = residual()
    with Recorder(model) as recorder:
        train(model, 1)
        twin = copy.deepcopy(model)
        train(twin, 3)
    assert recorder.steps == 1


def test_a_step_that_never_came_is_told_at_the_end(tmp_path: Path) -> None:
    model = residual()
    with (
        pytest.warns(UserWarning, match="no trace of step 9 was written: the run had 2 steps"),
        Recorder(model, traces={2: tmp_path / "2.npz", 9: tmp_path / "9.npz"}) as recorder,
    ):
        train(model, 2)
    assert recorder.traces == {2: tmp_path / "2.npz"}


def test_nothing_recorded_is_told_with_its_reason() -> None:
    model = residual().eval()
    with (
        pytest.warns(UserWarning, match="1 forwards were in eval mode or without gradients"),
        Recorder(model) as recorder,
    ):
        model(torch.randn(2, 3, 12, 12)).sum().backward()
    with pytest.raises(UserError, match="there are no densities"):
        recorder.densities()


def test_an_error_of_the_loop_is_not_covered_up() -> None:
    with warnings.catch_warnings(), pytest.raises(ZeroDivisionError), Recorder(residual()):
        raise ZeroDivisionError
