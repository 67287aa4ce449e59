"""Is dI needed exactly where the mask says? Dropping it elsewhere must change no gradient of any weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparsesim.capture import Recorder
from tests.pytorch import require_torch
from workloads.sparsity.trace import load_trace

torch = require_torch()
from tests.torch_models import F, nn  # noqa: E402

DROPPED = nn.Dropout(0.5)
CHANNELS_DROPPED = nn.Dropout2d(0.5)

# What lies between the first convolution and the one that is looked at, and whether a ReLU is seen behind it.
BETWEEN: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "relu": (F.relu, True),
    "relu in place": (F.relu_, True),
    "relu6": (lambda x: F.relu6(4 * x), True),
    "relu6, pooled": (lambda x: F.max_pool2d(F.relu6(9 * x), 2), True),
    "relu6, dropped": (lambda x: DROPPED(F.relu6(9 * x)), True),
    "clamp": (lambda x: F.hardtanh(4 * x, 0.0, 1.0), True),
    "pooled": (lambda x: F.max_pool2d(F.relu(x), 3, 2, 1), True),
    "adaptive": (lambda x: F.adaptive_max_pool2d(F.relu(x), 4), True),
    "dropped": (lambda x: DROPPED(F.relu(x)), True),
    "channels dropped": (lambda x: CHANNELS_DROPPED(F.relu(x)), True),
    "padded": (lambda x: F.pad(F.relu(x), (0, 1, 0, 1)), True),
    "joined": (lambda x: torch.cat([F.relu(x[:, :3]), F.max_pool2d(F.relu(x[:, 3:]), 3, 1, 1)], 1), True),
    "shuffled": (lambda x: F.channel_shuffle(F.relu(x), 3), True),
    "chunks": (lambda x: torch.cat(F.relu(x).chunk(2, 1)[::-1], 1), True),
    "upsampled": (lambda x: F.interpolate(F.relu(x), scale_factor=2), True),
    "another relu's sum": (lambda x: F.relu(F.relu(x) + F.relu(-x) - 0.5), True),
    "sum of relus": (lambda x: F.relu(x) + F.relu(x - 0.5), False),
    "joined with others": (lambda x: torch.cat([F.relu(x[:, :3]), x[:, 3:]], 1), False),
    "joined with a constant": (lambda x: torch.cat([F.relu(x[:, :3]), torch.zeros(4, 3, 8, 8)], 1), False),
    "leaky": (F.leaky_relu, False),
    "gelu": (F.gelu, False),
    "average": (lambda x: F.avg_pool2d(F.relu(x), 2), False),
    "clamp from below 0": (lambda x: F.hardtanh(x, -1.0, 1.0), False),
    "threshold": (lambda x: F.threshold(x, 0.2, 0.0), False),
    "threshold in place": (lambda x: F.threshold(x, -0.2, 0.0), False),
    "nothing": (lambda x: x, False),
    "scaled by a layer": (lambda x: F.relu(x) * x.mean((2, 3), keepdim=True), False),
}


class Model(nn.Module):
    """conv -> something -> conv; dI of the second passes through a hook that may drop some of it."""

    def __init__(self, between: Callable[[Any], Any]):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1)
        self.between = between
        self.keep: Any = None

    def forward(self, x: Any) -> Any:
        torch.manual_seed(1)  # for the same dropout every time
        y = self.between(self.first(x))
        z = y.view_as(y)
        if self.keep is not None:
            z.register_hook(lambda gradient: gradient * self.keep)
        return self.second(z).square().sum()


@pytest.mark.parametrize("case", BETWEEN)
def test_di_outside_the_mask_reaches_no_weight(case: str, tmp_path: Path) -> None:
    between, expected = BETWEEN[case]
    model, images = Model(between), torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    with Recorder(model, traces={1: tmp_path / "t.npz"}):
        model(images).backward()
    trace = load_trace(tmp_path / "t.npz")
    found = trace.all_samples("second", "grad_input_mask")
    assert (found is not None) == expected == trace.layer("second").input_is_relu
    if found is None:
        return
    assert 0.02 < found.mean() < 0.98
    full = model.first.weight.grad.clone()
    for mask, same in ((found, True), (~found, False)):
        model.zero_grad()
        model.keep = torch.from_numpy(mask.copy()).float()
        model(images).backward()
        assert torch.equal(model.first.weight.grad, full) == same
