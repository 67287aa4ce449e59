"""Is the right gradient of the right layer pruned, and nothing else changed?"""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest

from sparsesim.capture import Recorder, prune_gradients
from tests.pytorch import require_torch
from workloads.errors import UserError

torch = require_torch()
from tests.torch_models import F, batches, nn, plain, residual, train  # noqa: E402


def gradients(model: Any, images: Any, labels: Any) -> list[Any]:
    """Gradients of the parameters after one backward."""
    model.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    return [p.grad.clone() for p in model.parameters()]


def test_convolutions_before_a_normalisation_are_pruned_at_do() -> None:
    model = residual()
    pruning = prune_gradients(model, 0.9)
    assert pruning.places == ()
    train(model, 1)
    # The downsampling convolution has no normalisation here, and its I is no ReLU of a bare convolution.
    names = ("0", "3.conv1", "3.conv2", "4.conv1", "4.conv2")
    assert pruning.places == tuple((name, "grad_output") for name in names)


def test_layers_behind_a_bare_convolution_s_relu_are_pruned_at_di() -> None:
    model = plain()
    with prune_gradients(model, 0.9) as pruning:
        train(model, 1)
        assert pruning.places == (("3", "grad_input"), ("8", "grad_input"))


@pytest.mark.parametrize("functional", [False, True])
def test_other_normalisations_and_functional_code_are_understood(functional: bool) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
            self.norm = nn.GroupNorm(2, 4)

        def forward(self, x: Any) -> Any:
            y = self.conv1(x)
            y = F.group_norm(y, 2) if functional else self.norm(y)
            return {"logits": [self.conv2(F.relu(y)).mean((2, 3))]}

    model = Model()
    pruning = prune_gradients(model)
    model(torch.randn(2, 3, 8, 8))
    assert pruning.places == (("conv1", "grad_output"),)


@pytest.mark.parametrize("make", [plain, residual])
def test_nothing_changes_before_the_fifo_is_full(make: Any) -> None:
    pruned, untouched = make(), make()
    prune_gradients(pruned, 0.99, fifo=3)
    for number, (images, labels) in enumerate(batches(4)):
        found = []
        for model in (pruned, untouched):
            torch.manual_seed(number)
            found.append(gradients(model, images, labels))
        assert all(map(torch.equal, *found)) == (number < 3)


def test_gta_and_gtw_both_see_the_pruned_do() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    model = nn.Sequential(conv, nn.BatchNorm2d(4), nn.ReLU())
    prune_gradients(model, 0.9, fifo=1)
    seen: dict[str, Any] = {}
    for _ in range(2):
        conv.zero_grad()
        images = torch.randn(2, 3, 6, 6, requires_grad=True)
        output = model(images)
        node = output.grad_fn.next_functions[0][0].next_functions[0][0]
        node.register_prehook(lambda found: seen.update(grad=found[0]))
        output.backward(torch.randn(2, 4, 6, 6))
    assert 0.2 < float((seen["grad"] != 0).float().mean()) < 0.7
    expected = torch.nn.grad.conv2d_weight(images, conv.weight.shape, seen["grad"], padding=1)
    assert torch.allclose(conv.weight.grad, expected, atol=1e-5)
    expected = torch.nn.grad.conv2d_input(images.shape, conv.weight, seen["grad"], padding=1)
    assert torch.allclose(images.grad, expected, atol=1e-5)


