"""Can what the recorded runs were made with be run again, and is the task what it is said to be?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.pytorch import require, require_torch
from workloads.catalog import load_network
from workloads.sparsity.training_runs import TrainingRun

torch = require_torch()
for package in ("skimage", "sklearn"):
    require(package)

from workloads.training.networks import network  # noqa: E402
from workloads.training.photographs import CLASSES, Photographs  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "workloads" / "data" / "record_training.py"


@pytest.mark.parametrize(
    ("name", "size", "dataset"),
    [("alexnet", 32, "cifar10"), ("resnet18", 32, "cifar10"), ("resnet18", 224, "imagenet")],
)
def test_networks_are_those_of_the_catalogue(name: str, size: int, dataset: str) -> None:
    """Names and sizes of every convolution and linear layer but the last, whose classes are other ones."""
    model = network(name, size, 10)
    weights = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    for node in load_network(name, dataset).convolutions()[:-1]:
        shape = weights[f"{node.name}.weight"]
        assert shape[:2] == (node.layer.out_channels, node.layer.in_channels)  # type: ignore[union-attr]


@pytest.mark.parametrize("labels", ["quadrant", "rotation"])
def test_batches_are_reproducible_normalised_and_have_all_classes(labels: str) -> None:
    photographs = Photographs(32, labels, seed=3)  # type: ignore[arg-type]
    images, classes = photographs.batch(5, 200)
    again, same = photographs.batch(5, 200)
    assert torch.equal(images, again) and torch.equal(classes, same)
    assert images.shape == (200, 3, 32, 32) and images.dtype == torch.float32
    assert abs(float(images.mean())) < 0.3 and 0.6 < float(images.std()) < 1.4
    assert set(classes.tolist()) <= set(range(CLASSES)) and len(set(classes.tolist())) > CLASSES * 0.9
    other, _ = photographs.batch(5, 200, test=True)
    assert not torch.equal(images, other)


def test_a_rotation_is_what_its_label_says() -> None:
    """A picture that is bright at its top has its bright side on the left after one quarter, and so on."""
    photographs = Photographs(32, "rotation")
    picture = np.repeat(np.linspace(1, 0, 80, dtype=np.float32)[:, None, None], 80, 1).repeat(3, 2)
    photographs._regions = [[picture]] * (CLASSES // 4)
    images, labels = photographs.batch(1, 40)
    for image, quarters in zip(images.mean(1), (labels % 4).tolist(), strict=True):
        sides = (image[0], image[:, 0], image[-1], image[:, -1])  # top, left, bottom, right
        assert int(torch.stack([side.mean() for side in sides]).argmax()) == quarters


def test_what_is_tested_on_was_never_trained_on() -> None:
    photographs = Photographs(32)
    region = np.zeros((100, 200, 3), np.float32)
    region[:, 150:] = 1  # the right quarter
    photographs._regions = [[region] * 4] * (CLASSES // 4)
    trained, tested = (photographs.batch(1, 60, test=test)[0] for test in (False, True))
    assert trained.amax((0, 2, 3)).allclose(trained.amin((0, 2, 3)))  # one side only
    assert tested.amax((0, 2, 3)).allclose(tested.amin((0, 2, 3)))
    assert float(trained.max()) < float(tested.max())


@pytest.mark.slow
def test_the_script_trains_and_records(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(SCRIPT),
        "alexnet",
        "--pruning",
        "0.9",
        "--steps",
        "6",
        "--output",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = TrainingRun.model_validate(json.loads((tmp_path / "alexnet_32_p0.9.json").read_text()))
    assert run.steps == 6 and run.recorded_steps == (1, 2, 3, 4, 5, 6)
    assert (tmp_path / "alexnet_32_p0.9.npz").stat().st_size > 0
    # Nothing is pruned until the FIFO of four thresholds is full; from then on, much.
    densities = run.layers["features.8"].grad_output
    assert max(densities[4:]) < 0.7 * min(densities[:4])
