"""Small PyTorch models with what networks are made of, and a loop that trains them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.pytorch import require_torch

torch = require_torch()
nn = torch.nn
F = torch.nn.functional


class Block(nn.Module):
    """A residual block, ReLUs in place, a downsampling convolution where it strides."""

    def __init__(self, channels: int, out: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Conv2d(channels, out, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def residual() -> Any:
    """Conv-BN-ReLU, 3 x 12 x 12 images, 5 classes."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        Block(8, 8),
        Block(8, 16, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


def plain() -> Any:
    """Conv-ReLU as in AlexNet, 3 x 12 x 12 images, 5 classes."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(108, 16),
        nn.ReLU(inplace=True),
        nn.Linear(16, 5),
    )


def batches(count: int, size: int = 8, shape: tuple[int, ...] = (3, 12, 12)) -> Iterator[tuple[Any, Any]]:
    """Images and labels drawn at random, the same every time."""
    random = torch.Generator().manual_seed(7)
    for _ in range(count):
        labels = torch.randint(0, 5, (size,), generator=random)
        yield torch.randn(size, *shape, generator=random), labels


def train(model: Any, steps: int, size: int = 8) -> None:
    """A training loop as anybody would write it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for images, labels in batches(steps, size):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
