"""AlexNet and ResNet-18 in PyTorch, layer for layer those of `workloads/zoo`, under the same names."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

_ALEXNET = (64, 192, 384, 256, 256)
_POOLED = (0, 1, 4)
_HIDDEN = 1024


def network(name: str, size: int, classes: int) -> Any:
    """`alexnet` (size 32) or `resnet18` (size 32: a 3x3 stem without pool; else that of ImageNet)."""
    if name == "alexnet":
        return AlexNet(size, classes)
    return ResNet18(size <= 64, classes)


class AlexNet(nn.Module):
    """The CIFAR form: 3x3 convolutions, 2x2 pools, fully connected layers of 1024 behind dropout."""

    def __init__(self, size: int, classes: int):
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for index, channels in enumerate(_ALEXNET):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if index in _POOLED else []
            before = channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(before * (size // 8) ** 2, _HIDDEN), nn.ReLU(inplace=True),
            nn.Dropout(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, classes),
        )  # fmt: skip

    def forward(self, images: Any) -> Any:
        return self.classifier(self.features(images).flatten(1))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016)."""

    def __init__(self, before: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride > 1 or before != channels:
            convolution = nn.Conv2d(before, channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(channels))

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """Four stages of two blocks, 64 to 512 channels. small: the stem of CIFAR."""

    def __init__(self, small: bool, classes: int):
        super().__init__()
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(3, 64, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        for stage, channels in enumerate((64, 128, 256, 512), start=1):
            self.add_module(f"layer{stage}", _stage(64 if stage == 1 else channels // 2, channels, stage))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, images: Any) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.fc(self.avgpool(x).flatten(1))


def _stage(before: int, channels: int, stage: int) -> Any:
    blocks = [Block(before, channels, 1 if stage == 1 else 2), Block(channels, channels, 1)]
    return nn.Sequential(OrderedDict((str(i), block) for i, block in enumerate(blocks)))
