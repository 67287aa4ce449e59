"""Trains a network on photographs and records its sparsity.

    python workloads/data/record_training.py resnet18 --size 32 --pruning 0.9 --output runs/training

writes NETWORK_SIZE_P.json (loss, accuracy and densities over the steps) and NETWORK_SIZE_P.npz (the masks of
a few samples in the middle of the run). Needs the extra `training`. A script and no part of the package: it
uses `sparsesim.capture`, which stands above `workloads`.
"""

from __future__ import annotations

import argparse
import math
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparsesim.capture import Recorder, prune_gradients
from workloads.sparsity.training_runs import LayerHistory, TrainingRun, run_name
from workloads.training.loop import History, Schedule, train
from workloads.training.networks import network
from workloads.training.photographs import CLASSES, Labels, Photographs

# network, size: what is trained, recorded samples, labels.
SETTINGS: dict[tuple[str, int], tuple[Schedule, int, Labels]] = {
    ("alexnet", 32): (Schedule(steps=600, batch=64, learning_rate=0.02), 8, "quadrant"),
    ("resnet18", 32): (Schedule(steps=600, batch=32, learning_rate=0.05), 4, "quadrant"),
    ("resnet18", 224): (
        Schedule(steps=200, batch=16, learning_rate=0.03, tests=8, test_samples=160), 4, "rotation",
    ),
}  # fmt: skip
RECORDED_STEPS = 40
_DIGITS = 4
_COLUMNS = tuple(LayerHistory.model_fields)


def main() -> None:
    """One run."""
    asked = _asked()
    schedule, samples, labels = SETTINGS[asked.network, asked.size]
    schedule = replace(schedule, steps=asked.steps or schedule.steps)
    name = run_name(asked.network, asked.size, asked.pruning)
    asked.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(asked.seed)
    model = _initialised(network(asked.network, asked.size, CLASSES)).to(asked.device)
    pruning = prune_gradients(model, p=asked.pruning, seed=asked.seed) if asked.pruning else nullcontext()
    middle = schedule.steps // 2
    recorder = Recorder(
        model, traces={middle: asked.output / f"{name}.npz"}, samples=samples,
        every=max(1, schedule.steps // RECORDED_STEPS), network=asked.network,
        dataset=f"photographs-{asked.size}", source=_source(asked, schedule, labels, middle),
    )  # fmt: skip
    started = time.perf_counter()
    with pruning, recorder:
        history = train(model, Photographs(asked.size, labels, asked.seed), schedule)
    seconds = round(time.perf_counter() - started)
    parameters = sum(weights.numel() for weights in model.parameters())
    run = _run(asked, schedule, labels, history, recorder.densities(), (parameters, seconds))
    (asked.output / f"{name}.json").write_text(_text(run), encoding="utf-8")
    print(f"{name}: {seconds} s, accuracy {run.final_accuracy:.3f} on unseen crops")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=sorted({name for name, _ in SETTINGS}))
    parser.add_argument("--size", type=int, default=32, choices=sorted({size for _, size in SETTINGS}))
    parser.add_argument("--pruning", type=float, default=0.0, help="target pruning rate p; 0 does not prune")
    parser.add_argument("--steps", type=int, help="instead of what is set for the network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda (default: cpu)")
    parser.add_argument("--output", type=Path, default=Path("runs/training"))
    asked = parser.parse_args()
    if (asked.network, asked.size) not in SETTINGS:
        parser.error(f"{asked.network} is not trained at {asked.size}; there are {sorted(SETTINGS)}")
    return asked


def _initialised(model: Any) -> Any:
    """He's initialisation, fan-out, as torchvision's ResNet."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model


def _source(asked: argparse.Namespace, schedule: Schedule, labels: str, middle: int) -> str:
    pruned = f"pruned with p = {asked.pruning:g}" if asked.pruning else "plain"
    return (
        f"{asked.network} trained on {asked.size} x {asked.size} crops of the photographs of scikit-image "
        f"and scikit-learn (photograph and {labels}, {CLASSES} classes), {pruned}, step {middle} of "
        f"{schedule.steps}"
    )


def _run(
    asked: argparse.Namespace,
    schedule: Schedule,
    labels: str,
    history: History,
    table: Any,
    counted: tuple[int, int],
) -> TrainingRun:
    """table: the recorder's densities. counted: parameters and seconds."""
    steps = sorted({int(step) for step in table["step"]})
    return TrainingRun(
        network=asked.network, size=asked.size, pruning=asked.pruning, labels=labels, seed=asked.seed,
        steps=schedule.steps, batch=schedule.batch, learning_rate=schedule.learning_rate,
        precision="bfloat16" if schedule.bfloat16 else "float32", parameters=counted[0], seconds=counted[1],
        pytorch=torch.__version__.partition("+")[0],
        test_accuracy={step: round(share, _DIGITS) for step, share in history.test_accuracy.items()},
        recorded_steps=tuple(steps),
        loss=tuple(_means(history.loss, steps)),
        accuracy=tuple(_means(history.accuracy, steps)),
        layers={
            str(name): LayerHistory(**{key: _column(rows[key]) for key in _COLUMNS})
            for name, rows in table.groupby("layer", sort=False, observed=True)
        },
    )  # fmt: skip


def _text(run: TrainingRun) -> str:
    """JSON with a line for every list."""
    return run.model_dump_json().replace("],", "],\n") + "\n"


def _means(values: list[float], steps: list[int]) -> list[float]:
    """Means over the steps since the recorded one before."""
    begins = [0, *steps[:-1]]
    pairs = zip(begins, steps, strict=True)
    return [round(sum(values[a:b]) / (b - a), _DIGITS) for a, b in pairs]


def _column(values: Any) -> Any:
    return tuple(None if math.isnan(value) else round(float(value), _DIGITS) for value in values)


if __name__ == "__main__":
    main()
