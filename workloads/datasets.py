"""The data sets: image shape and number of classes, all a performance model needs of them."""

from __future__ import annotations

from dataclasses import dataclass

from workloads.errors import unknown_name
from workloads.layers import Shape


@dataclass(frozen=True)
class Dataset:
    """Images of shape (C, H, W) in `classes` classes."""

    name: str
    image_shape: Shape
    classes: int

    @property
    def is_small(self) -> bool:
        """Whether images are too small for the ImageNet stems, which divide the size by 32 in all."""
        return min(self.image_shape[1:]) < 64


# CIFAR: Krizhevsky 2009. ImageNet: ILSVRC-2012, at the customary crop of 224 x 224.
_DATASETS = (
    Dataset("cifar10", (3, 32, 32), 10),
    Dataset("cifar100", (3, 32, 32), 100),
    Dataset("imagenet", (3, 224, 224), 1000),
)

DATASETS: tuple[str, ...] = tuple(dataset.name for dataset in _DATASETS)


def find_dataset(name: str) -> Dataset:
    """The data set called `name`; UserError with the nearest name if there is none."""
    for dataset in _DATASETS:
        if dataset.name == name:
            return dataset
    raise unknown_name("data set", name, DATASETS)
