"""What recording densities costs a training step: `python tests/benchmarks/recording.py` (about two minutes).

ResNet-18 at CIFAR size, 64 images per step. Steps with and without a recorder alternate, so that whatever
else the computer does meets both. Medians are printed: of the seconds that pass, and of the processor's
seconds, which other programs disturb less.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sparsesim.capture import Recorder

BATCH, ROUNDS = 64, 10


class Block(nn.Module):
    """The basic block of ResNet-18."""

    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        same = stride == 1 and channels == out
        shorter = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.downsample = nn.Identity() if same else shorter

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.downsample(x))


def resnet18() -> Any:
    """ResNet-18 for 32 x 32 images, 10 classes: 64 to 512 channels, 3 x 3 stem without pooling."""
    layers: list[Any] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    channels = 64
    for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(channels, out, stride), Block(out, out, 1)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def seconds(function: Callable[[], None]) -> tuple[float, float]:
    """Seconds that pass during a call, and seconds of all processors of this process."""
    elapsed, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - elapsed, time.process_time() - processor


def main() -> None:
    """Measure and print."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    model = resnet18().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.randn(BATCH, 3, 32, 32, device=device), torch.randint(10, (BATCH,), device=device)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    def recorded() -> None:
        with Recorder(model) as recorder:
            step()
        recorder.densities()

    step()
    recorded()
    rounds = [(*seconds(step), *seconds(recorded)) for _ in range(ROUNDS)]
    print(f"{device}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}, batch {BATCH}")
    for name, first in (("elapsed", 0), ("processor", 1)):
        bare, more = (statistics.median(one[place] for one in rounds) for place in (first, first + 2))
        share = statistics.median(one[first + 2] / one[first] - 1 for one in rounds)
        print(f"{name}: step {bare:.3f} s, with densities recorded {more:.3f} s; {share:+.1%} of a step")


if __name__ == "__main__":
    main()
