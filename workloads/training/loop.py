"""The training loop: SGD with momentum, a learning rate that falls as a cosine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from workloads.training.photographs import Photographs

MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
WARM_UP_SHARE = 0.05
"""Share of the steps in which the learning rate rises to its peak."""


@dataclass(frozen=True)
class Schedule:
    """steps of `batch` samples; learning_rate at its peak; tests: how often unseen crops are classified."""

    steps: int
    batch: int
    learning_rate: float
    tests: int = 20
    test_samples: int = 400
    bfloat16: bool = True

    def rate(self, step: int) -> float:
        """Learning rate of a step, from 1."""
        rising = max(1, round(WARM_UP_SHARE * self.steps))
        if step <= rising:
            return self.learning_rate * step / rising
        return (
            self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / (self.steps - rising + 1)))
        )

    def is_test(self, step: int) -> bool:
        return step == self.steps or step % max(1, self.steps // self.tests) == 0


@dataclass
class History:
    """loss and accuracy of every step on its own batch; test_accuracy by step."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    test_accuracy: dict[int, float] = field(default_factory=dict)


def train(
    model: Any, photographs: Photographs, schedule: Schedule, history: History | None = None
) -> History:
    """Trains `model`, where it is, and returns what happened; deterministic but for the order of sums."""
    history = history or History()
    optimizer = torch.optim.SGD(
        model.parameters(), schedule.learning_rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    for step, (images, labels) in enumerate(_batches(photographs, schedule), start=1):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step)
        _step(model, optimizer, images, labels, schedule, history)
        if schedule.is_test(step):
            history.test_accuracy[step] = accuracy_of(model, photographs, schedule)
    return history


def accuracy_of(model: Any, photographs: Photographs, schedule: Schedule) -> float:
    """Share of crops from parts of the photographs that are never trained on which get their label."""
    model.eval()
    right = 0
    numbers = range(math.ceil(schedule.test_samples / schedule.batch))
    with torch.no_grad():
        for number in numbers:
            images, labels = photographs.batch(number, schedule.batch, test=True)
            scores = _scores(model, images, schedule)
            right += int((scores.argmax(1) == labels.to(scores.device)).sum())
    model.train()
    return right / (len(numbers) * schedule.batch)


def _batches(photographs: Photographs, schedule: Schedule) -> Iterator[tuple[Any, Any]]:
    """The batches in order, the next one cut while a step runs."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(photographs.batch, 1, schedule.batch)
        for number in range(2, schedule.steps + 2):
            ready = following.result()
            following = pool.submit(photographs.batch, number, schedule.batch)
            yield ready


def _step(model: Any, optimizer: Any, images: Any, labels: Any, schedule: Schedule, history: History) -> None:
    optimizer.zero_grad()
    scores = _scores(model, images, schedule)
    labels = labels.to(scores.device)
    loss = functional.cross_entropy(scores.float(), labels)
    loss.backward()
    optimizer.step()
    history.loss.append(loss.item())
    history.accuracy.append(float((scores.argmax(1) == labels).float().mean()))


def _scores(model: Any, images: Any, schedule: Schedule) -> Any:
    """The model's output for images from the host."""
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=schedule.bfloat16):
        return model(images.to(device))
