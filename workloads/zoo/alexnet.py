"""AlexNet: five convolutions with ReLU, three pools, three fully connected layers; no batch-norm.

ImageNet: the layout of torchvision, after Krizhevsky, "One weird trick for parallelizing convolutional
neural networks" (2014). Its adaptive average pool is the identity at 224 x 224 and is left out.
CIFAR: the same sequence with 3x3 convolutions of stride 1 and 2x2 pools (32 -> 16 -> 8 -> 4) and fully
connected layers of 1024, the form the recorded CIFAR-sized traces have.
"""

from __future__ import annotations

from workloads.datasets import Dataset
from workloads.layers import Conv, Flatten, Linear, MaxPool, ReLU, Size, square
from workloads.network import Network, NetworkBuilder

_CHANNELS = (64, 192, 384, 256, 256)
_POOLED = (0, 1, 4)  # convolutions followed by a pool

# kernel, stride, padding of each convolution
_IMAGENET = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
_CIFAR = ((3, 1, 1),) * 5


def alexnet(dataset: Dataset) -> Network:
    """AlexNet for `dataset`; small images get the CIFAR form."""
    small = dataset.is_small
    variant = "CIFAR form: 3x3 convolutions, fc 1024" if small else "torchvision layout"
    network = NetworkBuilder("alexnet", dataset.name, dataset.image_shape, variant)
    _features(network, _CIFAR if small else _IMAGENET, square(2 if small else 3))
    network.add("flatten", Flatten())
    _classifier(network, 1024 if small else 4096, dataset.classes)
    return network.build()


def _features(network: NetworkBuilder, windows: tuple[tuple[int, int, int], ...], pool: Size) -> None:
    index = 0
    for convolution, (channels, (kernel, stride, padding)) in enumerate(zip(_CHANNELS, windows, strict=True)):
        before = network.shape()[0]
        network.add(
            f"features.{index}", Conv(before, channels, square(kernel), square(stride), square(padding))
        )
        network.add(f"features.{index + 1}", ReLU())
        index += 2
        if convolution in _POOLED:
            network.add(f"features.{index}", MaxPool(pool, square(2)))
            index += 1


def _classifier(network: NetworkBuilder, width: int, classes: int) -> None:
    """torchvision's numbering: classifier.0 and .3 are dropout."""
    network.add("classifier.1", Linear(network.shape()[0], width))
    network.add("classifier.2", ReLU())
    network.add("classifier.4", Linear(width, width))
    network.add("classifier.5", ReLU())
    network.add("classifier.6", Linear(width, classes))
