"""A classification task from the photographs that come inside scikit-image and scikit-learn.

Ten colour photographs, four classes each. A sample is a square crop, mirrored half of the time and scaled to
the size of the network's image. The right quarter of every region is never trained on: crops for testing come
from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from workloads.errors import UserError

Labels = Literal["quadrant", "rotation"]

PHOTOGRAPHS = {
    "skimage/data": (
        "astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png",
        "motorcycle_left.png", "retina.jpg", "rocket.jpg",
    ),
    "sklearn/datasets/images": ("china.jpg", "flower.jpg"),
}  # fmt: skip
CLASSES = 4 * sum(len(names) for names in PHOTOGRAPHS.values())
TRAINED_SHARE = 0.75
SMALLEST_CROP = 0.5
"""Side of a crop over that of the largest one, drawn evenly from here to 1; never below 32 pixels."""


class Photographs:
    """Batches of labelled crops.

    size: rows and columns of a sample. labels: `quadrant` numbers photograph and quadrant that a crop was
    taken from; `rotation` the photograph and by how many quarters the crop was turned, with crops from all of
    it. Samples depend on (seed, number of the batch) alone. UserError if the photographs are not installed.
    """

    def __init__(self, size: int, labels: Labels = "quadrant", seed: int = 0):
        self._size, self._labels, self._seed = size, labels, seed
        self._regions = [_regions(picture, labels) for picture in _pictures()]
        channels = np.concatenate([r.reshape(-1, 3) for regions in self._regions for r in regions])
        self._mean, self._deviation = channels.mean(0), channels.std(0)

    def batch(self, number: int, samples: int, *, test: bool = False) -> tuple[Any, Any]:
        """Images float32[samples, 3, size, size], channels normalised, and labels int64[samples]."""
        import torch  # noqa: PLC0415

        random = np.random.default_rng(np.random.SeedSequence([self._seed, int(test), number]))
        labels = random.integers(0, CLASSES, samples)
        images = torch.stack([self._sample(random, int(label), test) for label in labels])
        return images, torch.from_numpy(labels)

    def _sample(self, random: np.random.Generator, label: int, test: bool) -> Any:
        import torch  # noqa: PLC0415

        picture, part = divmod(label, 4)
        region = self._regions[picture][part % len(self._regions[picture])]
        crop = _crop(random, _side(region, test), self._size)
        crop = (crop - self._mean) / self._deviation
        if random.random() < 0.5:
            crop = crop[:, ::-1]
        if self._labels == "rotation":
            crop = np.rot90(crop, part)
        image = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1), np.float32))
        return _scaled(image, self._size)


def _pictures() -> list[np.ndarray]:
    """The photographs as float32[rows, columns, 3], 0 to 1."""
    from PIL import Image  # noqa: PLC0415

    files = [_folder(folder) / name for folder, names in PHOTOGRAPHS.items() for name in names]
    return [np.asarray(Image.open(file).convert("RGB"), np.float32) / 255 for file in files]


def _folder(folder: str) -> Path:
    from importlib.util import find_spec  # noqa: PLC0415

    package, _, rest = folder.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(
            "the photographs are in scikit-image and scikit-learn: pip install scikit-image scikit-learn."
        )
    return Path(spec.origin).parent / rest


def _regions(picture: np.ndarray, labels: Labels) -> list[np.ndarray]:
    if labels == "rotation":
        return [picture]
    rows, columns = picture.shape[0] // 2, picture.shape[1] // 2
    return [picture[r : r + rows, c : c + columns] for r in (0, rows) for c in (0, columns)]


def _side(region: np.ndarray, test: bool) -> np.ndarray:
    cut = int(region.shape[1] * TRAINED_SHARE)
    return region[:, cut:] if test else region[:, :cut]


def _crop(random: np.random.Generator, region: np.ndarray, size: int) -> np.ndarray:
    """A square crop, at most twice as large as the sample, so that small ones keep the detail."""
    most = min(*region.shape[:2], 2 * size)
    side = int(random.integers(max(min(most, 32), int(SMALLEST_CROP * most)), most + 1))
    row, column = (int(random.integers(0, length - side + 1)) for length in region.shape[:2])
    return region[row : row + side, column : column + side]


def _scaled(image: Any, size: int) -> Any:
    from torch.nn.functional import interpolate  # noqa: PLC0415

    return interpolate(image[None], (size, size), mode="bilinear", antialias=True, align_corners=False)[0]