def test_only_the_share_of_the_layer_itself_is_pruned_at_di() -> None:
    """Another reader of the same activation keeps its gradient whole."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)

        def forward(self, x: Any) -> Any:
            self.shared = F.relu(self.first(x))
            self.shared.retain_grad()
            return self.second(self.shared).sum() * 1e-6 + (self.shared * self.direct).sum()

    model = Model()
    prune_gradients(model, 0.99, fifo=1)
    for _ in range(2):
        model.direct = torch.randn(2, 4, 6, 6)
        model(torch.randn(2, 3, 8, 8)).backward()
    assert torch.allclose(model.shared.grad, model.direct, atol=1e-4)
    assert bool((model.shared.grad != 0).all())


def trained(seed: int) -> Any:
    model = residual()
    prune_gradients(model, 0.9, fifo=2, seed=seed)
    train(model, 5)
    return model[0].weight.detach().clone()


def test_a_seed_determines_the_run() -> None:
    one, same, other = trained(1), trained(1), trained(2)
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_the_run_s_own_random_numbers_are_not_used_up() -> None:
    states = []
    for prune in (True, False):
        model = plain()
        if prune:
            prune_gradients(model, 0.9, fifo=1)
        torch.manual_seed(3)
        train(model, 3)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


def test_removing_ends_it_also_for_a_graph_that_is_there_already() -> None:
    model, twin = residual(), residual()
    pruning = prune_gradients(model, 0.9, fifo=1)
    (images, labels), *_ = batches(1)
    for each in (model, twin):
        gradients(each, images, labels)
        each.zero_grad()
        loss = F.cross_entropy(each(images), labels)
        pruning.remove()
        loss.backward()
    assert all(
        torch.equal(a.grad, b.grad) for a, b in zip(model.parameters(), twin.parameters(), strict=True)
    )
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    prune_gradients(model).remove()


def test_eval_mode_is_left_alone() -> None:
    model = residual()
    prune_gradients(model, 0.99, fifo=1)
    train(model, 2)
    model.eval()
    (images, labels), *_ = batches(1)
    one, same = gradients(model, images, labels), gradients(model, images, labels)
    untouched = copy.deepcopy(model)
    assert all(map(torch.equal, one, same))
    assert all(map(torch.equal, one, gradients(untouched, images, labels)))


def test_copies_and_files_of_the_model_are_not_pruned() -> None:
    model = residual()
    prune_gradients(model, 0.9, fifo=1)
    train(model, 2)
    stored = io.BytesIO()
    torch.save(model, stored)
    stored.seek(0)
    for twin in (copy.deepcopy(model), torch.load(stored, weights_only=False)):
        (images, labels), *_ = batches(1)
        once = gradients(twin, images, labels)
        assert all(map(torch.equal, once, gradients(twin, images, labels)))


def test_mixed_precision_prunes_too() -> None:
    model = residual()
    prune_gradients(model, 0.9, fifo=1)
    with Recorder(model) as recorder:
        for images, labels in batches(3):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(images), labels)
            loss.backward()
    found = recorder.densities().set_index(["step", "layer"]).grad_output
    assert found[1, "3.conv1"] > 0.99 and 0.2 < found[3, "3.conv1"] < 0.6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"p": 0.0}, "p must be a number above 0 and below 1 (got 0.0)"),
        ({"p": 1.0}, "p must be a number above 0 and below 1 (got 1.0)"),
        ({"p": "0.9"}, "p must be a number"),
        ({"p": float("nan")}, "p must be a number"),
        ({"fifo": 0}, "fifo must be a whole number from 1 (got 0)"),
        ({"fifo": 2.5}, "fifo must be a whole number from 1"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"skip": ["3.convv1"]}, "Did you mean '3.conv1'"),
        ({"skip": "0"}, "skip must be a list of names; write ['0']"),
        ({"skip": ["*"]}, "no Conv1d, Conv2d or Linear that is not skipped"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        prune_gradients(residual(), **arguments)
    assert words in str(caught.value)


def test_pruning_twice_and_pruning_nothing_are_refused() -> None:
    model = residual()
    prune_gradients(model)
    with pytest.raises(UserError, match="'0' is pruned already"):
        prune_gradients(model)
    smooth = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(400, 5))
    prune_gradients(smooth)
    with pytest.raises(UserError, match="there is nothing to prune"):
        smooth(torch.randn(2, 3, 12, 12))
